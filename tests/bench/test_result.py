"""Goals judge figures, and one line of JSON says how it went."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.result import Result, is_met, line, missed


@pytest.mark.parametrize(
    ("figure", "goal", "met"),
    [
        (3.0, "<= 3.0", True),
        (3.01, "<= 3.0", False),
        (3, "<3", False),
        (0, "== 0", True),
        (1, "== 0", False),
        (2.5, "> 2", True),
        (-1, ">= -1.5", True),
    ],
)
def test_a_goal_is_a_comparison_with_a_number(figure: float, goal: str, *, met: bool) -> None:
    assert is_met(figure, goal) is met


@pytest.mark.parametrize("goal", ["<= x", "3", "!= 3", "<= 3 ms", "", "=> 3"])
def test_a_goal_that_compares_with_nothing_is_refused_at_once(goal: str) -> None:
    with pytest.raises(ValueError, match="comparison with a number"):
        Result({"a": 1}, {"a": goal})


def test_what_was_not_measured_misses_its_goal() -> None:
    result = Result({"a": float("nan")}, {"a": ">= 0", "b": ">= 0"})
    assert missed(result) == ("a", "b")


def test_a_figure_without_a_goal_is_only_told() -> None:
    assert Result({"a": 1e9}).is_ok


def test_the_line_is_one_json_object_with_the_verdict() -> None:
    result = Result({"p99_ms": 21.5, "lost": float("inf")}, {"p99_ms": "<= 20"})
    text = line("release", result)
    assert "\n" not in text
    assert json.loads(text) == {
        "name": "release",
        "figures": {"p99_ms": 21.5, "lost": None},
        "goals": {"p99_ms": "<= 20"},
        "ok": False,
    }


@given(st.floats(), st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_no_figure_meets_a_goal_and_its_opposite(figure: float, bound: float) -> None:
    goals = (f"<= {bound:f}", f"> {bound:f}")
    assert [is_met(figure, goal) for goal in goals].count(True) <= 1
