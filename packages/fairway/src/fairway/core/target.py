"""What an engine asks of a place where apps run: the protocols between decisions and effects.

Place in the flow: the engine reads `Observed`, decides with the rest of `core`, and gives
actions to a `Driver`; it knows no target by name, and no target knows the engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fairway.core.plan.action import Action, Backing
from fairway.core.problem import Problem
from fairway.core.release.analysis_sample import Sample
from fairway.core.replicas import Replica
from fairway.core.spec.model import App

__all__ = ["Driver", "Figures", "Node", "Observed", "Run", "Say", "Target"]

Say = Callable[[str, str], None]
"""Tells people that a step goes on: `(node, sentence)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A backing node as it was last seen; a `fresh` one is on its way up for the first time."""

    name: str
    kind: Backing
    running: bool
    accepts: bool
    address: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job as it was last seen; `exit_code` is None while it runs."""

    run: str
    job: str
    started_at: float
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the balancer measured of one service since the last reading. Times in ms."""

    requests_per_second: float = 0.0
    error_percent: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    in_flight: int = 0
    queued: int = 0
    healthy: int = 0
    requests_total: int = 0
    errors_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that runs, at one moment; tuples are sorted by name."""

    nodes: tuple[Node, ...] = ()
    replicas: tuple[Replica, ...] = ()
    runs: tuple[Run, ...] = ()
    balancer: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict[str, str])  # service -> public URL


class Driver(Protocol):
    """A connected target. `apply` is idempotent; a failure is `Problems`, wrapped once, here."""

    @property
    def most_replicas(self) -> int:
        """More replicas of one service than this can't serve any faster here."""
        ...

    async def observe(self) -> Observed: ...

    async def apply(self, action: Action) -> None:
        """Carry out one action; returns when its effect can be observed."""
        ...

    async def measure(self) -> Mapping[str, Figures]:
        """Service -> what its balancer measured since the last call."""
        ...

    async def samples(self, service: str) -> Mapping[str, Sample]:
        """Replica -> everything that it has answered since it started; growing counters."""
        ...

    async def visit(self, replicas: Mapping[str, int], paths: Sequence[str]) -> None:
        """Ask each replica so often, the paths in turn; what comes of it, `samples` tells."""
        ...

    async def revise(self) -> str:
        """Make what the user's folder holds now an immutable revision; its id."""
        ...

    def stop_revising(self) -> None:
        """End a `revise` in progress, which then raises `Problems`; none may be."""
        ...

    def app(self, revision: str) -> App:
        """The app as that revision's own file says it."""
        ...

    async def prune(self, keep: frozenset[str]) -> None:
        """Drop the revisions that are not in `keep`."""
        ...

    async def objects(self, bucket: str, prefix: str) -> Mapping[str, str]:
        """Key -> version (etag) of the objects under a prefix."""
        ...

    def output(self, process: str, lines: int) -> tuple[str, ...]:
        """The last lines that a replica, a run or a migration printed."""
        ...

    async def shut(self, drain_seconds: float) -> None:
        """Stop everything; data stays.

        Requests in flight may finish for so long; then runs, balancer and backing nodes end.
        """
        ...


class Target(Protocol):
    """A kind of place."""

    name: str

    def gaps(self, app: App) -> list[Problem]:
        """What it can't honour: said before anything changes, never dropped."""
        ...
