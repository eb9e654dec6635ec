"""What people see of a running app: one value, made by the engine, printed by the CLI.

The same value is drawn live, printed by `fairway status`, and given by `--json`. Its docstrings
say what each field means, in lines that docs/reference/status.md is made of. Pure.
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
    "WorkerLine",
    "from_json",
    "to_json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """Something that happened.

    at: When, in seconds since the epoch.
    node: The node, replica or run that it is about; empty: the whole app.
    text: What happened; after the first line, what was printed last.
    level: `info`, `good` or `bad`.
    """

    at: float
    node: str
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLine:
    """A database, cache, bucket or the balancer.

    name: As the file names it.
    kind: `database`, `cache`, `bucket` or `balancer`.
    state: `starting`, `up` (it accepts connections) or `down`.
    address: Where it listens, without a password.
    """

    name: str
    kind: str
    state: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaLine:
    """One running copy of a service or a worker.

    name: `api.3`; a name is never given twice.
    revision: What it runs.
    state: `starting`, `ready`, `unready`, `hung`, `stopping` or `exited`.
    port: The loopback port on which it listens; 0: not yet, or never (a worker's).
    uptime_seconds: Since it was started.
    rss_mib: Its memory and that of all it started, in MiB.
    """

    name: str
    revision: str
    state: str
    port: int
    uptime_seconds: float
    rss_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service, with what the balancer measured in about the last second.

    name: As the file names it.
    url: Where the balancer listens for it.
    revision: What is in service; empty before its first release has ended.
    wanted: How many replicas there should be.
    ready: How many replicas are ready.
    replicas: Each of them, sorted by name.
    requests_per_second: Requests that were answered.
    error_percent: Of them, the share of 5xx.
    p50_ms: Half of them were answered within so many milliseconds; null: there were none.
    p95_ms: The same for 95 %.
    in_flight: Requests that are being answered.
    queued: Requests that wait for a replica.
    release: The step of the release in progress, in words; empty: there is none.
    release_percent: The share of the traffic that the new revision gets.
    """

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
    release: str = ""
    release_percent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """One worker, which answers nobody: `ready` is what has lived for its `timeouts.steady`.

    name: As the file names it.
    revision: What is in service; empty before its first release has ended.
    wanted: How many replicas there should be.
    ready: How many have lived long enough.
    replicas: Each of them, sorted by name.
    release: The step of the release in progress, in words; empty: there is none.
    """

    name: str
    revision: str
    wanted: int
    ready: int
    replicas: tuple[ReplicaLine, ...]
    release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run of a job or workflow that has ended, or a time at which none began.

    run: `ingest#12`; empty: none began.
    cause: Why it ran: `schedule`, `by hand`, `after ingest#11`, ...
    started_at: When, in seconds since the epoch.
    seconds: How long it took.
    exit_code: 0: it succeeded; null: none began.
    attempt: 1 for the first try.
    note: `timed out`, why none began, or where a workflow stopped.
    """

    run: str
    cause: str
    started_at: float
    seconds: float
    exit_code: int | None
    attempt: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """One job or workflow: what it does now, how it ended last, when it runs next.

    name: As the file names it.
    state: `idle`, `running`, `waiting` (for its turn, or to try again) or `failed` (last time).
    run: The run that goes on, else the last one: `ingest#12`.
    cause: Why that one runs or ran.
    last_exit_code: How the last run ended; null: none has.
    last_ended_at: When, in seconds since the epoch.
    last_seconds: How long it took.
    next_at: When its schedule is due next, in seconds since the epoch.
    trigger: What starts it, in words.
    history: Its last runs, newest last.
    steps: Of a workflow its jobs, in order; none: it is a job.
    """

    name: str
    state: str
    run: str
    cause: str
    last_exit_code: int | None
    last_ended_at: float | None
    last_seconds: float | None
    next_at: float | None
    trigger: str
    history: tuple[RunLine, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A running app at one moment.

    app: Its name.
    environment: The environment of the file whose settings it runs with.
    phase: `starting`, `up`, `stopping`, `failed` or `stopped`.
    engine_pid: The process that holds the project.
    now: The moment, in seconds since the epoch.
    started_at: When this engine was started.
    revision: What is in service; empty before the first release has ended.
    url: Where people begin: the first site, else the first public service.
    services: Each service, sorted by name.
    workers: Each worker, sorted by name.
    nodes: The balancer, then databases, caches and buckets.
    jobs: Each job, sorted by name, then each workflow.
    events: What happened last, newest last.
    gaps: What the file asks for and this machine does not do.
    revisions: What was released or tried, newest last: `revision`, `at`, `outcome`, `reason`.
    """

    app: str
    environment: str
    phase: str
    engine_pid: int
    now: float
    started_at: float
    revision: str
    url: str
    services: tuple[ServiceLine, ...] = ()
    workers: tuple[WorkerLine, ...] = ()
    nodes: tuple[NodeLine, ...] = ()
    jobs: tuple[JobLine, ...] = ()
    events: tuple[EventLine, ...] = ()
    gaps: tuple[str, ...] = ()
    revisions: tuple[Mapping[str, Any], ...] = ()


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
        "workers": tuple(worker_from_json(each) for each in data["workers"]),
        "nodes": tuple(NodeLine(**each) for each in data["nodes"]),
        "jobs": tuple(job_from_json(each) for each in data["jobs"]),
        "events": tuple(EventLine(**each) for each in data["events"]),
        "gaps": tuple(data["gaps"]),
        "revisions": tuple(data["revisions"]),
    }
    return Status(**fields)


def worker_from_json(data: Mapping[str, Any]) -> WorkerLine:
    replicas = tuple(ReplicaLine(**one) for one in data["replicas"])
    fields: dict[str, Any] = {**data, "replicas": replicas}
    return WorkerLine(**fields)


def job_from_json(data: Mapping[str, Any]) -> JobLine:
    history = tuple(RunLine(**each) for each in data["history"])
    fields: dict[str, Any] = {**data, "history": history, "steps": tuple(data["steps"])}
    return JobLine(**fields)
