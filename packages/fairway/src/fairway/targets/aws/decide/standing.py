"""What people see of an environment at AWS: one value, printed by `fairway status`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from fairway.targets.aws.decide.hold import Hold
from fairway.targets.aws.decide.rollout import judge, short

__all__ = [
    "JobStanding",
    "ReleaseLine",
    "ServiceStanding",
    "StackStanding",
    "Standing",
    "TaskLine",
    "of_execution",
    "of_service",
    "to_json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """One task: its id, state, health, and since when it runs (seconds since the epoch)."""

    id: str
    state: str
    health: str
    since: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStanding:
    """One service: how many tasks run, of which definition, and how its release stands.

    A function has no tasks; its definition names the version that answers. `kind` is `container`,
    `function` or `worker`.
    """

    name: str
    wanted: int
    running: int
    pending: int
    definition: str
    release: str
    words: str
    tasks: tuple[TaskLine, ...] = ()
    kind: str = "container"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """One job or workflow: how its last run stands; `status` is empty where none was."""

    name: str
    status: str
    started_at: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStanding:
    """One stack; `status` is empty where there is none."""

    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLine:
    """One release that was tried."""

    revision: str
    at: float
    by: str
    image: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An environment at one moment."""

    app: str
    environment: str
    region: str
    account: str
    now: float
    url: str
    revision: str
    held: Hold | None
    stacks: tuple[StackStanding, ...]
    services: tuple[ServiceStanding, ...]
    jobs: tuple[JobStanding, ...]
    releases: tuple[ReleaseLine, ...]


def to_json(standing: Standing) -> dict[str, Any]:
    """As JSON values."""
    return asdict(standing)


def of_service(
    name: str, service: Mapping[str, Any] | None, tasks: Sequence[Mapping[str, Any]]
) -> ServiceStanding:
    """A service as ECS describes it; None: it is not there."""
    if service is None:
        words = "it is not there"
        return ServiceStanding(
            name=name, wanted=0, running=0, pending=0, definition="", release="absent", words=words
        )
    deployments = cast("Sequence[Mapping[str, Any]]", service.get("deployments") or ())
    primary = next((each for each in deployments if each.get("status") == "PRIMARY"), None)
    definition = "" if primary is None else str(primary.get("taskDefinition", ""))
    verdict = judge(service, definition)
    return ServiceStanding(
        name=name,
        wanted=int(service.get("desiredCount") or 0),
        running=int(service.get("runningCount") or 0),
        pending=int(service.get("pendingCount") or 0),
        definition=short(definition),
        release=verdict.state,
        words=verdict.words,
        tasks=tuple(sorted((_task(each) for each in tasks), key=lambda line: line.id)),
    )


def _task(task: Mapping[str, Any]) -> TaskLine:
    began = task.get("startedAt")
    return TaskLine(
        id=short(str(task.get("taskArn", ""))),
        state=str(task.get("lastStatus", "")).lower(),
        health=str(task.get("healthStatus", "")).lower(),
        since=None if began is None else float(began.timestamp()),
    )


def of_execution(name: str, run: Mapping[str, Any] | None) -> JobStanding:
    """The last run of a job's or a workflow's machine."""
    if run is None:
        return JobStanding(name=name, status="")
    began, ended = run.get("startDate"), run.get("stopDate")
    return JobStanding(
        name=name,
        status=str(run.get("status", "")).lower().replace("_", " "),
        started_at=None if began is None else float(began.timestamp()),
        seconds=None
        if began is None or ended is None
        else float(ended.timestamp()) - float(began.timestamp()),
    )
