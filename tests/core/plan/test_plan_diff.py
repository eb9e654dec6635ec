"""What a plan says: golden texts, and that nothing changes nothing."""

from collections.abc import Callable

import pytest
from hypothesis import given

from fairway.core.plan.diff import Plan, diff, to_json
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from tests.core.spec.app_texts import app_trees, written
from tests.properties import examples

BEFORE = """
app = "shop"

[service.api]
asgi = "shop.api:app"
uses = ["db"]

[service.web]
asgi   = "shop.web:app"
public = true
uses   = ["api", "pages"]

[job.nightly]
command  = "python -m shop.nightly"
schedule = "@daily"

[database.db]
[cache.pages]
"""

AFTER = """
app = "shop"

[service.api]
asgi          = "shop.api:app"
uses          = ["db", "files"]
replicas      = 3
before        = "alembic upgrade head"
timeouts.drain = "5s"
release       = "blue_green"

[service.web]
asgi   = "shop.web:app"
public = true
uses   = ["api"]
sticky = true
cache  = { "/static/*" = "1h" }

[database.db]
[bucket.files]

[alarm]
p95 = "> 500ms"
"""


def app(text: str, environment: str = "local") -> App:
    return parse(text).app(environment)


def test_a_plan_of_a_new_app_names_every_node_with_what_it_says(
    golden: Callable[[str, str], None],
) -> None:
    golden("new.txt", f"{diff(None, app(BEFORE))}\n")


def test_a_plan_names_changed_keys_as_the_file_does_and_what_goes_last(
    golden: Callable[[str, str], None],
) -> None:
    plan = diff(
        app(BEFORE),
        app(AFTER),
        revision_before="0000000001",
        revision_after="0000000002",
        files=("fairway.toml", "shop/api.py"),
        gaps=(Problem("alarm", "alarms are not sent from this machine yet"),),
    )
    golden("changed.txt", f"{plan}\n")


def test_a_plan_where_only_code_changed_names_the_files_and_what_is_released(
    golden: Callable[[str, str], None],
) -> None:
    files = tuple(f"shop/page_{number}.py" for number in range(9))
    plan = diff(
        app(BEFORE),
        app(BEFORE),
        revision_before="0000000001",
        revision_after="0000000002",
        files=files,
    )
    golden("code.txt", f"{plan}\n")


def test_a_plan_that_changes_nothing_says_so(golden: Callable[[str, str], None]) -> None:
    golden("nothing.txt", f"{diff(app(BEFORE), app(BEFORE))}\n")


@examples(60)
@given(app_trees)
def test_nothing_differs_from_itself_and_everything_can_be_said(tree: dict[str, object]) -> None:
    try:
        spec = parse(written(tree))
    except Problems:  # most trees make sense; what this one says is another test's
        return
    for environment in spec.environments:
        same = spec.app(environment)
        assert diff(same, same).changes == ()
        plan = str(diff(None, same))
        assert "(" not in plan, f"a value that its reader does not write:\n{plan}"


def test_a_plan_as_json_says_what_its_text_says() -> None:
    plan = diff(app(BEFORE), app(AFTER))
    changes = to_json(plan)["changes"]
    assert [each["node"] for each in changes] == [change.node for change in plan.changes]
    assert all(each["sign"] in "+~-" for each in changes)


def test_data_comes_before_services_and_services_after_those_that_they_use() -> None:
    order = [(change.kind, change.node) for change in diff(None, app(BEFORE)).changes]
    assert order == [
        ("database", "db"),
        ("cache", "pages"),
        ("service", "api"),
        ("service", "web"),
        ("job", "nightly"),
    ]


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_every_built_in_environment_can_be_planned(environment: str) -> None:
    plan: Plan = diff(None, app(AFTER, environment))
    assert plan.environment == environment
    assert plan.changes
