"""A job's or a workflow's stack: its task, its state machine, and what starts it.

EventBridge Scheduler starts them at their times (R107-R108), a bucket's events where objects are
new (R109). What could not be started waits in a dead-letter queue, with an alarm. Pure.
"""

from collections.abc import Sequence

from fairway.core import names
from fairway.core.spec.model import App, Job, Workflow
from fairway.targets.aws.render.cron import expressions, is_sayable
from fairway.targets.aws.render.dead_letters import add_dead_letters
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.new_objects import add_new_objects
from fairway.targets.aws.render.policies import LOG_DELIVERY, TRACING, add_role, statement
from fairway.targets.aws.render.reach import add_reach
from fairway.targets.aws.render.states import chain, job_states, watched
from fairway.targets.aws.render.tasks import add_task
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Stack,
    Value,
    get,
    joined,
    ref,
    sub,
)

__all__ = ["dead_letters", "job", "machine_arn", "machine_name", "workflow"]

PUNCTUAL_SECONDS = 300
DAY_SECONDS = 86_400


def job(app: App, node: Job, ground: Ground) -> Stack:
    """Render a job's."""
    _shared(node.name, ground)
    _job(app, node, ground)
    return ground.draft.stack()


def workflow(node: Workflow, ground: Ground) -> Stack:
    """Render a workflow's."""
    _shared(node.name, ground)
    _workflow(node, ground)
    return ground.draft.stack()


def _shared(name: str, ground: Ground) -> None:
    """What every machine has: where unstarted runs wait, and its own log."""
    draft = ground.draft
    add_dead_letters(draft, ground.key, name=dead_letters(draft, name))
    add_log_group(
        draft, "MachineLogs", draft.path(name, "machine"), ground.key, ground.choices.log_days
    )


def dead_letters(draft: Draft, name: str) -> str:
    """What the queue of runs that could not be started is called."""
    return draft.called(name, "dead-letters", limit=80)


def machine_name(draft: Draft, name: str) -> str:
    """What a job's or a workflow's state machine is called."""
    return draft.called(name, limit=80)


def machine_arn(draft: Draft, name: str) -> Value:
    """Its ARN, by its name alone: a machine's role is made before the machine."""
    return sub(
        f"arn:{PARTITION}:states:{REGION}:{ACCOUNT}:stateMachine:{machine_name(draft, name)}"
    )


def _job(app: App, job: Job, ground: Ground) -> None:
    draft, id_ = ground.draft, "Job"
    group = add_reach(app, job, ground, id_)
    task = add_task(app, job, ground, id_)
    follows = {names.logical_id("next", name): machine_arn(draft, name) for name in job.then}
    filled: dict[str, Value] = {
        "Cluster": draft.take("cluster"),
        "Group": group,
        "Subnets": joined(",", ground.subnets("services")),
        "Task": task,
        **follows,
    }
    statements = [*_running(ground, id_), _listing(draft, job.name)]
    if follows:
        statements.append(statement(("states:StartExecution",), list(follows.values())))
    place = watched(job)
    if place is not None:
        queue = f"{id_}Objects"
        filled["NewObjects"] = ref(queue)
        statements += [
            statement(
                ("sqs:PurgeQueue", "sqs:ReceiveMessage", "sqs:SendMessage"),
                get(queue),
            ),
            statement(("kms:Decrypt", "kms:GenerateDataKey"), ground.key),
        ]
    _machine(
        ground,
        id_,
        job.name,
        definition=job_states(job, list(follows)),
        filled=filled,
        statements=statements,
    )
    if job.schedule is not None or job.on_new is not None:
        _starter(ground, job.name)
    if place is not None:
        machine = ref(f"{id_}Machine") if job.on_new else None
        add_new_objects(ground, id_, place, machine)
    _schedule(draft, id_, job.name, job.schedule, waits=job.if_missed == "run")


