"""Compares what would be deployed with what runs: change sets that nobody executes, and drift.

Nothing is changed: each change set is deleted again. A stack that is not there is not asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fairway.core.plan.diff import Change
from fairway.core.problem import Problem
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide.differences import changes_of, drift_of
from fairway.targets.aws.decide.stack_status import way
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.networks import moves
from fairway.targets.aws.render.template import Stack
from fairway.targets.aws.waiting import until

__all__ = ["Preview", "preview"]

DRIFT_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What is there and what would change; `busy` are stacks in which something goes on now.

    `refused` is why a deploy would stop before it changes anything.
    """

    there: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    drift: tuple[Change, ...] = ()
    busy: tuple[str, ...] = ()
    refused: tuple[Problem, ...] = ()


def preview(environment: Environment, values: Mapping[str, str], *, with_drift: bool) -> Preview:
    """Ask CloudFormation of every stack that is there; raises `Problems`."""
    formation = environment.formation(environment.store())
    app = environment.app
    there: list[Stack] = []
    busy: list[str] = []
    for stack in environment.stacks:
        found = way(formation.status(stack))
        if found not in {"create", "remake"}:
            there.append(stack)
        if found == "wait":
            busy.append(stack.name)
    changes: list[Change] = []
    for stack in there:
        if stack.name not in busy:
            asked = formation.preview(stack, values)
            changes += changes_of(app, stack.name, asked)
    return Preview(
        there=tuple(stack.name for stack in there),
        changes=tuple(changes),
        drift=drift(environment, there) if with_drift else (),
        busy=tuple(busy),
        refused=tuple(moves(environment)),
    )


def drift(environment: Environment, stacks: Sequence[Stack]) -> tuple[Change, ...]:
    """What was changed beside CloudFormation; all stacks are looked at together."""
    formation = environment.formation()
    begun = [
        (
            stack,
            str(
                formation.formation(stack).detect_stack_drift(StackName=stack.stack_name)[
                    "StackDriftDetectionId"
                ]
            ),
        )
        for stack in stacks
    ]
    found: list[Change] = []
    for stack, number in begun:
        client = formation.formation(stack)

        def has_ended(client: Any = client, number: str = number) -> bool:
            told = client.describe_stack_drift_detection_status(StackDriftDetectionId=number)
            return str(told["DetectionStatus"]) != "DETECTION_IN_PROGRESS"

        until(
            environment.clock, DRIFT_SECONDS, has_ended, waiting_for=f"drift of {stack.stack_name}"
        )
        try:
            drifts = client.describe_stack_resource_drifts(
                StackName=stack.stack_name,
                StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
            )["StackResourceDrifts"]
        except Refused as refused:
            if "has not been run" not in refused.message:
                raise
            drifts = []
        found += drift_of(environment.app, stack.name, cast("Sequence[Mapping[str, Any]]", drifts))
    return tuple(found)
