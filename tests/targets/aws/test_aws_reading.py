"""What nodes print, read from their log groups."""

from fairway.targets.aws.environment import Environment
from fairway.targets.aws.reading import Reader
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_running import Api, FakeAccount

TRACEBACK = ("Traceback (most recent call last):", '  File "a.py"', "    import x", "Error: no x")


class Logs(Api):
    """CloudWatch Logs, whose pages are one."""

    def __init__(self, events: list[dict[str, object]]) -> None:
        super().__init__()
        self.events = events

    def pages(self, operation: str, key: str, **asked: object) -> list[dict[str, object]]:
        assert (operation, key) == ("filter_log_events", "events")
        return self.events


def event(number: int, task: str, text: str, at: int) -> dict[str, object]:
    stream = f"web/web/{task}{'0' * 24}"
    return {"eventId": str(number), "timestamp": at, "message": text, "logStreamName": stream}


def test_lines_of_one_moment_stay_as_they_came_each_task_s_together() -> None:
    both = [
        event(10 * row + place, task, text, 5_000)
        for row, text in enumerate(TRACEBACK)
        for place, task in enumerate(("bbbbbbbb", "aaaaaaaa"))
    ]
    first = event(99, "cccccccc", "begun", 4_000)
    account = FakeAccount(logs=Logs(events=[*both, first]))
    reader = Reader(Environment(account, app_of('[service.web]\nasgi = "a:b"\n'), ()), ["web"])

    found = reader.since(0.0)

    assert [line.text for line in found] == ["begun", *TRACEBACK, *TRACEBACK]
    assert [line.task for line in found[1:]] == ["aaaaaaaa"] * 4 + ["bbbbbbbb"] * 4
    assert reader.since(0.0) == [], "each is given once"
