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
    "Marks",
    "Stat",
    "boot",
    "carrying",
    "command_line",
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
LOOKS = 3  # at what may change while it is read
KERNEL_THREAD = 0x00200000  # PF_KTHREAD of Linux's include/linux/sched.h
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
    kernel: bool  # a thread of the kernel: no program, no environment
    changing: bool  # it runs no program now: it is in the middle of `execve`, or has just ended

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
        kernel=bool(int(fields[6]) & KERNEL_THREAD),
        changing=fields[48] == b"0",  # where its environment ends
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
    """Every process there is, by its pid.

    A child that was born while the others were read, and whose parent has ended since, is among
    them: it is looked for until a look finds nobody new.
    """
    found: dict[int, Stat] = {}
    seen: set[int] = set()
    for _ in range(LOOKS):
        new = pids() - seen
        if not new:
            break
        seen |= new
        found |= {stat.pid: stat for stat in map(read, sorted(new)) if stat is not None}
    return found


def pids() -> set[int]:
    return {int(name) for name in os.listdir(PROC) if name.isdigit()}  # noqa: PTH208 - half the time


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What processes say of whom they belong to: the project and the start, by pid.

    The `unsettled` could not be asked: they were changing from one program to the next, and for
    that moment the kernel shows an environment of nothing.
    """

    said: Mapping[int, tuple[str, str]]
    unsettled: frozenset[int]


def marks(stats: Mapping[int, Stat]) -> Marks:
    """What those processes say now."""
    said: dict[int, tuple[str, str]] = {}
    unsettled: set[int] = set()
    for pid, stat in stats.items():
        if stat.kernel:
            continue
        environment = environ(pid)
        if environment is None:
            unsettled.add(pid)
        elif (found := mark(environment)) is not None:
            said[pid] = found
    return Marks(said=said, unsettled=frozenset(unsettled))


def carrying(marks: Marks, token: str) -> set[int]:
    """Those that carry the mark of one start."""
    return {pid for pid, (_, start) in marks.said.items() if start.endswith(f"/{token}")}


def environ(pid: int) -> bytes | None:
    """The environment that `pid` was started with; None while it changes its program.

    Empty where there is no such process, where it is not ours to read, and where it has none.
    """
    for _ in range(LOOKS):
        try:
            text = contents(f"{PROC}/{pid}/environ")
        except OSError:
            return b""
        if text:
            return text
        stat = read(pid)
        if stat is None or not stat.alive:
            return b""
        if stat.changing:
            return None
        # It has a program now: the environment of nothing may have been that of the moment before.
    return b""


def mark(environment: bytes) -> tuple[str, str] | None:
    """The project and the start that an environment names; None where it names none."""
    if PROJECT_MARK.encode() not in environment:
        return None
    found: dict[str, str] = {}
    for entry in environment.split(b"\0"):
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
