"""What runs in ECS: releases until ECS itself has ended, tasks that failed, tasks that run once.

Place in the flow: `deploying.py` asks after each service's stack; `exec` and migrations run a
task of their own. What an answer means is decided in `decide/rollout.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.decide.progress import Beat, Told
from fairway.targets.aws.decide.rollout import Stopped, Verdict, judge, stopped
from fairway.targets.aws.waiting import Clock, until

__all__ = ["Ended", "Running", "Watch"]

LINES = 20  # of a task that failed
STOPPED_MOST = 20
RELEASE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that ran once: its exit code (None: it never began), and why it ended."""

    task: str
    exit_code: int | None
    why: str


@dataclass(slots=True)
class Watch:
    """What was told of a service's failing tasks; `since` is when the release began."""

    since: float
    told: set[str] = field(default_factory=set[str])


class Running:
    """The cluster of one environment."""

    def __init__(
        self, account: Account, cluster: str, clock: Clock, tell: Callable[[Beat], None]
    ) -> None:
        self.account = account
        self.cluster = cluster
        self.clock = clock
        self.tell = tell

    def service(self, name: str) -> Mapping[str, Any] | None:
        """A service as ECS describes it; None where there is none."""
        try:
            found = self.account.client("ecs").describe_services(
                cluster=self.cluster, services=[name]
            )
        except Refused as refused:
            if refused.code in {"ClusterNotFoundException", "ServiceNotFoundException"}:
                return None
            raise
        services = cast("Sequence[Mapping[str, Any]]", found["services"])
        return next((each for each in services if each.get("status") != "INACTIVE"), None)

    def follow(self, name: str, wanted: str, step: str, watch: Watch) -> Verdict:
        """Look until ECS has ended the release of `wanted`; tell each change and each failure."""
        before = ""
        verdict = Verdict("going", "")

        def has_ended() -> bool:
            nonlocal before, verdict
            verdict = judge(self.service(name) or {}, wanted)
            self.failures(name, wanted, step, watch)
            if verdict.words != before and verdict.state != "failed":
                self.tell(Told(step, verdict.words, "good" if verdict.state == "done" else "info"))
            before = verdict.words
            return verdict.state != "going"

        until(self.clock, RELEASE_SECONDS, has_ended, waiting_for=f"the release of {name}")
        return verdict

    def failures(self, name: str, wanted: str | None, step: str, watch: Watch) -> None:
        """Tell each task of a revision that ended by itself, once: why, and its last lines."""
        for task in self.ended_tasks(name):
            arn = str(task.get("taskArn", ""))
            if arn in watch.told or not is_of(task, wanted, watch.since):
                continue
            watch.told.add(arn)
            if (found := stopped(task)) is not None:
                lines = self.last_lines(found)
                text = "\n".join((f"task {found.task} ended: {found.why}", *lines))
                self.tell(Told(step, text, "bad"))

    def ended_tasks(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The service's tasks that have stopped; ECS remembers them for an hour."""
        ecs = self.account.client("ecs")
        try:
            arns = ecs.list_tasks(
                cluster=self.cluster,
                serviceName=name,
                desiredStatus="STOPPED",
                maxResults=STOPPED_MOST,
            )["taskArns"]
        except Refused as refused:
            if refused.code in {"ServiceNotFoundException", "ClusterNotFoundException"}:
                return ()
            raise
        if not arns:
            return ()
        found = ecs.describe_tasks(cluster=self.cluster, tasks=arns)
        return cast("Sequence[Mapping[str, Any]]", found["tasks"])

    def last_lines(self, task: Stopped, limit: int = LINES) -> tuple[str, ...]:
        """What it printed last; nothing where it never came to print."""
        place = self.log_of(task.definition, task.container)
        if place is None:
            return ()
        group, prefix = place
        return self.lines(group, f"{prefix}/{task.container}/{task.task}", limit)

    def lines(self, group: str, stream: str, limit: int) -> tuple[str, ...]:
        """The last lines of a stream."""
        try:
            found = self.account.client("logs").get_log_events(
                logGroupName=group, logStreamName=stream, limit=limit, startFromHead=False
            )
        except Refused as refused:
            if refused.code == "ResourceNotFoundException":
                return ()
            raise
        return tuple(str(each["message"]).rstrip() for each in found["events"])

    def log_of(self, definition: str, container: str) -> tuple[str, str] | None:
        """The log group and the streams' prefix of a container."""
        try:
            found = self.definition(definition)
        except Refused:
            return None
        for each in cast("Sequence[Mapping[str, Any]]", found["containerDefinitions"]):
            options = cast("Mapping[str, str]", each.get("logConfiguration", {}).get("options", {}))
            if each["name"] == container and "awslogs-group" in options:
                return options["awslogs-group"], options.get("awslogs-stream-prefix", container)
        return None

    def definition(self, arn: str) -> Mapping[str, Any]:
        """A task definition."""
        found = self.account.client("ecs").describe_task_definition(taskDefinition=arn)
        return cast("Mapping[str, Any]", found["taskDefinition"])

    def once(
        self,
        definition: str,
        *,
        subnets: Sequence[str],
        groups: Sequence[str],
        seconds: float,
        command: Sequence[str] | None = None,
        heard: Callable[[str], None],
    ) -> Ended:
        """Run one task and wait for its end; `heard` gets each line that it prints."""
        container = str(self.definition(definition)["containerDefinitions"][0]["name"])
        override = {"name": container, **({"command": list(command)} if command else {})}
        found = self.account.client("ecs").run_task(
            cluster=self.cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": list(subnets),
                    "securityGroups": list(groups),
                    "assignPublicIp": "DISABLED",
                }
            },
            overrides={"containerOverrides": [override]} if command else {},
            startedBy="fairway",
        )
        if not found["tasks"]:
            why = "; ".join(str(each.get("reason", "")) for each in found.get("failures", ()))
            raise Problems([Problem(container, f"ECS did not start it: {why}")], exit_code=1)
        arn = str(found["tasks"][0]["taskArn"])
        return self._until_it_ends(arn, definition, container, seconds, heard)

    def _until_it_ends(
        self,
        arn: str,
        definition: str,
        container: str,
        seconds: float,
        heard: Callable[[str], None],
    ) -> Ended:
        place = self.log_of(definition, container)
        task_id = arn.rpartition("/")[2]
        stream = None if place is None else (place[0], f"{place[1]}/{container}/{task_id}")
        token: str | None = None
        task: Mapping[str, Any] = {}

        def has_ended() -> bool:
            nonlocal token, task
            task = self.account.client("ecs").describe_tasks(cluster=self.cluster, tasks=[arn])[
                "tasks"
            ][0]
            if stream is not None:
                token = self._hear(stream, token, heard)
            return str(task.get("lastStatus")) == "STOPPED"

        until(self.clock, seconds, has_ended, waiting_for=f"the task {task_id}")
        if stream is not None:
            self._hear(stream, token, heard)  # its last lines come after its end
        codes = [each.get("exitCode") for each in task.get("containers", ())]
        code = codes[0] if codes else None
        found = stopped({**task, "stopCode": ""})
        return Ended(task_id, code, "" if found is None else found.why)

    def _hear(
        self, stream: tuple[str, str], token: str | None, heard: Callable[[str], None]
    ) -> str | None:
        more = {} if token is None else {"nextToken": token}
        try:
            found = self.account.client("logs").get_log_events(
                logGroupName=stream[0], logStreamName=stream[1], startFromHead=True, **more
            )
        except Refused as refused:
            if refused.code == "ResourceNotFoundException":
                return token
            raise
        for each in found["events"]:
            heard(str(each["message"]).rstrip())
        return str(found["nextForwardToken"])


def is_of(task: Mapping[str, Any], wanted: str | None, since: float) -> bool:
    """Whether a task is of this release: of its definition, or begun since where none is known."""
    if wanted is not None:
        return task.get("taskDefinitionArn") == wanted
    began = task.get("createdAt")
    return isinstance(began, datetime) and began >= datetime.fromtimestamp(since, UTC)
