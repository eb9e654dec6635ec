"""Processes of a project that no record names: what an engine that was killed left behind.

Place in the flow: under `processes.py`. Who they are is told by the marks in their environment
alone, which all that a project starts carries, and whatever that starts in turn: replicas, and
the builds that run to their end.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairway.targets.local import procfs
from fairway.targets.local.lifetime import Left, lives
from fairway.targets.local.records import Record

__all__ = ["Stray", "find", "marks", "project_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A process of this project that no record names; `name` is what it was started as."""

    pid: int
    started: int
    name: str
    command: str


def project_of(folder: Path) -> str:
    """What marks the processes of the project whose records stand in `folder`."""
    return hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]


def marks(folder: Path, start: str) -> dict[str, str]:
    """The variables that mark one start (`NAME/TOKEN`) of that project."""
    return {procfs.PROJECT_MARK: project_of(folder), procfs.PROCESS_MARK: start}


def find(
    stats: Mapping[int, procfs.Stat], folder: Path, recorded: Iterable[Record], known: set[int]
) -> Left[Stray]:
    """The strays of a project, beside the trees of its living records and who else is `known`."""
    project = project_of(folder)
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