def _workflow(workflow: Workflow, ground: Ground) -> None:
    draft = ground.draft
    steps = {names.logical_id("step", name): machine_arn(draft, name) for name in workflow.steps}
    executions = [
        sub(f"arn:{PARTITION}:states:{REGION}:{ACCOUNT}:execution:{machine_name(draft, name)}:*")
        for name in steps_of(workflow)
    ]
    statements = [
        _listing(draft, workflow.name),
        statement(("states:StartExecution",), list(steps.values())),
        statement(("states:DescribeExecution", "states:StopExecution"), executions),
        _events("StepFunctionsGetEventsForStepFunctionsExecutionRule"),
    ]
    filled: dict[str, Value] = {**steps}
    order = [names.logical_id("step", name) for name in workflow.steps]
    _machine(
        ground,
        "Workflow",
        workflow.name,
        definition=chain(workflow.name, order),
        filled=filled,
        statements=statements,
    )
    if workflow.schedule is not None:
        _starter(ground, workflow.name)
    _schedule(draft, "Workflow", workflow.name, workflow.schedule, waits=True)


def steps_of(workflow: Workflow) -> Sequence[str]:
    """Its jobs, each once."""
    return tuple(dict.fromkeys(workflow.steps))


def _running(ground: Ground, id_: str) -> list[Value]:
    """What it takes to start a task, to wait for it, and to stop it at its deadline."""
    cluster = ground.draft.called()
    tasks = sub(f"arn:{PARTITION}:ecs:{REGION}:{ACCOUNT}:task/{cluster}/*")
    return [
        statement(("ecs:RunTask",), ref(f"{id_}Task")),
        statement(("ecs:DescribeTasks", "ecs:StopTask"), tasks),
        statement(
            ("iam:PassRole",),
            [get(f"{id_}StartRole"), get(f"{id_}Role")],
            when={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        _events("StepFunctionsGetEventsForECSTaskRule"),
    ]


def _events(rule: str) -> Value:
    """Step Functions waits by a rule of its own, one an account."""
    return statement(
        ("events:DescribeRule", "events:PutRule", "events:PutTargets"),
        sub(f"arn:{PARTITION}:events:{REGION}:{ACCOUNT}:rule/{rule}"),
    )


def _listing(draft: Draft, name: str) -> Value:
    return statement(("states:ListExecutions",), machine_arn(draft, name))


def _machine(
    ground: Ground,
    id_: str,
    name: str,
    *,
    definition: Value,
    filled: dict[str, Value],
    statements: list[Value],
) -> None:
    draft = ground.draft
    role = add_role(
        draft,
        f"{id_}MachineRole",
        "states.amazonaws.com",
        [*statements, statement((*LOG_DELIVERY, *TRACING), "*")],
    )
    draft.add(
        f"{id_}Machine",
        "AWS::StepFunctions::StateMachine",
        {
            "Definition": definition,
            "DefinitionSubstitutions": filled,
            "LoggingConfiguration": {
                "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": get("MachineLogs")}}],
                "IncludeExecutionData": True,
                "Level": "ERROR",
            },
            "RoleArn": role,
            "StateMachineName": machine_name(draft, name),
            "StateMachineType": "STANDARD",
            "TracingConfiguration": {"Enabled": True},
        },
    )


def _schedule(draft: Draft, id_: str, name: str, schedule: str | None, *, waits: bool) -> None:
    if schedule is None or not is_sayable(schedule):
        return
    for number, expression in enumerate(expressions(schedule), start=1):
        draft.add(
            f"{id_}Schedule{number}",
            "AWS::Scheduler::Schedule",
            {
                "Description": f"{name}: {schedule}, UTC.",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Name": draft.called(name, str(number), limit=64),
                "ScheduleExpression": expression,
                "ScheduleExpressionTimezone": "UTC",
                "State": "ENABLED",
                "Target": {
                    "Arn": ref(f"{id_}Machine"),
                    "DeadLetterConfig": {"Arn": get("DeadLetters")},
                    "Input": "{}",
                    "RetryPolicy": {
                        "MaximumEventAgeInSeconds": DAY_SECONDS if waits else PUNCTUAL_SECONDS,
                        "MaximumRetryAttempts": 185 if waits else 10,
                    },
                    "RoleArn": get("StarterRole"),
                },
            },
        )


def _starter(ground: Ground, name: str) -> None:
    """The role by which times and new objects start the machine."""
    draft = ground.draft
    statements = [
        statement(("states:StartExecution",), machine_arn(draft, name)),
        statement(("sqs:SendMessage",), get("DeadLetters")),
        statement(("kms:Decrypt", "kms:GenerateDataKey"), ground.key),
    ]
    services: list[Value] = ["events.amazonaws.com", "scheduler.amazonaws.com"]
    add_role(draft, "StarterRole", services, statements)
