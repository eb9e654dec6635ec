"""Processes of a project that no record names: what an engine that was killed left half started.

Place in the flow: under `processes.py`. Who they are is told by the marks in their environment
alone: the project's, which a record's processes and all that they start have too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fairway.targets.local import procfs
from fairway.targets.local.lifetime import Left, lives
from fairway.targets.local.records import Record

__all__ = ["Stray", "find"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A process of this project that no record names; `name` is what it was started as."""

    pid: int
    started: int
    name: str
    command: str


def find(
    stats: dict[int, procfs.Stat], project: str, recorded: Iterable[Record], known: set[int]
) -> Left[Stray]:
    """The strays of a project, beside the trees of its living records and who else is `known`."""
    marks = procfs.marks(stats)
    for record in recorded:
        if lives(record):
            marked = procfs.carrying(marks, record.token)
            known = known | {each.pid for each in procfs.members(stats, record.pid, marked=marked)}
    found = (
        Stray(
            pid=pid,
            started=stats[pid].started,
            name=start.rpartition("/")[0],
            command=procfs.command_line(pid),
        )
        for pid, (said, start) in sorted(marks.said.items())
        if said == project and pid not in known and stats[pid].alive
    )
    return Left(tuple(found), settled=marks.unsettled <= known)
