"""What was found in a project: everything that `write.py` writes and `explain.py` explains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fairway.core.detect.choose import Question
from fairway.core.detect.dependencies import Dependencies
from fairway.core.detect.sources import Finding

__all__ = [
    "Findings",
    "FoundJob",
    "FoundNode",
    "FoundService",
    "FoundSite",
    "FoundWorker",
    "Note",
    "OwnWords",
]

OwnWords = Mapping[str, Mapping[str, Finding[str]]]
"""Environment -> variable -> what it says there, in words of the app's own."""

NoteKind = Literal["assumed", "untold", "advice", "skipped"]


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that the file does not say: an assumption, a gap, an advice, a file left out.

    `mend` is exactly what to write or do; empty where there is nothing to do.
    """

    kind: NoteKind
    where: str
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """A program that answers requests; `kind` is the key that names it in the file.

    `told` are the variables that another tool's file gives to it alone.
    """

    name: str
    kind: Literal["asgi", "wsgi", "script", "command"]
    framework: str
    target: Finding[str]
    factory: bool = False
    folder: str = ""
    public: bool = True
    port: Finding[int] | None = None
    uses: tuple[str, ...] = ()
    before: Finding[str] | None = None
    build: Finding[str] | None = None
    replicas: Finding[str] | None = None
    sticky: bool = False
    memory_mib: Finding[int] | None = None
    cpu: Finding[str] | None = None
    variables: Mapping[str, Finding[str]]
    told: frozenset[str] = frozenset()
    dependencies: Dependencies


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSite:
    """Static files that stand on their own."""

    name: str
    root: Finding[str]
    build: Finding[str] | None = None
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundNode:
    """A database, cache, bucket or secret; `keys` are its settings, as TOML values."""

    kind: Literal["database", "cache", "bucket", "secret"]
    name: str
    finding: Finding[str]
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundJob:
    """A command that runs to its end. One that is not `is_sure` is only suggested."""

    name: str
    command: Finding[str]
    schedule: str = ""
    folder: str = ""
    uses: tuple[str, ...] = ()
    is_sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWorker:
    """A command that answers nobody and never ends. One that is not `is_sure` is only suggested.

    `is_clock`: it keeps time, so that two of it would do everything twice.
    """

    name: str
    command: Finding[str]
    folder: str = ""
    uses: tuple[str, ...] = ()
    variables: Mapping[str, Finding[str]] = field(default_factory=dict[str, Finding[str]])
    before: Finding[str] | None = None
    is_clock: bool = False
    is_sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A project as far as it can be told without running it."""

    name: Finding[str]
    services: tuple[FoundService, ...] = ()
    sites: tuple[FoundSite, ...] = ()
    nodes: tuple[FoundNode, ...] = ()
    jobs: tuple[FoundJob, ...] = ()
    workers: tuple[FoundWorker, ...] = ()
    words: OwnWords = field(default_factory=dict[str, Mapping[str, Finding[str]]])
    questions: tuple[Question, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that could run."""
        return not self.services and not self.sites and not self.runs_workers

    @property
    def runs_workers(self) -> bool:
        """Whether there is a worker that runs, not one that is only suggested."""
        return any(one.is_sure for one in self.workers)

    def notes_of(self, kind: NoteKind) -> tuple[Note, ...]:
        """The notes of one kind."""
        return tuple(note for note in self.notes if note.kind == kind)
