"""Reads what an environment's nodes print, from their log groups, by time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairway.core import names
from fairway.targets.aws.account import Refused
from fairway.targets.aws.environment import Environment

__all__ = ["Line", "Reader"]

LATE_SECONDS = 5.0  # CloudWatch may take a line in after later ones


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when (seconds since the epoch), of which node's which task."""

    at: float
    node: str
    task: str
    text: str


class Reader:
    """The lines of some nodes; each is given once."""

    def __init__(self, environment: Environment, nodes: Sequence[str]) -> None:
        app = environment.app
        self.logs = environment.account.client("logs")
        self.groups = {
            node: names.cloud_path(app.name, app.environment, *place)
            for name in nodes
            for node, place in (
                (name, (name,)),
                *(
                    ((f"{name}-before", (name, "before")),)
                    if name in app.programs and app.programs[name].before is not None
                    else ()
                ),
            )
        }
        self.given: set[str] = set()

    def since(self, moment: float) -> list[Line]:
        """What came since, and was not given yet, by time; of one moment a task's together.

        A traceback's lines have one time: they stay in the order in which they came.
        """
        found = [line for node in self.groups for line in self._of(node, moment)]
        return sorted(found, key=lambda line: (line.at, line.node, line.task))

    def _of(self, node: str, moment: float) -> Iterator[Line]:
        start = int(max(0.0, moment - LATE_SECONDS) * 1000)
        try:
            found = self.logs.pages(
                "filter_log_events", "events", logGroupName=self.groups[node], startTime=start
            )
        except Refused as refused:
            if refused.code == "ResourceNotFoundException":
                return
            raise
        for each in found:
            key = str(each["eventId"])
            if key not in self.given:
                self.given.add(key)
                # ECS ends a stream's name in the task's id, Lambda in `[version]` and the copy's.
                stream = str(each.get("logStreamName", "")).rpartition("/")[2]
                task = stream.rpartition("]")[2]
                yield Line(
                    at=float(each["timestamp"]) / 1000,
                    node=node,
                    task=task[:8],
                    text=str(each["message"]).rstrip(),
                )
