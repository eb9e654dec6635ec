"""Releases that fail, by the answers of ECS: without Docker no emulator runs a container."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.decide.progress import Beat, Told
from fairway.targets.aws.running import Running, Watch
from fairway.targets.aws.waiting import Clock, until

OLD, NEW = "arn:task-definition/shop-web:1", "arn:task-definition/shop-web:2"
DEFINITION = {
    "containerDefinitions": [
        {
            "name": "web",
            "logConfiguration": {
                "options": {"awslogs-group": "/shop/web", "awslogs-stream-prefix": "web"}
            },
        }
    ]
}
TASK = {
    "taskArn": "arn:task/shop/abc",
    "taskDefinitionArn": NEW,
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
    "containers": [{"name": "web", "exitCode": 3}],
}
Answer = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class Api:
    """A service's API that answers from a table, and remembers what it was asked."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Mapping[str, Any]]:
        def call(**arguments: Any) -> Mapping[str, Any]:
            self.asked.append((name, arguments))
            answer = self.answers[name]
            return answer() if callable(answer) else answer

        return call


class FakeAccount(Account):
    """An account whose APIs are given."""

    def __init__(self, **apis: Api) -> None:
        super().__init__(None, "eu-central-1")
        self.apis = apis

    def client(self, service: str, region: str | None = None) -> Any:
        return self.apis[service]


class Time:
    """A clock that a sleep moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep, look_seconds=3.0)


def deployments(*found: dict[str, Any]) -> dict[str, Any]:
    return {"services": [{"status": "ACTIVE", "deployments": list(found)}]}


def deployment(task: str, **more: Any) -> dict[str, Any]:
    said = {"status": "PRIMARY", "taskDefinition": task, "rolloutState": "IN_PROGRESS"}
    return {**said, "desiredCount": 2, "runningCount": 0, "pendingCount": 1, **more}


def running(ecs: Api, logs: Api, time: Time) -> tuple[Running, list[Beat]]:
    told: list[Beat] = []
    return Running(FakeAccount(ecs=ecs, logs=logs), "shop", time.clock, told.append), told


def test_a_bad_image_is_told_with_its_reason_and_last_lines_before_ecs_gives_up() -> None:
    time = Time()
    back = deployment(
        OLD, rolloutState="COMPLETED", rolloutStateReason="circuit breaker", runningCount=2
    )
    sequence = iter(
        [
            deployments(deployment(NEW)),
            deployments(deployment(NEW, failedTasks=1)),
            deployments(deployment(NEW, failedTasks=2)),
            deployments(back, deployment(NEW, status="ACTIVE", rolloutState="FAILED",
                                         rolloutStateReason="tasks failed to start")),
        ]
    )  # fmt: skip
    stopped = iter([[], ["arn:task/shop/abc"], ["arn:task/shop/abc"], ["arn:task/shop/abc"]])
    ecs = Api(
        describe_services=lambda: next(sequence),
        list_tasks=lambda: {"taskArns": next(stopped)},
        describe_tasks={"tasks": [TASK]},
        describe_task_definition={"taskDefinition": DEFINITION},
    )
    logs = Api(get_log_events={"events": [{"message": "KeyError: 'DATABASE_URL'\n"}]})
    of, told = running(ecs, logs, time)
    verdict = of.follow("web", NEW, "service web", Watch(since=0.0))
    assert (verdict.state, verdict.words) == ("failed", "tasks failed to start")
    bad = [beat for beat in told if isinstance(beat, Told) and beat.level == "bad"]
    (only,) = bad  # though ECS names it three times
    assert only.text.splitlines() == [
        "task abc ended: Essential container in task exited; web: exit code 3",
        "KeyError: 'DATABASE_URL'",
    ]
    assert time.now == pytest.approx(1.1875), "three pauses, each longer than the one before"
    place = logs.asked[0][1]
    assert (place["logGroupName"], place["logStreamName"]) == ("/shop/web", "web/web/abc")


def test_a_task_of_another_revision_is_not_this_releases_failure() -> None:
    ecs = Api(
        list_tasks={"taskArns": ["arn:task/shop/abc"]},
        describe_tasks={"tasks": [{**TASK, "taskDefinitionArn": OLD}]},
    )
    of, told = running(ecs, Api(), Time())
    of.failures("web", NEW, "service web", Watch(since=0.0))
    assert not told


def test_a_task_that_never_printed_has_no_lines() -> None:
    def absent() -> Mapping[str, Any]:
        raise Refused(Problem("logs", "absent"), code="ResourceNotFoundException")

    ecs = Api(
        list_tasks={"taskArns": ["arn:task/shop/abc"]},
        describe_tasks={"tasks": [{**TASK, "stoppedReason": "CannotPullContainerError: no"}]},
        describe_task_definition={"taskDefinition": DEFINITION},
    )
    of, told = running(ecs, Api(get_log_events=absent), Time())
    of.failures("web", NEW, "service web", Watch(since=0.0))
    (beat,) = told
    assert isinstance(beat, Told)
    assert beat.text.startswith("task abc ended: CannotPullContainerError: no")
    assert "\n" not in beat.text


def test_a_migration_that_fails_gives_its_exit_code_and_its_lines() -> None:
    ended = {**TASK, "lastStatus": "STOPPED"}
    ecs = Api(
        describe_task_definition={"taskDefinition": DEFINITION},
        run_task={"tasks": [TASK]},
        describe_tasks={"tasks": [ended]},
    )
    lines = iter([[{"message": "no such table"}], []])
    logs = Api(get_log_events=lambda: {"events": next(lines), "nextForwardToken": "t"})
    heard: list[str] = []
    of, _ = running(ecs, logs, Time())
    found = of.once(NEW, subnets=["s"], groups=["g"], seconds=60, heard=heard.append)
    assert found.exit_code == 3
    assert heard == ["no such table"]
    network = ecs.asked[1][1]["networkConfiguration"]["awsvpcConfiguration"]
    assert network == {"subnets": ["s"], "securityGroups": ["g"], "assignPublicIp": "DISABLED"}


def test_a_task_that_ecs_can_not_start_is_a_problem() -> None:
    ecs = Api(
        describe_task_definition={"taskDefinition": DEFINITION},
        run_task={"tasks": [], "failures": [{"reason": "RESOURCE:CPU"}]},
    )
    of, _ = running(ecs, Api(), Time())
    with pytest.raises(Problems, match="RESOURCE:CPU"):
        of.once(NEW, subnets=[], groups=[], seconds=60, heard=print)


def test_every_wait_has_a_deadline_and_says_that_it_goes_on() -> None:
    time = Time()
    with pytest.raises(Problems, match="after 1 minutes it goes on still: the thing"):
        until(time.clock, 60, lambda: False, waiting_for="the thing")
    assert 60 <= time.now <= 63


def test_looks_are_soon_at_first_and_then_as_far_apart_as_the_clock_says() -> None:
    time, looks = Time(), list[float]()

    def look() -> bool:
        looks.append(time.now)
        return time.now > 20

    until(time.clock, 60, look, waiting_for="the thing")
    apart = [after - before for before, after in itertools.pairwise(looks)]
    assert apart[0] == 0.25
    assert apart == sorted(apart)
    assert apart[-1] == 3.0
