"""What must be there before something of the app may start."""

import pytest

from fairway.core.plan.action import Backing
from fairway.core.plan.wanted import may_spawn, may_start
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.core.target import Node, Observed

TEXT = """
app = "almanac"
[service.web]
asgi = "main:app"
uses = ["db", "files"]
[database.db]
[bucket.files]
"""


@pytest.fixture
def app() -> App:
    return parse(TEXT).app("local")


def seen(**states: str) -> Observed:
    kinds: dict[str, Backing] = {"db": "database", "files": "bucket"}
    return Observed(
        nodes=tuple(
            Node(
                name=name,
                kind=kinds[name],
                running=state != "down",
                accepts=state == "accepts",
            )
            for name, state in sorted(states.items())
        )
    )


def test_nothing_starts_without_what_it_uses(app: App) -> None:
    web = app.services["web"]
    for observed in (Observed(), seen(db="accepts"), seen(db="accepts", files="down")):
        assert not may_spawn(app, web, observed)
        assert not may_start(app, web, observed)


def test_a_replica_may_start_beside_an_object_store_that_starts_too(app: App) -> None:
    web = app.services["web"]
    observed = seen(db="accepts", files="runs")
    assert may_spawn(app, web, observed)
    assert not may_start(app, web, observed)  # a migration or a job waits until it answers
    assert may_start(app, web, seen(db="accepts", files="accepts"))


def test_no_replica_starts_before_its_database_accepts(app: App) -> None:
    assert not may_spawn(app, app.services["web"], seen(db="runs", files="accepts"))
