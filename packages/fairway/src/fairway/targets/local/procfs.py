"""Reads `/proc`: which processes are there, whose they are, what they use.

Place in the flow: under `processes.py`, which decides nothing either. Linux only. Everything is
a snapshot: what it says may be over by the time it is read, so that whoever signals a process
checks `started` again behind a pidfd.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

__all__ = [
    "PROCESS_MARK",
    "PROJECT_MARK",
    "Stat",
    "boot",
    "carrying",
    "command_line",
    "mark",
    "marks",
    "members",
    "read",
    "resident_bytes",
    "scan",
    "threads",
]

# Every process that a table starts, and whatever it starts in turn, carries these two.
PROJECT_MARK = "FAIRWAY_PROJECT"  # the digest of the table's folder
PROCESS_MARK = "FAIRWAY_PROCESS"  # the process's name and the token of this one start

PROC = "/proc"
LARGEST = 65536  # bytes of one read
DEAD = frozenset("ZX")  # a zombie has ended; whoever started it has not asked how
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One line of `/proc/<pid>/stat`; times in clock ticks."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    threads: int
    started: int  # since boot: with the pid and the boot id it names a process for ever
    cpu_ticks: int  # its own and those of the children that it has waited for

    @property
    def alive(self) -> bool:
        # A leader is a zombie at once; its port and files stay taken until its last thread ends.
        return self.state not in DEAD or self.threads > 1


@cache
def boot() -> str:
    """The id of this boot of the kernel, which no process outlives."""
    return contents(f"{PROC}/sys/kernel/random/boot_id").decode().strip()


def read(pid: int) -> Stat | None:
    """What the kernel says of `pid`; None where there is none."""
    try:
        text = contents(f"{PROC}/{pid}/stat")
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets and spaces too.
    fields = text.rpartition(b")")[2].split()
    return Stat(
        pid=pid,
        state=fields[0].decode(),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        threads=int(fields[17]),
        started=int(fields[19]),
        cpu_ticks=sum(map(int, fields[11:15])),
    )


def contents(path: str) -> bytes:
    """What a file of `/proc` says now; a `Path` takes twice as long to read it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(descriptor, LARGEST)
        while more := os.read(descriptor, LARGEST):
            text += more
    finally:
        os.close(descriptor)
    return text


def scan() -> dict[int, Stat]:
    """Every process there is, by its pid."""
    pids = (int(name) for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208 - half the time
    return {stat.pid: stat for stat in map(read, pids) if stat is not None}


def members(stats: Mapping[int, Stat], leader: int, *, marked: Iterable[int] = ()) -> list[Stat]:
    """The living processes of a leader's session and group, and all their descendants.

    `marked` are those that belong to it wherever they are: they may have left the session and
    lost their parent, but carry the mark of its start. The leader comes first, where it lives.
    """
    inside = {each.pid for each in stats.values() if leader in {each.pid, each.group, each.session}}
    inside |= stats.keys() & set(marked)
    grown = True
    while grown:
        children = {pid for pid, each in stats.items() if each.parent in inside}
        grown = not children <= inside
        inside |= children
    alive = [stats[pid] for pid in sorted(inside) if stats[pid].alive]
    return sorted(alive, key=lambda each: each.pid != leader)


def marks(pids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """The project and the start that each process says it belongs to; only those that say so."""
    found = {pid: mark(pid) for pid in pids}
    return {pid: said for pid, said in found.items() if said is not None}


def carrying(marks: Mapping[int, tuple[str, str]], token: str) -> set[int]:
    """Those that carry the mark of one start."""
    return {pid for pid, (_, start) in marks.items() if start.endswith(f"/{token}")}


def mark(pid: int) -> tuple[str, str] | None:
    """The project and the start that `pid` says it belongs to; None where it says nothing."""
    try:
        text = contents(f"{PROC}/{pid}/environ")
    except OSError:
        return None
    if PROJECT_MARK.encode() not in text:
        return None
    found: dict[str, str] = {}
    for entry in text.split(b"\0"):
        name, _, value = entry.decode(errors="replace").partition("=")
        found[name] = value
    project = found.get(PROJECT_MARK)
    return None if project is None else (project, found.get(PROCESS_MARK, ""))


def command_line(pid: int) -> str:
    """What `ps` would show; empty where there is no such process."""
    try:
        words = contents(f"{PROC}/{pid}/cmdline").split(b"\0")
    except OSError:
        return ""
    return b" ".join(words).decode(errors="replace").strip()


def threads(pid: int) -> list[int]:
    """The thread ids of a process; empty where there is no such process."""
    try:
        return [int(name) for name in os.listdir(f"{PROC}/{pid}/task")]  # noqa: PTH208
    except OSError:
        return []


def resident_bytes(pids: Iterable[int]) -> int:
    """The memory of processes that share some of it.

    What each has alone, and once the most that any of them shares; of a single process it is
    exactly its resident set.
    """
    alone, shared = 0, 0
    for pid in pids:
        try:
            fields = contents(f"{PROC}/{pid}/statm").split()
        except OSError:
            continue
        alone += int(fields[1]) - int(fields[2])
        shared = max(shared, int(fields[2]))
    return (alone + shared) * PAGE_BYTES
