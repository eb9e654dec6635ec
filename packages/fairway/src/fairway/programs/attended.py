"""A program that is run to its end: its lines as they come, and an end to it when told.

Place in the flow: under what a target installs, builds and compiles. Blocking; call in a thread.
It leads its own session, so that ending it ends all that it started, and so that it can be weighed
against those that serve meanwhile.
"""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.programs.priority import step_aside

__all__ = ["Attended", "Outcome", "Report", "silent"]

Report = Callable[[str], None]

LOOK_SECONDS = 0.1
GRACE_SECONDS = 5.0
LARGEST_PIPE = 1024 * 1024  # bytes that one can hold: pipe(7), /proc/sys/fs/pipe-max-size
MOST_LINES = 10_000  # kept of what it says; the last tell why it failed


def idle() -> None:
    """Nothing is to be done meanwhile."""


def silent(line: str) -> None:
    """Report nothing: what only looks has no progress."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: its exit code, and what it said last."""

    code: int
    lines: tuple[str, ...]

    def says(self, text: str) -> bool:
        """Whether a line holds `text`."""
        return any(text in line for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """How a program is attended.

    `stop`, once set, ends it and whoever waits for it with `Problems`, as the deadline does;
    `where`, `what` ("The build") and `mend` are what those say. `beside`: others serve meanwhile,
    and get more of the processors. `look` is called again and again while it runs.
    """

    where: str
    what: str
    mend: str
    stop: threading.Event | None = None
    deadline_seconds: float = 1800.0
    beside: bool = False
    look: Callable[[], None] = idle

    def run(
        self,
        argv: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        report: Report = silent,
    ) -> Outcome:
        """Run it in `folder`, with nothing to read and both its outputs as one.

        Raises OSError where there is no such program, `Problems` where it is ended early.
        """
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        said: deque[str] = deque(maxlen=MOST_LINES)
        try:
            if self.beside:
                step_aside(process.pid)
            for line in self._lines(process):
                said.append(line)
                report(line)
        finally:
            _end(process)
        return Outcome(process.returncode, tuple(said))

    def check_stop(self) -> None:
        """Raise `Problems` once `stop` is set."""
        if self.stop and self.stop.is_set():
            stopped = Problem(self.where, f"{self.what} was stopped.", "Run it again.")
            raise Problems([stopped], exit_code=1)

    def _lines(self, process: "subprocess.Popen[bytes]") -> Iterator[str]:
        """The lines of its output as they come; raises where it must end early.

        What it left behind may hold its output open, and write: of who has ended, what is in the
        pipe is the last. And it may close its output itself, and go on.
        """
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        ends_at = time.monotonic() + self.deadline_seconds
        pending, is_open = b"", True
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                self._go_on(ends_at)
                self.look()
                has_ended = process.poll() is not None
                if is_open and selector.select(timeout=0.0 if has_ended else LOOK_SECONDS):
                    block = os.read(descriptor, LARGEST_PIPE)
                    *whole, pending = (pending + block).split(b"\n")
                    yield from (line.decode(errors="replace").rstrip() for line in whole)
                    is_open = bool(block)
                elif not is_open:
                    _wait(process, LOOK_SECONDS)
                if has_ended:
                    break
        if pending:
            yield pending.decode(errors="replace").rstrip()

    def _go_on(self, ends_at: float) -> None:
        self.check_stop()
        if time.monotonic() > ends_at:
            what = f"{self.what} did not end within {self.deadline_seconds:.0f} seconds."
            raise Problems([Problem(self.where, what, self.mend)], exit_code=1)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of its group; asked first, where it still runs itself.

    The group's number is nobody else's while it has members, and not so soon after.
    """
    assert process.stdout is not None
    process.stdout.close()
    try:
        with suppress(ProcessLookupError, PermissionError):  # it may have become somebody else
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                _wait(process, GRACE_SECONDS)
            os.killpg(process.pid, signal.SIGKILL)
    finally:
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
