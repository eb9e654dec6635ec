"""The actions that bring an app from what is observed to what is wanted.

A closed union of frozen values, each with its cause, dispatched with `match` and `assert_never`:
a new kind makes the type checker list every place that must learn it. Each is idempotent: a
driver that is told twice does it once. Texts of actions are what users read in a plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, assert_never

__all__ = [
    "Action",
    "Balance",
    "Migrate",
    "Open",
    "Prepare",
    "Provision",
    "ReplicaStart",
    "ReplicaStop",
    "Retire",
    "RunEnd",
    "RunStart",
    "Verify",
    "describe",
]

Backing = Literal["database", "cache", "bucket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Make a revision runnable: its source, its environment, its build."""

    revision: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """Have a database, cache or bucket and make it accept connections."""

    node: str
    kind: Backing
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """Stop a backing node, keeping its data."""

    node: str
    kind: Backing
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Have the balancer listen for the services of a revision."""

    services: tuple[str, ...]
    revision: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrate:
    """Run a service's `before` command once, under a lock."""

    service: str
    revision: str
    command: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Run a service's `test` command against one of its replicas that gets no traffic yet."""

    service: str
    revision: str
    replica: str
    command: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStart:
    """Start one replica; one that stands back takes its time from nobody who serves.

    `warms_up`: it asks itself for the service's `warmup` paths before it says that it is ready.
    """

    service: str
    revision: str
    replica: str
    cause: str
    stands_back: bool = False
    warms_up: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStop:
    """Take a replica out of the balancer, let it drain, end it."""

    service: str
    replica: str
    drain_seconds: float
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Send a service's traffic: percent per revision, over these of its replicas.

    `draining` replicas finish what they have and get nothing new.
    """

    service: str
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    ready: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """Start one run of a job."""

    job: str
    run: str
    revision: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """End a run if it still goes, and forget its process; its log stays."""

    job: str
    run: str
    cause: str


Action = (
    Prepare
    | Provision
    | Retire
    | Open
    | Migrate
    | Verify
    | ReplicaStart
    | ReplicaStop
    | Balance
    | RunStart
    | RunEnd
)


def describe(action: Action) -> str:  # noqa: C901 - one line a kind
    """The action in words, without its cause."""
    match action:
        case Prepare():
            return f"prepare revision {action.revision}"
        case Provision():
            return f"start {action.kind} {action.node}"
        case Retire():
            return f"stop {action.kind} {action.node}, keeping its data"
        case Open():
            return f"open the balancer for {', '.join(action.services)}"
        case Migrate():
            return f"migrate {action.service}: {action.command}"
        case Verify():
            return f"test {action.replica} of revision {action.revision}: {action.command}"
        case ReplicaStart():
            return f"start replica {action.replica} of revision {action.revision}"
        case ReplicaStop():
            return f"stop replica {action.replica}"
        case Balance():
            parts = [f"{percent:g}% {name}" for name, percent in sorted(action.shares.items())]
            return f"balance {action.service}: {', '.join(parts) or 'nothing'}"
        case RunStart():
            return f"run {action.run}"
        case RunEnd():
            return f"end {action.run}"
        case _:
            assert_never(action)
