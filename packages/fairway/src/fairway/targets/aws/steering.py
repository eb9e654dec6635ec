"""Steers the releases that ECS has in progress: lets those go on that wait, or takes them back.

What ECS offers: a release that waits at a pause hook is continued or taken back, and one that is in
progress is taken back. It can't hold a release where no hook says so, nor cut a bake time short:
both are a `Problem` that says what to do instead.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html (2026-11)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide.progress import Told
from fairway.targets.aws.environment import Environment

__all__ = [
    "HOOK",
    "Release",
    "can_not_hold",
    "end",
    "go_on",
    "in_progress",
    "take_back",
    "tell_waiting",
]

HOOK = '"PAUSE"'  # what a template has that makes releases wait

ABSENT = frozenset({"ClusterNotFoundException", "ServiceNotFoundException"})
WAITS = "AWAITING_ACTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A service's release in progress; `hooks` are those at which it waits for somebody."""

    service: str
    arn: str
    stage: str
    hooks: tuple[str, ...] = ()


def in_progress(environment: Environment, service: str) -> tuple[Release, ...]:
    """The releases of a service that go on; one at most, but ECS gives a list."""
    ecs = environment.account.client("ecs")
    try:
        listed = ecs.list_service_deployments(
            cluster=environment.cluster, service=service, status=["PENDING", "IN_PROGRESS"]
        )["serviceDeployments"]
    except Refused as refused:
        if refused.code in ABSENT:
            return ()
        raise
    arns = [str(each["serviceDeploymentArn"]) for each in listed]
    if not arns:
        return ()
    found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    return tuple(of(service, each) for each in cast("Sequence[Mapping[str, Any]]", found))


def of(service: str, said: Mapping[str, Any]) -> Release:
    """A release as ECS describes it."""
    hooks = cast("Sequence[Mapping[str, Any]]", said.get("lifecycleHookDetails") or ())
    return Release(
        service=service,
        arn=str(said["serviceDeploymentArn"]),
        stage=str(said.get("lifecycleStage") or ""),
        hooks=tuple(
            str(each["hookId"])
            for each in hooks
            if each.get("status") == WAITS and each.get("targetType") == "PAUSE"
        ),
    )


def go_on(environment: Environment, verb: str) -> tuple[str, ...]:
    """Let every release go on that waits; the services. Raises `Problems` where none does."""
    found = going(environment, verb)
    if waiting := [each for each in found if each.hooks]:
        for each in waiting:
            answer(environment, each, "CONTINUE")
        return tuple(each.service for each in waiting)
    mend = (
        "ECS goes on by itself; a hold of the file or a bake time can't be cut short. "
        f"`fairway abort {environment.app.environment}` takes it back."
    )
    raise Problems(
        [Problem(f"service {each.service}", waits_nowhere(each), mend) for each in found],
        exit_code=1,
    )


def take_back(environment: Environment) -> tuple[str, ...]:
    """Take every release back that goes on; the services. Raises `Problems` where none does."""
    found = going(environment, "abort")
    for each in found:
        end(environment, each)
    return tuple(each.service for each in found)


def end(environment: Environment, release: Release) -> None:
    """Have ECS take a release back, wherever it is."""
    if release.hooks:
        answer(environment, release, "ROLLBACK")
        return
    environment.account.client("ecs").stop_service_deployment(
        serviceDeploymentArn=release.arn, stopType="ROLLBACK"
    )


def answer(
    environment: Environment, release: Release, action: Literal["CONTINUE", "ROLLBACK"]
) -> None:
    """Answer every hook at which a release waits; one answer takes it back."""
    ecs = environment.account.client("ecs")
    for hook in release.hooks if action == "CONTINUE" else release.hooks[:1]:
        ecs.continue_service_deployment(
            serviceDeploymentArn=release.arn, hookId=hook, action=action
        )


def going(environment: Environment, verb: str) -> list[Release]:
    """All that go on; raises `Problems` where none does."""
    services = environment.app.programs
    if found := [each for name in services for each in in_progress(environment, name)]:
        return found
    name = environment.app.environment
    mend = f"`fairway status {name}` shows what serves; `fairway rollback {name}` goes back."
    if any(each.kind == "function" for each in environment.app.services.values()):
        mend += (
            f" A function's steps are CloudFormation's: `fairway cancel {name}` takes them back."
        )
    where = f"fairway {verb} {name}"
    raise Problems([Problem(where, "no release is in progress", mend)], exit_code=1)


def waits_nowhere(release: Release) -> str:
    """Why there is nothing to continue."""
    stage = f", {release.stage.lower().replace('_', ' ')}" if release.stage else ""
    return f"its release waits for nobody{stage}"


def tell_waiting(environment: Environment, service: str, step: str, told: set[str]) -> None:
    """Tell that a release waits for somebody at a hook; each hook once."""
    name = environment.app.environment
    for each in in_progress(environment, service):
        for hook in each.hooks:
            if hook not in told:
                told.add(hook)
                words = "it waits for somebody: `fairway promote {0}`, or `fairway abort {0}`"
                environment.tell(Told(step, words.format(name)))


def can_not_hold(environment: Environment) -> Problem:
    """What is told to whoever would hold a release that goes on."""
    name = environment.app.environment
    what = "ECS holds a release only where a hook in the template says so, not when it is asked"
    mend = (
        f"`fairway abort {name}` takes the release back. For the next one, say where it is to wait "
        "by a patch with a pause hook: docs/guides/aws.md shows it."
    )
    return Problem(f"fairway pause {name}", what, mend)
