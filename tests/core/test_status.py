"""The status that people and programs read survives JSON."""

import json

from hypothesis import given
from hypothesis import strategies as some

from fairway.core import status
from fairway.core.status import (
    EventLine,
    JobLine,
    NodeLine,
    ReplicaLine,
    ServiceLine,
    Status,
    WorkerLine,
)
from tests.properties import examples

words = some.text(max_size=12)
numbers = some.floats(0, 4e9)
counts = some.integers(0, 10_000)
maybe = some.none() | numbers


def some_of(lines: some.SearchStrategy[object]) -> some.SearchStrategy[tuple[object, ...]]:
    return some.lists(lines, max_size=3).map(tuple)


replicas = some.builds(ReplicaLine)
services = some.builds(
    ServiceLine,
    replicas=some_of(some.builds(ReplicaLine, uptime_seconds=numbers, rss_mib=numbers)),
    requests_per_second=numbers,
    error_percent=numbers,
    p50_ms=maybe,
    p95_ms=maybe,
    release_percent=numbers,
)
statuses = some.builds(
    Status,
    now=numbers,
    started_at=numbers,
    services=some_of(services),
    workers=some_of(
        some.builds(
            WorkerLine,
            replicas=some_of(some.builds(ReplicaLine, uptime_seconds=numbers, rss_mib=numbers)),
        )
    ),
    nodes=some_of(some.builds(NodeLine)),
    jobs=some_of(
        some.builds(JobLine, last_ended_at=maybe, last_seconds=maybe, next_at=maybe),
    ),
    events=some_of(some.builds(EventLine, at=numbers)),
    gaps=some_of(words),
    revisions=some_of(some.dictionaries(words, words | numbers, max_size=3)),
)


@examples(100)
@given(statuses)
def test_a_status_read_back_from_json_is_the_same(one: Status) -> None:
    assert status.from_json(json.loads(json.dumps(status.to_json(one)))) == one


def test_a_status_as_json_has_every_field_by_its_name() -> None:
    empty = Status(
        app="a",
        environment="local",
        phase="up",
        engine_pid=1,
        now=0.0,
        started_at=0.0,
        revision="",
        url="",
    )
    assert set(status.to_json(empty)) == set(Status.__dataclass_fields__)
