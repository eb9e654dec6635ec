"""Runs something once: a job's state machine, or a command in a task of a service's own.

A command runs in a task of its own and not in one that serves: the root of every container is
read-only, and ECS Exec needs to write to it (AWS's documentation of ECS Exec, 2026-11).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide import asked
from fairway.targets.aws.decide.resuming import asked_from, latest, step_to_go_on
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.functions import refuse_function
from fairway.targets.aws.looking import machine_of
from fairway.targets.aws.running import Ended
from fairway.targets.aws.waiting import until

__all__ = ["Run", "execute", "run_job"]

LONGEST_SECONDS = 24 * 3600.0
LOOKED_BACK = 20  # runs, to find the one that ended last


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job or a workflow; `status` is Step Functions' own, in lower case.

    `began_with` is the step that a workflow went on with, `stopped_at` the one that ended it.
    """

    run: str
    job: str
    status: str
    seconds: float
    reason: str = ""
    began_with: str = ""
    stopped_at: str = ""


def run_job(environment: Environment, job: str, *, waits: bool, from_start: bool = False) -> Run:
    """Start it now; with `waits`, return at its end. Raises `Problems` where there is none.

    A workflow whose last run stopped goes on with the step that failed, but for `from_start`.
    """
    app = environment.app
    asked.job(app, job)
    machines = environment.account.client("stepfunctions")
    began = environment.clock.now()
    machine = machine_of(environment, job)
    steps = () if job not in app.workflows else app.workflows[job].steps
    try:
        first = None if from_start or not steps else stopped_in(machines, machine)
        said = json.dumps(asked_from(first))
        arn = str(machines.start_execution(stateMachineArn=machine, input=said)["executionArn"])
    except Refused as refused:
        if refused.code != "StateMachineDoesNotExist":
            raise
        mend = f"`fairway deploy {app.environment}` makes it."
        raise Problems(
            [Problem(f"job {job}", "it is not deployed", mend)], exit_code=1
        ) from refused
    name = arn.rpartition(":")[2]
    found: dict[str, Any] = {"status": "RUNNING"}

    def has_ended() -> bool:
        found.update(machines.describe_execution(executionArn=arn))
        return found["status"] not in {"RUNNING", "PENDING_REDRIVE"}

    if waits:
        until(environment.clock, LONGEST_SECONDS, has_ended, waiting_for=f"the run {name}")
    status = str(found["status"]).lower()
    has_stopped = bool(steps) and status not in {"running", "pending_redrive", "succeeded"}
    return Run(
        run=name,
        job=job,
        status=status,
        seconds=environment.clock.now() - began,
        reason=str(found.get("cause") or found.get("error") or ""),
        began_with=_named(steps, first),
        stopped_at=_named(steps, stopped_in(machines, machine)) if has_stopped else "",
    )


def stopped_in(machines: Any, machine: str) -> int | None:
    """The place of the step in which a workflow's last run stopped; None: it is to begin anew."""
    runs = machines.list_executions(stateMachineArn=machine, maxResults=LOOKED_BACK)["executions"]
    last = latest(runs)
    if last is None:
        return None
    arn = {"executionArn": last["executionArn"]}
    before = machines.describe_state_machine_for_execution(**arn)
    now = machines.describe_state_machine(stateMachineArn=machine)
    events = machines.get_execution_history(**arn, reverseOrder=True, maxResults=100)["events"]
    return step_to_go_on(_definition(before), _definition(now), events)


def _definition(described: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(described["definition"])
    return found


def _named(steps: Sequence[str], place: int | None) -> str:
    """The file may have fewer steps by now than what is deployed."""
    if place is None:
        return ""
    return steps[place] if place < len(steps) else f"step {place + 1}"


def execute(
    environment: Environment, node: str, command: Sequence[str], heard: Callable[[str], None]
) -> Ended:
    """Run a command beside what stays: its image, its variables, its network. Raises `Problems`."""
    app = environment.app
    where = f"fairway exec {app.environment} {node}"
    asked.programs(app, [node], "exec")
    what = ("no task of its own can be started", "Write a job for it, and `fairway run` it.")
    refuse_function(environment, node, where, what)
    service = environment.running.service(node)
    if service is None:
        mend = f"`fairway deploy {app.environment}` makes it."
        raise Problems([Problem(where, "it is not deployed", mend)], exit_code=1)
    network = cast("dict[str, Any]", service["networkConfiguration"]["awsvpcConfiguration"])
    return environment.running.once(
        str(service["taskDefinition"]),
        subnets=network["subnets"],
        groups=network["securityGroups"],
        seconds=LONGEST_SECONDS,
        command=command,
        heard=heard,
    )
