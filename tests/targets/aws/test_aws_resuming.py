"""Where a workflow goes on that stopped at AWS."""

from collections.abc import Sequence
from typing import Any

import pytest

from fairway.targets.aws.decide.resuming import latest, step_to_go_on
from fairway.targets.aws.render.states import chain

DAILY = chain("daily", ["Load", "Train", "Publish"])
OTHER = chain("daily", ["Load", "Check", "Publish"])


def run(name: str, status: str, ended: int | None) -> dict[str, Any]:
    return {"executionArn": name, "status": status, "stopDate": ended}


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([run("a", "RUNNING", None)], None),
        ([run("b", "SUCCEEDED", 2), run("a", "FAILED", 1)], None),
        ([run("b", "FAILED", 2), run("a", "SUCCEEDED", 1)], "b"),
        ([run("b", "TIMED_OUT", 2)], "b"),
        ([run("b", "ABORTED", 2)], "b"),
        ([run("c", "SUCCEEDED", 3), run("b", "FAILED", 9)], "b"),  # c met b at work, and left
    ],
)
def test_the_run_that_ended_last_says_whether_there_is_something_to_go_on_with(
    runs: Sequence[dict[str, Any]], expected: str | None
) -> None:
    found = latest(runs)
    assert (None if found is None else found["executionArn"]) == expected


def events(*states: str) -> list[dict[str, Any]]:
    entered = [
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}} for name in states
    ]
    return [{"type": "ExecutionFailed"}, *reversed(entered)]


@pytest.mark.requirement("R114")
def test_it_goes_on_with_the_step_that_it_entered_last() -> None:
    told = events("Running", "Alone", "From", "Step1", "Step2")
    assert step_to_go_on(DAILY, DAILY, told) == 1
    assert step_to_go_on(DAILY, DAILY, events("Running", "Alone", "From", "Step1")) == 0


def test_it_begins_anew_where_its_steps_are_others_or_none_was_begun() -> None:
    told = events("Running", "Alone", "From", "Step1", "Step2")
    assert step_to_go_on(OTHER, DAILY, told) is None
    assert step_to_go_on(chain("daily", ["Load", "Train"]), DAILY, told) is None
    assert step_to_go_on(DAILY, DAILY, events("Running")) is None
    assert step_to_go_on({}, {}, []) is None


def test_ten_steps_and_more_are_told_apart() -> None:
    many = chain("many", [f"Job{number}" for number in range(12)])
    assert step_to_go_on(many, many, events("Step1", "Step2", "Step12")) == 11
    assert step_to_go_on(many, many, events("Step9", "Step10")) == 9
