"""The state machine of a job: alone, only with new objects, tried again, then the next (R107-R113).

A job is a Step Functions machine, whatever starts it, so that retries, the deadline, being alone
and what follows hold for a run by hand too. Texts like `${Cluster}` are filled in by
CloudFormation. Pure.
"""

import re
from collections.abc import Mapping, Sequence

from fairway.core.spec.model import Job
from fairway.targets.aws.render.template import Value

__all__ = ["FROM", "chain", "job_states", "step_number", "watched"]

FROM = "from"  # in a workflow's input: the place of the step that it begins with, from 0

# Waits before the second, third, … try; 8 s is the ceiling (R230, C2).
FIRST_WAIT_SECONDS = 1
LONGEST_WAIT_SECONDS = 8
# A purged queue may lose what arrives in the next minute; what arrives then is there for the run.
PURGE_SECONDS = 60
AWS_RETRY: Value = [
    {
        "BackoffRate": 2,
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": PURGE_SECONDS,
        "MaxAttempts": 3,
    }
]

States = dict[str, Value]


def watched(job: Job) -> tuple[str, str] | None:
    """The bucket and the prefix whose new objects the job waits for."""
    place = job.on_new or job.only_if_new
    if place is None:
        return None
    bucket, _, prefix = place.partition("/")
    return bucket, prefix


def job_states(job: Job, follows: Sequence[str]) -> Value:
    """The machine of a job; `follows` are the substitutions that hold the next jobs' machines."""
    states = _alone("Look" if watched(job) else "Run")
    after_run = "Follow" if follows else "Done"
    if watched(job):
        states |= _looking()
        # New objects while it ran start it again; at its time only, they wait for the next time.
        last = "Look" if job.on_new else "Done"
    else:
        last = "Done"
    if follows:
        states["Follow"] = _follow(follows, last)
    else:
        after_run = last
    states["Run"] = _run(job, after_run, is_looking=watched(job) is not None)
    states["Done"] = {"Type": "Succeed"}
    return {"Comment": f"The job {job.name}.", "StartAt": "Running", "States": states}


def chain(name: str, steps: Sequence[str]) -> Mapping[str, Value]:
    """The machine of a workflow: its jobs one after the other, from where it is asked to (R114)."""
    states = _alone("From" if len(steps) > 1 else _step(0))
    if len(steps) > 1:
        states["From"] = _from(len(steps))
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1
        state: States = {
            "Parameters": {
                "Input": {
                    "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
                },
                "StateMachineArn": f"${{{step}}}",
            },
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "ResultPath": "$.step",
            "Type": "Task",
        }
        states[_step(number)] = {**state, "Next": "Done" if is_last else _step(number + 1)}
    states["Done"] = {"Type": "Succeed"}
    return {"Comment": f"The workflow {name}.", "StartAt": "Running", "States": states}


def step_number(state: str) -> int | None:
    """The place of the step that a state of a workflow is, from 0; None where it is none."""
    found = re.fullmatch(r"Step([1-9]\d*)", state)
    return int(found[1]) - 1 if found else None


def _step(number: int) -> str:
    return f"Step{number + 1}"


def _from(count: int) -> Value:
    """Pass over the steps that a run before this one has done."""
    asked = f"$.{FROM}"
    return {
        "Choices": [
            {
                "And": [
                    {"IsPresent": True, "Variable": asked},
                    {"StringEquals": str(number), "Variable": asked},
                ],
                "Next": _step(number),
            }
            for number in range(1, count)
        ],
        "Default": _step(0),
        "Type": "Choice",
    }


