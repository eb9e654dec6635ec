"""Follows one process to its end: does it live, what is left of its tree, make an end of it.

Place in the flow: under `processes.py`. Whatever waits here has a deadline, and whatever kills
looks first whether the pid still means the same process.
"""

import asyncio
import os
import signal as signals
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from fairway.targets.local import procfs
from fairway.targets.local.records import Record

__all__ = [
    "Left",
    "Traced",
    "ancestors",
    "gone",
    "kill",
    "lives",
    "readable",
    "remaining",
    "tree",
]

LOOK_SECONDS = 0.01
SETTLE_SECONDS = 1.0  # changing a program takes a millisecond; a stranger may hang in it

Process = TypeVar("Process")


class Traced(Protocol):
    """A process by what tells it from a later one with the same pid."""

    @property
    def pid(self) -> int: ...

    @property
    def started(self) -> int: ...


def lives(record: Record) -> bool:
    """Whether the very process of that record is alive, not one that has its pid since."""
    stat = procfs.read(record.pid)
    return (
        stat is not None
        and stat.alive
        and stat.started == record.started
        and record.boot == procfs.boot()
    )


@dataclass(frozen=True, slots=True)
class Left(Generic[Process]):
    """Who is alive of those that are to end.

    `settled` where nobody could have been overlooked: no process that might be one of them was
    changing its program.
    """

    alive: tuple[Process, ...]
    settled: bool


def tree(record: Record) -> Left[procfs.Stat]:
    """What is alive of a process and its descendants, the leader first."""
    if record.boot != procfs.boot():
        return Left((), settled=True)
    stats = procfs.scan()
    marks = procfs.marks(stats)
    leader = stats.get(record.pid)
    # Where the leader is gone its pid may be a stranger's: only the mark tells who is left.
    there = leader is not None and leader.started == record.started
    alive = procfs.members(
        stats, record.pid if there else -1, marked=procfs.carrying(marks, record.token)
    )
    overlooked = any(stats[pid].started >= record.started for pid in marks.unsettled)
    return Left(tuple(alive), settled=not overlooked)


async def remaining(look: Callable[[], Left[Process]]) -> AsyncIterator[tuple[Process, ...]]:
    """Who is still alive, look after look, until nobody is and nobody can have been overlooked."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    while (left := look()).alive or (not left.settled and loop.time() < last + SETTLE_SECONDS):
        if left.alive:
            last = loop.time()
            yield left.alive
        await asyncio.sleep(LOOK_SECONDS)


def ancestors(stats: Mapping[int, procfs.Stat], pid: int) -> set[int]:
    """A process and those that it descends from."""
    found: set[int] = set()
    while pid in stats and pid not in found:
        found.add(pid)
        pid = stats[pid].parent
    return found


def kill(processes: Iterable[Traced]) -> None:
    """SIGKILL, through a descriptor that can't come to mean another process."""
    for each in processes:
        with suppress(ProcessLookupError):
            pidfd = os.pidfd_open(each.pid)
            try:
                stat = procfs.read(each.pid)
                if stat is not None and stat.started == each.started:
                    signals.pidfd_send_signal(pidfd, signals.SIGKILL)
            finally:
                os.close(pidfd)


async def gone(pid: int, timeout_seconds: float) -> bool:
    """Whether a process has ended within the time; works for others' children too."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return await readable(pidfd, timeout_seconds)
    finally:
        os.close(pidfd)


async def readable(descriptor: int, timeout_seconds: float) -> bool:
    """Whether a descriptor has something to say within the time."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        if not said.done():
            said.set_result(None)

    loop.add_reader(descriptor, note)
    try:
        await asyncio.wait_for(said, timeout_seconds)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
