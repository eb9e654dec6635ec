"""The processes of one project: started, found again, measured, stopped.

Place in the flow: the local driver and the backing servers act through a `ProcessTable`. It
holds mechanisms only: what runs, when, and whether it is started again is decided elsewhere.

What it promises. Every process leads its own session and goes on when the engine is killed.
No program runs without a record (see `launch.py`), and every record is believed only while its
pid, start time and boot all match, so that another engine, later, finds what runs and never
signals a stranger. What escaped all records carries a mark in its environment: `strays`.
Stopping ends the whole tree, and returns only when nothing of it is left.
"""

import asyncio
import os
import secrets
import signal as signals
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.programs import priority
from fairway.targets.local import disk, procfs, records, strays
from fairway.targets.local.launch import NO_RECORD, Command, spawn
from fairway.targets.local.lifetime import (
    Left,
    ancestors,
    gone,
    kill,
    lives,
    readable,
    remaining,
    tree,
)
from fairway.targets.local.records import Record
from fairway.targets.local.strays import Stray

__all__ = ["Command", "ProcessTable", "Running", "Stopped", "Stray", "Usage"]

TICKS = os.sysconf("SC_CLK_TCK")
RECORD_SECONDS = 20.0  # a shell has to write one small file
KILL_SECONDS = 10.0  # only a process that hangs in the kernel outlives SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process at one moment.

    `started` is in seconds since boot (CLOCK_BOOTTIME). `exit_code` is as a shell has it (128
    more than the signal that ended it); None while it lives, or where nobody saw it end.
    """

    name: str
    pid: int
    started: float
    labels: Mapping[str, str]
    log: Path
    alive: bool
    exit_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How a process ended; `killed` where some of it had to be ended by SIGKILL."""

    name: str
    exit_code: int | None
    killed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process and all that it started take.

    `cpu_seconds` counts from the start and includes children that have ended. `rss_bytes`
    counts memory that they share once.
    """

    cpu_seconds: float
    rss_bytes: int
    processes: int


class ProcessTable:
    """The processes whose records stand in `folder` (`.fairway/run`); one engine at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._children: dict[int, Path] = {}  # not yet reaped -> its record
        self._starting: dict[int, int | None] = {}  # -> exit code, where it ended already
        self._locks: dict[str, asyncio.Lock] = {}

    # -- Start and find ------------------------------------------------------------------------

    async def start(self, command: Command) -> Running:
        """Start a process, and return once its record is there.

        A living process of that name is returned as it is, so that a start can be repeated.
        Raises `Problems` where it cannot be started.
        """
        async with self._locks.setdefault(command.name, asyncio.Lock()):
            running = self.find(command.name)
            if running is not None and running.alive:
                return running
            return await self._start(command)

    async def _start(self, command: Command) -> Running:
        path = self._path(command.name)
        self._clear(command, path)
        token = secrets.token_hex(8)
        rest = records.rest(
            name=command.name,
            token=token,
            argv=command.argv,
            log=command.log,
            labels=command.labels,
            keeps=command.keeps_exit_code,
        )
        marks = strays.marks(self.folder, f"{command.name}/{token}")
        spawned = spawn(command, record=path, rest=rest, marks=marks)
        self._children[spawned.pid] = path
        self._starting[spawned.pid] = None
        try:
            self._reap_on_exit(spawned.pid)
            if not await readable(spawned.recorded, RECORD_SECONDS):
                os.kill(spawned.pid, signals.SIGKILL)
            return await self._started(command, spawned.pid)
        finally:
            del self._starting[spawned.pid]
            os.close(spawned.recorded)

    def _clear(self, command: Command, path: Path) -> None:
        """Make room for a record.

        Only one that was there before, and is of no living process, goes: a straggler of a dead
        engine may write its own at this very moment, and then the name is taken.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if path.exists() and ((found := records.read(path)) is None or not lives(found)):
                records.remove(path)
        except OSError as error:
            raise disk.refused(command.where, error, self.folder) from error

    async def _started(self, command: Command, pid: int) -> Running:
        """The process that got the record; the reason, where none did."""
        path = self._path(command.name)
        path.with_name(f"{path.name}.{pid}").unlink(missing_ok=True)
        record = records.read(path)
        if record is not None:
            return self._seen(record)
        await gone(pid, RECORD_SECONDS)
        self._reap(pid)
        code = self._starting[pid]
        if code == NO_RECORD and disk.is_full(self.folder):
            raise Problems([disk.full(command.where, self.folder)], exit_code=1)
        what = f"it ended with exit code {code} before its record stood in {self.folder}"
        raise Problems([Problem(command.where, what, f"read {command.log}")], exit_code=1)

    def find(self, name: str) -> Running | None:
        """The process of that name as it is now, whichever engine started it."""
        record = records.read(self._path(name))
        return None if record is None else self._seen(record)

    def all(self) -> tuple[Running, ...]:
        """Every process that has a record, sorted by name."""
        return tuple(self._seen(record) for record in records.everyone(self.folder))

    def forget(self, name: str) -> None:
        """Drop the record of a process that has ended. ValueError while it lives."""
        running = self.find(name)
        if running is not None and running.alive:
            raise ValueError(f"{name} still runs as process {running.pid}")
        records.remove(self._path(name))

    def _path(self, name: str) -> Path:
        return records.path_of(self.folder, name)

    def _seen(self, record: Record) -> Running:
        if record.pid in self._children:
            self._reap(record.pid)
        alive = lives(record)
        code = None if alive else records.exit_code(self._path(record.name), record.pid)
        return Running(
            name=record.name,
            pid=record.pid,
            started=record.started / TICKS,
            labels=record.labels,
            log=record.log,
            alive=alive,
            exit_code=code,
        )

    # -- How processes end ---------------------------------------------------------------------

    async def wait(self, name: str, timeout_seconds: float) -> int | None:
        """The exit code of a process, once it has ended.

        None if it still runs after `timeout_seconds`, has no record, or nobody saw how it
        ended: `find` tells which.
        """
        record = records.read(self._path(name))
        if record is None:
            return None
        if lives(record):
            await gone(record.pid, timeout_seconds)
        return self._seen(record).exit_code

    def signal(self, name: str, signal: int) -> None:
        """Send a signal to the group of a process, if it lives."""
        record = records.read(self._path(name))
        if record is not None and lives(record):
            with suppress(ProcessLookupError):
                os.killpg(record.pid, signal)

    def _tell(self, record: Record, signal: int) -> None:
        """Send a signal to who is to end a tree: its leader alone, or all of its group."""
        if not tells_leader(record):
            self.signal(record.name, signal)
        elif lives(record):
            with suppress(ProcessLookupError):
                os.kill(record.pid, signal)

    async def stop(
        self, name: str, *, grace_seconds: float, signal: int = signals.SIGTERM
    ) -> Stopped:
        """End a process and all that it started, and drop its record.

        The group gets `signal`; what is left of the tree after `grace_seconds` gets SIGKILL. Where
        its label `told` says so, the leader alone gets it, and the rest ends with it, as in a
        container.
        Repeating it, or naming a process that is not there, does no harm. Raises `Problems`
        where something outlives SIGKILL.
        """
        record = records.read(self._path(name))
        if record is None:
            return Stopped(name=name, exit_code=None, killed=False)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_seconds
        self._tell(record, signal)
        if lives(record):
            await gone(record.pid, grace_seconds)
        if tells_leader(record):
            deadline = min(deadline, loop.time())
        killed = await self._end(record, deadline)
        code = self._seen(record).exit_code
        records.remove(self._path(name))
        return Stopped(name=name, exit_code=code, killed=killed)

    async def _end(self, record: Record, deadline: float) -> bool:
        """Wait until nothing of a tree is left; from the deadline on, by force."""
        loop = asyncio.get_running_loop()
        killed = False
        async for left in remaining(lambda: tree(record)):
            self._reap(record.pid)
            late = loop.time() - deadline
            if late > KILL_SECONDS:
                raise Problems([outlives(record, left)])
            if late >= 0:
                killed = True
                # A wrapper is spared until its program is gone, so that it can say how it went.
                spared = record.pid if record.keeps_exit_code and late < 1 else None
                kill(each for each in left if each.pid != spared)
        return killed

    def _reap_on_exit(self, pid: int) -> None:
        """Take note of a child's end as soon as it ends: no zombie, and its exit code kept."""
        loop = asyncio.get_running_loop()
        pidfd = os.pidfd_open(pid)

        def ended() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            self._reap(pid)

        loop.add_reader(pidfd, ended)

    def _reap(self, pid: int) -> None:
        """Ask how a child ended, if it did, and keep the answer beside its record."""
        path = self._children.get(pid)
        if path is None:
            return
        try:
            found, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            del self._children[pid]
            return
        if found == 0:
            return
        del self._children[pid]
        code = os.waitstatus_to_exitcode(status)
        code = code if code >= 0 else 128 - code
        if pid in self._starting:
            self._starting[pid] = code
        record = records.read(path)
        if record is not None and record.pid == pid and records.exit_code(path, pid) is None:
            with suppress(OSError):  # a full disk: then nobody knows after this engine
                records.write_exit_code(path, pid, code)

    # -- What they take, and who stands back ---------------------------------------------------

    def usage(self, name: str) -> Usage | None:
        """What a process and all its descendants take; None where it does not run."""
        return self.usages([name]).get(name)

    def usages(self, names: Iterable[str]) -> Mapping[str, Usage]:
        """The same for several, from one look at `/proc`."""
        found = {name: records.read(self._path(name)) for name in names}
        stats = procfs.scan()
        return {
            name: measured(procfs.members(stats, record.pid))
            for name, record in found.items()
            if record is not None and lives(record)
        }

    def set_priority(self, name: str, *, starting: bool) -> None:
        """Have a process stand back while it starts, or no longer. Harmless where refused."""
        record = records.read(self._path(name))
        if record is None or not lives(record):
            return

        def threads() -> list[int]:
            inside = procfs.members(procfs.scan(), record.pid)
            return [thread for each in inside for thread in procfs.threads(each.pid)]

        priority.give_way(record.pid, threads, starting=starting)

    # -- What no record names ------------------------------------------------------------------

    def strays(self) -> tuple[Stray, ...]:
        """Processes of this project that belong to no living process with a record."""
        return self._strays().alive

    def _strays(self) -> Left[Stray]:
        stats = procfs.scan()
        known = {*self._starting, *ancestors(stats, os.getpid())}
        return strays.find(stats, self.folder, records.everyone(self.folder), known)

    async def reap_strays(self) -> tuple[Stray, ...]:
        """Kill all strays, and return those that there were once none is left."""
        reaped: dict[tuple[int, int], Stray] = {}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + KILL_SECONDS
        async for left in remaining(self._strays):
            if loop.time() > deadline:
                break
            reaped |= {(each.pid, each.started): each for each in left}
            kill(left)
        return tuple(reaped[key] for key in sorted(reaped))


def outlives(record: Record, left: Iterable[procfs.Stat]) -> Problem:
    """What to do about a process that SIGKILL does not end."""
    pids = ", ".join(str(each.pid) for each in left)
    what = f"process {pids} hangs in the kernel and outlives SIGKILL"
    return Problem(f"process {record.name}", what, "restart the machine")


def tells_leader(record: Record) -> bool:
    """Whether the leader alone is told to end."""
    return record.labels.get("told") == "leader"


def measured(inside: list[procfs.Stat]) -> Usage:
    return Usage(
        cpu_seconds=sum(each.cpu_ticks for each in inside) / TICKS,
        rss_bytes=procfs.resident_bytes(each.pid for each in inside),
        processes=len(inside),
    )
