"""What people see of a running app: one value, made by the engine, printed by the CLI.

The same value is drawn live, printed by `fairway status`, and given by `--json`: its fields are
the documented JSON. Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "EventLine",
    "JobLine",
    "NodeLine",
    "ReplicaLine",
    "RunLine",
    "ServiceLine",
    "Status",
    "from_json",
    "to_json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """Something that happened. `level`: info, good, bad."""

    at: float
    node: str
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLine:
    """A database, cache, bucket or the balancer. `state`: starting, up, down, off."""

    name: str
    kind: str
    state: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaLine:
    """One replica. `state` is its phase."""

    name: str
    revision: str
    state: str
    port: int
    uptime_seconds: float
    rss_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service with what the balancer measured in the last seconds."""

    name: str
    url: str
    revision: str
    wanted: int
    ready: int
    replicas: tuple[ReplicaLine, ...]
    requests_per_second: float
    error_percent: float
    p50_ms: float | None
    p95_ms: float | None
    in_flight: int
    queued: int
    release: str = ""  # the release in progress, in words
    release_percent: float = 0.0  # traffic on the new revision


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run of a job that has ended, or a time at which none began (`exit_code` null)."""

    run: str
    cause: str
    started_at: float
    seconds: float
    exit_code: int | None
    attempt: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """One job: what it does now, how it ended last, when it runs next."""

    name: str
    state: str  # idle, running, waiting, failed
    run: str
    cause: str
    last_exit_code: int | None
    last_ended_at: float | None
    last_seconds: float | None
    next_at: float | None
    trigger: str  # the schedule, or what it waits for, in words
    history: tuple[RunLine, ...] = ()  # newest last


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A running app at one moment. `phase`: starting, up, stopping, failed."""

    app: str
    environment: str
    phase: str
    engine_pid: int
    now: float
    started_at: float
    revision: str
    url: str
    services: tuple[ServiceLine, ...] = ()
    nodes: tuple[NodeLine, ...] = ()
    jobs: tuple[JobLine, ...] = ()
    events: tuple[EventLine, ...] = ()
    gaps: tuple[str, ...] = ()
    revisions: tuple[Mapping[str, Any], ...] = ()  # newest last: revision, at, outcome, reason


def to_json(status: Status) -> dict[str, Any]:
    """The status as JSON values, as documented for `fairway status --json`."""
    return asdict(status)


def from_json(data: Mapping[str, Any]) -> Status:
    """What `to_json` gave, back."""
    services: list[ServiceLine] = []
    for each in data["services"]:
        replicas = tuple(ReplicaLine(**one) for one in each["replicas"])
        line: dict[str, Any] = {**each, "replicas": replicas}
        services.append(ServiceLine(**line))
    fields: dict[str, Any] = {
        **data,
        "services": tuple(services),
        "nodes": tuple(NodeLine(**each) for each in data["nodes"]),
        "jobs": tuple(job_from_json(each) for each in data["jobs"]),
        "events": tuple(EventLine(**each) for each in data["events"]),
        "gaps": tuple(data["gaps"]),
        "revisions": tuple(data["revisions"]),
    }
    return Status(**fields)


def job_from_json(data: Mapping[str, Any]) -> JobLine:
    history = tuple(RunLine(**each) for each in data["history"])
    fields: dict[str, Any] = {**data, "history": history}
    return JobLine(**fields)
