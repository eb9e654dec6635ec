"""Findings, flags and answers come from thresholds, and only from the figures."""

from typing import Any

import pytest
from longrun.analysis import DISCLOSURE, EXAMPLES, analyse, ask, money, percent
from longrun.answers import Answer, Figure, answer
from longrun.inputs import PlanInput
from longrun.stress import TEMPLATES

PLAN = PlanInput(portfolio=1_000_000, annual_spending=40_000, scenarios=500)
FOUND = answer(PLAN)


def figure(value: float) -> Figure:
    return Figure(value=value, low=value, high=value)


def found(success: float = 0.9, p10: float = 1e5, p90: float = 5e5, **said: Any) -> Answer:
    ending = FOUND.ending.model_copy(update={"p10": figure(p10), "p90": figure(p90)})
    changes = {"success_probability": figure(success), "ending": ending, "sequence_risk": 0.0}
    return FOUND.model_copy(update={**changes, **said})


def plan(**said: Any) -> PlanInput:
    return PlanInput.model_validate({**PLAN.model_dump(), **said})


@pytest.mark.parametrize(
    ("success", "risk"),
    [(0.80, "high"), (0.7999, "moderate"), (0.60, "moderate"), (0.5999, "elevated")],
)
def test_success_is_put_into_words_by_its_thresholds(success: float, risk: str) -> None:
    assert analyse(PLAN, found(success)).risk == risk


@pytest.mark.parametrize(
    ("code", "asked", "figures"),
    [
        ("WITHDRAWAL_HIGH", {"annual_spending": 50_001}, {}),
        ("P10_DEPLETED", {}, {"p10": 0.0}),
        ("EQUITY_VOLATILE", {"equity_volatility": 20.1}, {}),
        ("WIDE_OUTCOMES", {}, {"p10": 1e5, "p90": 1.01e6}),
        ("SEQUENCE_RISK", {}, {"sequence_risk": 0.31}),
    ],
)
def test_a_threshold_warns_above_it_and_not_at_it(
    code: str, asked: dict[str, Any], figures: dict[str, Any]
) -> None:
    at = {"annual_spending": 50_000, "equity_volatility": 20}
    edge = analyse(plan(**at), found(p10=1e5, p90=1e6, sequence_risk=0.3))
    assert code not in {finding.code for finding in edge.findings}
    assert code in {finding.code for finding in analyse(plan(**asked), found(**figures)).findings}


@pytest.mark.parametrize(
    ("flag", "asked", "success"),
    [
        ("HIGH_WITHDRAWAL_RATE", {"annual_spending": 60_001}, 0.9),
        ("LOW_SUCCESS_PROBABILITY", {}, 0.499),
        ("AGGRESSIVE_ALLOCATION", {"age": 61}, 0.9),
    ],
)
def test_flags_are_raised_above_their_limits_only(
    flag: str, asked: dict[str, Any], success: float
) -> None:
    assert analyse(plan(annual_spending=60_000, age=60), found(0.5)).flags == ()
    assert flag in analyse(plan(**asked), found(success)).flags


def test_a_low_success_suggests_spending_a_tenth_less() -> None:
    said = " ".join(analyse(PLAN, found(0.69)).suggestions)
    assert "$34,000 to $36,000" in said
    assert not analyse(plan(age=50), found(0.70)).suggestions


@pytest.mark.parametrize("question", EXAMPLES)
def test_the_questions_that_are_offered_are_answered_from_the_figures(question: str) -> None:
    told, is_answered = ask(question, PLAN, FOUND)
    assert is_answered
    assert any(sign.isdigit() for sign in told)


@pytest.mark.parametrize(
    "question",
    ["Which stock should I buy?", "What taxes will I pay?", "What is the capital of France?", ""],
)
def test_what_the_figures_do_not_tell_is_not_answered(question: str) -> None:
    told, is_answered = ask(question, PLAN, FOUND)
    assert not is_answered
    assert "can't answer" in told


def test_words_never_promise() -> None:
    for success in (0.0, 0.3, 0.65, 0.9, 1.0):
        here = found(success)
        told = analyse(PLAN, here)
        words = " ".join(finding.text for finding in told.findings) + " ".join(told.suggestions)
        words += " ".join(ask(question, PLAN, here)[0] for question in EXAMPLES)
        for promise in ("guarantee", "certainly", "you will", "will last", "risk-free", "safe "):
            assert promise not in words.lower()
        assert told.disclosure == DISCLOSURE


def test_the_same_figures_give_the_same_words() -> None:
    assert analyse(PLAN, FOUND) == analyse(PLAN, answer(PLAN))


def test_every_bad_beginning_that_is_asked_for_is_there() -> None:
    names = {template.name for template in TEMPLATES}
    assert names == {
        "stagflation",
        "severe_recession",
        "crash",
        "prolonged_inflation",
        "lost_decade",
        "rising_rates",
        "deflation",
        "start_1929",
        "start_1970s",
        "start_2000",
        "start_2008",
    }
    crash = next(template for template in TEMPLATES if template.name == "crash")
    stressed = answer(PLAN, shock=crash.shock)
    assert stressed.success_probability.value < FOUND.success_probability.value


def test_figures_are_rounded_without_claiming_certainty() -> None:
    assert [percent(x) for x in (0.0, 0.001, 0.698, 0.9999, 1.0)] == [
        "0 %",
        "under 1 %",
        "70 %",
        "over 99 %",
        "100 %",
    ]
    assert money(-50_000) == "-$50,000"
