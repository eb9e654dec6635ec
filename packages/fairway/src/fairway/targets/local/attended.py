"""A program that is run to its end: its lines as they come, and an end to it when told.

Place in the flow: under what installs, builds and compiles a revision. Blocking; call in a thread.
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
from fairway.targets.local.priority import step_aside

__all__ = ["Attended", "Outcome", "Report", "silent"]

Report = Callable[[str], None]

LOOK_SECONDS = 0.1
GRACE_SECONDS = 5.0
LARGEST_PIPE = 1024 * 1024  # bytes that one can hold: pipe(7), /proc/sys/fs/pipe-max-size
MOST_LINES = 10_000  # kept of what it says; the last tell why it failed


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
    and get more of the processors.
    """

    where: str
    what: str
    mend: str
    stop: threading.Event | None = None
    deadline_seconds: float = 1800.0
    beside: bool = False

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
        if self.beside:
            step_aside(process.pid)
        said: deque[str] = deque(maxlen=MOST_LINES)
        ended = os.pidfd_open(process.pid)
        try:
            for line in self._lines(process, ended):
                said.append(line)
                report(line)
        finally:
            _end(process, ended)
        return Outcome(process.returncode, tuple(said))

    def check_stop(self) -> None:
        """Raise `Problems` once `stop` is set."""
        if self.stop and self.stop.is_set():
            stopped = Problem(self.where, f"{self.what} was stopped.", "Run it again.")
            raise Problems([stopped], exit_code=1)

    def _lines(self, process: subprocess.Popen[bytes], ended: int) -> Iterator[str]:
        """The lines of its output as they come; raises where it must end early.

        What it left behind may hold its output open, and write: of who has ended, what is in the
        pipe is the last.
        """
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        ends_at = time.monotonic() + self.deadline_seconds
        pending = b""
        with selectors.DefaultSelector() as selector:
            output = selector.register(descriptor, selectors.EVENT_READ)
            end = selector.register(ended, selectors.EVENT_READ)
            while True:
                self._go_on(ends_at)
                ready = [key for key, _ in selector.select(timeout=LOOK_SECONDS)]
                if output in ready:
                    block = os.read(descriptor, LARGEST_PIPE)
                    *whole, pending = (pending + block).split(b"\n")
                    yield from (line.decode(errors="replace").rstrip() for line in whole)
                    if not block:
                        selector.unregister(descriptor)  # it may close its output and go on
                if end in ready:
                    break
        if pending:
            yield pending.decode(errors="replace").rstrip()

    def _go_on(self, ends_at: float) -> None:
        self.check_stop()
        if time.monotonic() > ends_at:
            what = f"{self.what} did not end within {self.deadline_seconds:.0f} seconds."
            raise Problems([Problem(self.where, what, self.mend)], exit_code=1)


def _end(process: subprocess.Popen[bytes], ended: int) -> None:
    """Reap it, once nothing of its group is left; asked first, where it still runs.

    Its number is nobody else's until it is reaped, so that no stranger's group is meant.
    """
    assert process.stdout is not None
    process.stdout.close()
    try:
        with suppress(ProcessLookupError, PermissionError):  # it may have become somebody else
            if not _readable(ended, 0.0):
                os.killpg(process.pid, signal.SIGTERM)
                _readable(ended, GRACE_SECONDS)
            os.killpg(process.pid, signal.SIGKILL)
    finally:
        os.close(ended)
        process.wait()


def _readable(descriptor: int, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(timeout=seconds))