def _alone(then: str) -> States:
    """End at once where another run is in progress: a job is a singleton."""
    return {
        "Running": {
            "Next": "Alone",
            "Parameters": {
                "MaxResults": 2,
                "StateMachineArn.$": "$$.StateMachine.Id",
                "StatusFilter": "RUNNING",
            },
            "Resource": "arn:aws:states:::aws-sdk:sfn:listExecutions",
            "ResultPath": "$.running",
            "Type": "Task",
        },
        "Alone": {
            "Choices": [
                {
                    "IsPresent": True,
                    "Next": "AnotherRuns",
                    "Variable": "$.running.Executions[1]",
                }
            ],
            "Default": then,
            "Type": "Choice",
        },
        "AnotherRuns": {"Type": "Succeed"},
    }


def _looking() -> States:
    """Go on only where the queue holds an event of a new object (R109-R110)."""
    return {
        "Look": {
            "Next": "New",
            "Parameters": {"MaxNumberOfMessages": 1, "QueueUrl": "${NewObjects}"},
            "Resource": "arn:aws:states:::aws-sdk:sqs:receiveMessage",
            "ResultPath": "$.new",
            "Type": "Task",
        },
        "New": {
            "Choices": [
                {"IsPresent": True, "Next": "Take", "Variable": "$.new.Messages[0]"},
            ],
            "Default": "NothingNew",
            "Type": "Choice",
        },
        "NothingNew": {"Type": "Succeed"},
        "Take": {
            "Next": "Settle",
            "Parameters": {"QueueUrl": "${NewObjects}"},
            "Resource": "arn:aws:states:::aws-sdk:sqs:purgeQueue",
            "ResultPath": "$.taken",
            "Retry": AWS_RETRY,
            "Type": "Task",
        },
        "Settle": {"Next": "Run", "Seconds": PURGE_SECONDS, "Type": "Wait"},
        # A run that failed leaves its objects new.
        "GiveBack": {
            "Next": "Failed",
            "Parameters": {
                "MessageBody": "The run failed.",
                "QueueUrl": "${NewObjects}",
            },
            "Resource": "arn:aws:states:::aws-sdk:sqs:sendMessage",
            "ResultPath": "$.given",
            "Retry": AWS_RETRY,
            "Type": "Task",
        },
        "Failed": {"Cause": "The task failed; its log says why.", "Type": "Fail"},
    }


def _run(job: Job, then: str, *, is_looking: bool) -> Value:
    capacity = "FARGATE_SPOT" if job.interruptible else "FARGATE"
    state: States = {
        "Next": then,
        "Parameters": {
            "CapacityProviderStrategy": [{"CapacityProvider": capacity, "Weight": 1}],
            "Cluster": "${Cluster}",
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "AssignPublicIp": "DISABLED",
                    "SecurityGroups": ["${Group}"],
                    "Subnets.$": "States.StringSplit('${Subnets}', ',')",
                }
            },
            "TaskDefinition": "${Task}",
        },
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "ResultPath": "$.run",
        "TimeoutSeconds": max(1, round(job.timeout_seconds)),
        "Type": "Task",
    }
    if job.retries:
        state["Retry"] = [
            {
                "BackoffRate": 2,
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": FIRST_WAIT_SECONDS,
                "MaxAttempts": job.retries,
                "MaxDelaySeconds": LONGEST_WAIT_SECONDS,
            }
        ]
    if is_looking:
        state["Catch"] = [
            {"ErrorEquals": ["States.ALL"], "Next": "GiveBack", "ResultPath": "$.error"}
        ]
    return state


def _follow(follows: Sequence[str], then: str) -> Value:
    """Start what follows, and do not wait: each has its own retries and its own alarm."""
    branches: list[Mapping[str, Value]] = [
        {
            "StartAt": f"Start{number}",
            "States": {
                f"Start{number}": {
                    "End": True,
                    "Parameters": {
                        "Input": {
                            "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
                        },
                        "StateMachineArn": f"${{{machine}}}",
                    },
                    "Resource": "arn:aws:states:::states:startExecution",
                    "Type": "Task",
                }
            },
        }
        for number, machine in enumerate(follows, start=1)
    ]
    return {"Branches": branches, "Next": then, "ResultPath": "$.followed", "Type": "Parallel"}
