"""What may be asked, and what is said where it may not."""

import math
from typing import Any

import pytest
from longrun.inputs import LIMITS, PlanInput, troubles
from longrun.text import plain_text
from pydantic import ValidationError

GOOD: dict[str, Any] = {"portfolio": 1_000_000, "annual_spending": 40_000}
FIELDS = [name for name in LIMITS if name in PlanInput.model_fields]
WHOLE = ("years", "age", "scenarios", "seed")
# Fields whose limits need another field to follow.
PARTNERS: dict[str, dict[str, Any]] = {
    "equity": {"bond": 0, "cash": 0},
    "bond": {"equity": 0, "cash": 0},
    "cash": {"equity": 0, "bond": 0},
}


def plan(**said: Any) -> PlanInput:
    return PlanInput(**{**GOOD, **said})


def refused(**said: Any) -> str:
    with pytest.raises(ValidationError) as error:
        plan(**said)
    return "\n".join(map(str, troubles(error.value.errors())))


@pytest.mark.requirement("R208", "R209", "R210", "R211", "R212")
def test_the_ranges_are_those_that_advisers_agreed_on() -> None:
    assert {
        name: (LIMITS[name].low, LIMITS[name].high)
        for name in ("portfolio", "annual_spending", "scenarios", "years", "equity")
    } == {
        "portfolio": (1_000, 100_000_000),
        "annual_spending": (0, 1_000_000),
        "scenarios": (10, 10_000),
        "years": (1, 100),
        "equity": (0, 100),
    }


@pytest.mark.requirement("R208", "R209", "R210", "R211", "R212")
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_takes_its_limits_and_nothing_beyond(name: str) -> None:
    limit = LIMITS[name]
    if name not in PARTNERS:
        for value in (limit.low, limit.high):
            uncorrelated = {each: 0 for each in FIELDS if each.endswith("_correlation")}
            plan(**{**uncorrelated, name: value})
    step = 1 if name in WHOLE else 1e-6 * max(1, abs(limit.high))
    for value in (limit.low - step, limit.high + step):
        said = refused(**{name: value})
        assert said.startswith(f"{name}: ")
        assert f"Choose {limit}." in said


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "much", None, [1]])
def test_what_is_no_number_is_refused_by_name(name: str, value: object) -> None:
    assert refused(**{name: value}).startswith(f"{name}: ")


NESTED = {
    "annual": ("incomes", {"annual": 1}),
    "start_year": ("incomes", {"annual": 1}),
    "end_year": ("incomes", {"annual": 1}),
    "amount": ("flows", {"amount": 1, "year": 1}),
    "year": ("flows", {"amount": 1, "year": 1}),
}


@pytest.mark.parametrize("name", NESTED)
def test_a_field_of_a_table_takes_its_limits_and_nothing_beyond(name: str) -> None:
    table, row = NESTED[name]
    limit = LIMITS[name]
    for value in (limit.low, limit.high):
        plan(
            **{table: [{**row, name: value, **({"end_year": 100} if name == "start_year" else {})}]}
        )
    step = 1e-6 * max(1, abs(limit.high))
    for value in (limit.low - step, limit.high + step, math.nan, math.inf, -math.inf, "much"):
        said = refused(**{table: [{**row, name: value}]})
        assert said.startswith(f"{table}.0.{name}: ")
        assert f"Choose {limit}." in said


def test_weights_add_up_to_a_hundred_give_or_take_a_tenth() -> None:
    assert plan(equity=60.1, bond=35, cash=5).to_plan().assets[0].weight < 0.601
    assert sum(a.weight for a in plan(equity=59.9).to_plan().assets) == pytest.approx(1, abs=1e-15)
    said = refused(equity=60.2, bond=35, cash=5)
    assert "add up to 100.2 %" in said
    assert "must add up to 100 %" in said


def test_everything_that_is_wrong_is_told_at_once() -> None:
    said = refused(portfolio=1, annual_spending=-1, years=101, surprise=1)
    for name in ("portfolio", "annual_spending", "years", "surprise"):
        assert f"{name}: " in said
    with pytest.raises(ValidationError) as error:
        PlanInput.model_validate({"years": 30})
    assert "$1,000 to $100,000,000" in str(troubles(error.value.errors())[0])


def test_correlations_that_contradict_each_other_are_refused() -> None:
    said = refused(equity_bond_correlation=1, equity_cash_correlation=1, bond_cash_correlation=-1)
    assert "contradict" in said


def test_an_income_ends_after_it_starts() -> None:
    assert "end_year" in refused(incomes=[{"annual": 5, "start_year": 9, "end_year": 3}])
    assert "incomes" in refused(incomes=[{"annual": 5}] * 21)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<b>Ada</b>", "Ada"),
        ("<script>alert(1)</script>Ada", "Ada"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Ada", "Ada"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;Ada", "Ada"),
        ("<<b>script>alert(1)", "script"),
        ("javascript:alert(1)", "alert(1)"),
        ("javajavascript:script:alert(1)", "alert(1)"),
        ("3 < 4 & 5 > 4", "3  4 & 5  4"),
        ("Zoë \x00\u202eO'Neill", "Zoë O'Neill"),
    ],
)
def test_markup_is_taken_out_of_text(typed: str, kept: str) -> None:
    cleaned = plan_text(typed)
    assert "<" not in cleaned
    assert "javascript:" not in cleaned.lower()
    if kept != "script":
        assert cleaned == kept


def plan_text(typed: str) -> str:
    assert plain_text(typed) == plan(notes=typed).notes
    return plan(notes=typed).notes


def test_text_has_at_most_a_thousand_characters() -> None:
    assert len(plan(notes="x" * 1000).notes) == 1000
    assert "longer than 1000" in refused(notes="x" * 1001)
