"""Brings one backing server up: a port, a start, an answer, or the reason why there is none.

Place in the flow: `postgres.py`, `redis.py` and `objectstore.py` say how their server is run and
asked; what is the same for all of them is here. No policy: it is tried again only where somebody
else took the port in between.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fairway.core.problem import Problem, Problems, indented
from fairway.targets.local import disk, private
from fairway.targets.local.ports import free_port, is_free
from fairway.targets.local.processes import Command, ProcessTable

__all__ = ["Server", "kept_port", "last_lines"]

LOOK_SECONDS = 0.005
TRIES = 3
TAKEN = ("Address already in use", "already in use")
TAIL_BYTES = 4096
TAIL_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How a server is run and asked.

    `prepare` makes what it needs before a start, and `command` its command for a port, with the
    settings that the command needs. `accepts` asks whether it answers. `title` is how problems
    name it.
    """

    title: str
    name: str
    port_file: Path
    prepare: Callable[[], Awaitable[None]]
    command: Callable[[int], Command]
    accepts: Callable[[], Awaitable[bool]]
    start_seconds: float

    async def start(self, processes: ProcessTable) -> None:
        """Return once it answers; one that runs already is left as it is.

        Raises `Problems` with its last lines where it ends instead, or takes too long.
        """
        try:
            # One that was about to end when it was found is no reason to give up.
            if is_alive(processes, self.name) and await self.answers(processes):
                return
            for attempt in range(TRIES):
                if await self.comes_up(processes, last=attempt == TRIES - 1):
                    return
        except OSError as error:
            raise disk.refused(self.title, error, self.port_file.parent) from error

    async def comes_up(self, processes: ProcessTable, *, last: bool) -> bool:
        """Start it; False where somebody took its port in between."""
        await self.prepare()
        command = self.command(self.port())
        before = size(command.log)
        await processes.start(command)
        if await self.answers(processes):
            return True
        said = last_lines(command.log, before)
        if is_alive(processes, self.name):
            what = f"it runs but did not answer within {self.start_seconds:g} s"
            raise Problems([self.problem(what, said, command.log)], exit_code=1)
        if last or not any(each in said for each in TAKEN):
            raise Problems([self.ended(said, command.log)], exit_code=1)
        self.port_file.unlink(missing_ok=True)
        return False

    def port(self) -> int:
        """The port that it had before, if that is free, else a free one, kept from now on."""
        port = kept_port(self.port_file)
        if port is None or not is_free(port):
            port = free_port()
            private.write(self.port_file, f"{port}\n", mode=0o644)
        return port

    async def answers(self, processes: ProcessTable) -> bool:
        """Whether it answers before its time is over; no sooner than it ends."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.start_seconds
        while loop.time() < deadline:
            if await self.accepts():
                return True
            if not is_alive(processes, self.name):
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return False

    def ended(self, said: str, log: Path) -> Problem:
        if disk.FULL in said or disk.is_full(self.port_file.parent):
            return disk.full(self.title, self.port_file.parent)
        return self.problem("it ended instead of starting", said, log)

    def problem(self, what: str, said: str, log: Path) -> Problem:
        lines = indented(said.splitlines()[-TAIL_LINES:])
        return Problem(self.title, f"{what}{':' if lines else ''}{lines}", f"read {log}")


def is_alive(processes: ProcessTable, name: str) -> bool:
    running = processes.find(name)
    return running is not None and running.alive


def kept_port(path: Path) -> int | None:
    """The port written down in `path`; None where there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def last_lines(log: Path, since: int = 0) -> str:
    """What a log says at its end, at most some kilobytes, and nothing from before `since`."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, size(log) - TAIL_BYTES))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""
