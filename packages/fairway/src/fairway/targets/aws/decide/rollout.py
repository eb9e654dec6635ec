"""Whether a release of an ECS service goes on, is done or failed, by what ECS says. Pure.

CloudFormation says UPDATE_COMPLETE of a service that its circuit breaker has taken back: only
the deployments themselves tell which task definition is in service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

__all__ = ["Stopped", "Verdict", "judge", "stopped"]

State = Literal["going", "done", "failed"]
# Reasons of a stop that a release causes itself.
ORDERLY = ("Scaling activity", "ServiceSchedulerInitiated", "UserInitiated", "TerminationNotice")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a release stands; `failed_tasks` are those of the wanted revision."""

    state: State
    words: str
    failed_tasks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A task that ended by itself: why, and where its last lines are."""

    task: str
    why: str
    container: str
    definition: str


def judge(service: Mapping[str, Any], wanted: str) -> Verdict:
    """`service` as `describe_services` gives it; `wanted` is the task definition's ARN."""
    deployments = cast("Sequence[Mapping[str, Any]]", service.get("deployments") or ())
    primary = next((each for each in deployments if each.get("status") == "PRIMARY"), None)
    if service.get("status") == "INACTIVE" or primary is None:
        return Verdict("failed", "ECS has no such service any more")
    ours = [each for each in deployments if each.get("taskDefinition") == wanted]
    lost = sum(int(each.get("failedTasks") or 0) for each in ours)
    failed = next((each for each in ours if each.get("rolloutState") == "FAILED"), None)
    if failed is not None:
        return Verdict("failed", str(failed.get("rolloutStateReason") or "it failed"), lost)
    if primary.get("taskDefinition") != wanted:
        reason = primary.get("rolloutStateReason") or "it says no reason"
        return Verdict(
            "failed",
            f"ECS went back to {short(str(primary.get('taskDefinition')))}: {reason}",
            lost,
        )
    desired, running, pending = (
        int(primary.get(key) or 0) for key in ("desiredCount", "runningCount", "pendingCount")
    )
    is_settled = primary.get("rolloutState", "COMPLETED") == "COMPLETED" and running >= desired
    words = f"{running} of {desired} tasks run"
    if is_settled:
        return Verdict("done", words, lost)
    words += f", {pending} start" if pending else ""
    words += f", {lost} failed" if lost else ""
    return Verdict("going", words, lost)


def short(arn: str) -> str:
    """`…:task-definition/weather-api:7` -> `weather-api:7`."""
    return arn.rpartition("/")[2]


def stopped(task: Mapping[str, Any]) -> Stopped | None:
    """Why a task ended; None where a release or people ended it."""
    reason = str(task.get("stoppedReason") or "")
    if str(task.get("stopCode") or "") in ORDERLY or reason.startswith(ORDERLY):
        return None
    containers = cast("Sequence[Mapping[str, Any]]", task.get("containers") or ())
    said = [words for each in containers if (words := _of_container(each))]
    bad = next((each for each in containers if each.get("exitCode")), None)
    first = bad or (containers[0] if containers else {})
    return Stopped(
        task=short(str(task.get("taskArn", ""))),
        why="; ".join(each for each in (reason, *said) if each) or "ECS says no reason",
        container=str(first.get("name", "")),
        definition=str(task.get("taskDefinitionArn", "")),
    )


def _of_container(container: Mapping[str, Any]) -> str:
    """`api: exit code 137 (OutOfMemoryError: …)`."""
    code, reason = container.get("exitCode"), str(container.get("reason") or "")
    words = f"exit code {code}" if code is not None else ""
    if reason:
        words = f"{words} ({reason})" if words else reason
    return f"{container.get('name', 'container')}: {words}" if words else ""
