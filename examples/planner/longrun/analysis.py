"""What the figures mean: findings, flags and answers to questions, from thresholds alone. Pure.

Deterministic and offline: the same figures give the same words. It frames probabilities and never
promises, names no securities, and always comes with the disclosure.
"""

import re
from dataclasses import dataclass
from typing import Literal

from longrun.answers import Answer, Figure
from longrun.inputs import PlanInput

__all__ = [
    "DISCLOSURE",
    "EXAMPLES",
    "Analysis",
    "Finding",
    "analyse",
    "ask",
    "money",
    "percent",
    "rate_of",
]

DISCLOSURE = (
    "This is a simulation, not advice and not a forecast. It shows how often a plan lasted in "
    "imagined markets drawn from the assumptions stated; real markets may behave in ways that no "
    "scenario holds. Taxes, fees and changes of law are left out. Past returns say nothing certain "
    "about future ones. Talk to a qualified adviser before you act."
)
Level = Literal["good", "note", "warning", "serious"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, with the code of the threshold that it comes from."""

    code: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """All findings, the flags for compliance, and what might help."""

    risk: Literal["high", "moderate", "elevated"]
    findings: tuple[Finding, ...]
    flags: tuple[str, ...]
    suggestions: tuple[str, ...]
    disclosure: str = DISCLOSURE


def rate_of(plan: PlanInput) -> float:
    """First-year spending as a part of the portfolio."""
    return plan.annual_spending / plan.portfolio


def percent(share: float) -> str:
    """0.8123 as `81 %`; never 100 % or 0 % of what is not quite so."""
    if 0.995 <= share < 1:
        return "over 99 %"
    if 0 < share < 0.005:
        return "under 1 %"
    return f"{share:.0%}".replace("%", " %")


def _with_interval(figure: Figure) -> str:
    return (
        f"{percent(figure.value)} (95 % interval {percent(figure.low)} to {percent(figure.high)})"
    )


def money(dollars: float) -> str:
    return f"{'-' if dollars < 0 else ''}${abs(dollars):,.0f}"


def analyse(plan: PlanInput, found: Answer) -> Analysis:
    """Hold the figures against the thresholds."""
    success = found.success_probability.value
    risk: Literal["high", "moderate", "elevated"] = (
        "high" if success >= 0.80 else "moderate" if success >= 0.60 else "elevated"
    )
    return Analysis(
        risk=risk,
        findings=(_success(risk, found), *_warnings(plan, found)),
        flags=_flags(plan, found),
        suggestions=_suggestions(plan, found),
    )


def _success(risk: str, found: Answer) -> Finding:
    told = f"The portfolio lasted in {_with_interval(found.success_probability)} of the scenarios"
    if risk == "high":
        return Finding("SUCCESS_HIGH", "good", f"{told}: a high probability of lasting.")
    if risk == "moderate":
        return Finding("SUCCESS_MODERATE", "note", f"{told}: a moderate probability of lasting.")
    return Finding("SUCCESS_LOW", "serious", f"{told}: an elevated risk of running out.")


def _warnings(plan: PlanInput, found: Answer) -> list[Finding]:
    rate, low, high = rate_of(plan), found.ending.p10.value, found.ending.p90.value
    warnings: list[Finding] = []
    if rate > 0.05:
        warnings.append(
            Finding(
                "WITHDRAWAL_HIGH",
                "warning",
                (
                    f"Spending begins at {rate:.1%} of the portfolio a year; above 5 % is often "
                    "hard to sustain over decades."
                ),
            )
        )
    if low <= 0:
        warnings.append(
            Finding(
                "P10_DEPLETED",
                "warning",
                ("In the worst tenth of the scenarios nothing is left at the end."),
            )
        )
    if plan.equity > 0 and plan.equity_volatility > 20:
        warnings.append(
            Finding(
                "EQUITY_VOLATILE",
                "note",
                (
                    f"Shares are assumed to swing by {plan.equity_volatility:g} % a year, above "
                    "20 %: results spread widely."
                ),
            )
        )
    if low > 0 and high / low > 10:
        warnings.append(
            Finding(
                "WIDE_OUTCOMES",
                "note",
                (
                    f"The best tenth ends with more than {high / low:.0f} times what the worst "
                    "tenth ends with: outcomes are wide apart."
                ),
            )
        )
    if found.sequence_risk > 0.3:
        warnings.append(
            Finding(
                "SEQUENCE_RISK",
                "warning",
                (
                    "The first ten years decide much: where early returns were worst, it ran out "
                    f"more often than where they were best, by {found.sequence_risk * 100:.0f} "
                    "percentage points."
                ),
            )
        )
    return warnings


def _flags(plan: PlanInput, found: Answer) -> tuple[str, ...]:
    """What a compliance officer looks for."""
    raised = {
        "HIGH_WITHDRAWAL_RATE": rate_of(plan) > 0.06,
        "LOW_SUCCESS_PROBABILITY": found.success_probability.value < 0.50,
        "AGGRESSIVE_ALLOCATION": plan.equity > 120 - plan.age,
    }
    return tuple(name for name, is_raised in raised.items() if is_raised)


def _suggestions(plan: PlanInput, found: Answer) -> tuple[str, ...]:
    suggestions: list[str] = []
    if found.success_probability.value < 0.70 and plan.annual_spending > 0:
        least, most = 0.90 * plan.annual_spending, 0.85 * plan.annual_spending
        suggestions.append(
            f"Consider spending 10 to 15 % less: {money(most)} to {money(least)} a year. Run it "
            "again to see how much that might help."
        )
    if found.sequence_risk > 0.3 and plan.rule == "fixed":
        suggestions.append(
            "Consider a rule that bends with the markets (guardrails), and compare the two."
        )
    if plan.equity > 120 - plan.age:
        suggestions.append(
            f"{plan.equity:g} % in shares is above 120 less the age, {120 - plan.age} %: consider "
            "whether the swings can be borne."
        )
    return tuple(suggestions)


EXAMPLES = (
    "How likely is it that the money lasts?",
    "How much is left at the end?",
    "When might it run out?",
    "Is the withdrawal rate too high?",
    "What are the main risks?",
    "How much could I spend?",
    "How sure are these figures?",
)
UNKNOWN = (
    "I can't answer that from these figures. I can say how likely the money is to last, what may "
    "be left, when it may run out, what the withdrawal rate and the allocation mean, which risks "
    "stand out, and how sure the figures are."
)
REFUSED = (
    "I can't answer that. I name no securities, predict no markets, and leave taxes and law out: "
    "only this plan's simulated figures are known to me."
)


def ask(question: str, plan: PlanInput, found: Answer) -> tuple[str, bool]:
    """An answer from the figures, and whether the question was understood."""
    asked = question.lower()
    for pattern, topic in TOPICS:
        if re.search(pattern, asked):
            told = _told(topic, plan, found)
            return told, topic != "refused"
    return UNKNOWN, False


TOPICS: tuple[tuple[str, str], ...] = (
    (
        r"\b(stock|ticker|etf|fund|bitcoin|crypto|buy|sell|tax|taxes|law|predict|crash when)\b",
        "refused",
    ),
    (r"\b(sure|confiden|interval|accura|margin|exact|trust)", "sureness"),
    (r"\b(how much|what).*\b(spend|withdraw|afford)", "spending"),
    (r"\b(rate|4 ?%|too high|too much|withdraw)", "rate"),
    (r"\b(when|year).*\b(run|out|ruin|deplet|gone)", "when"),
    (r"\b(left|end|legacy|heir|inherit|median|worth)", "ending"),
    (r"\b(risk|worr|danger|wrong|sequence)", "risks"),
    (r"\b(allocation|equity|shares|bonds|aggressive|mix)", "allocation"),
    (r"\b(inflation|prices)", "inflation"),
    (r"\b(last|success|likely|chance|probab|survive|enough|run out)", "success"),
)


def _told(topic: str, plan: PlanInput, found: Answer) -> str:  # noqa: C901 (one a topic)
    ending = found.ending
    match topic:
        case "refused":
            return REFUSED
        case "sureness":
            success = found.success_probability
            return (
                f"With {found.scenarios:,} scenarios the probability of lasting is known to "
                f"about {(success.high - success.low) * 50:.1f} percentage points either way "
                f"(95 %): {_with_interval(success)}. That is the error of chance alone; whether "
                "the assumptions are right, no number of scenarios tells."
            )
        case "spending":
            return (
                f"The plan spends {money(plan.annual_spending)} a year and lasted in "
                f"{_with_interval(found.success_probability)} of the scenarios. What another "
                "amount does, the page Scenarios & stress works out: change it and compare."
            )
        case "rate":
            word = "above" if rate_of(plan) > 0.05 else "not above"
            return (
                f"Spending begins at {rate_of(plan):.1%} of the portfolio a year, {word} the 5 % "
                f"at which this analysis warns; it lasted in "
                f"{_with_interval(found.success_probability)} of the scenarios."
            )
        case "when":
            if found.median_ruin_year is None:
                return f"It ran out in none of the {found.scenarios:,} scenarios."
            return (
                f"It ran out in {percent(1 - found.success_probability.value)} of the scenarios; "
                f"half of those did by year {found.median_ruin_year:.0f}."
            )
        case "ending":
            return (
                f"After {plan.years} years the middle scenario has {money(ending.p50.value)} "
                f"({found.money} money). One in ten has {money(ending.p10.value)} or less, one in "
                f"ten {money(ending.p90.value)} or more."
            )
        case "risks":
            said = " ".join(finding.text for finding in _warnings(plan, found))
            return said or "No threshold of this analysis is crossed. That does not mean no risk."
        case "allocation":
            return (
                f"The plan holds {plan.equity:g} % shares, {plan.bond:g} % bonds and "
                f"{plan.cash:g} % cash; 120 less the age would be {120 - plan.age} % shares. The "
                "page Portfolio analysis compares allocations."
            )
        case "inflation":
            return (
                f"Spending and incomes rise by {plan.inflation:g} % a year. "
                + (
                    "With historical returns, by what prices did in the years drawn."
                    if plan.returns_model == "historical"
                    else ""
                )
            ).strip()
        case _:
            return (
                f"The portfolio lasted in {_with_interval(found.success_probability)} of "
                f"{found.scenarios:,} scenarios over {plan.years} years."
            )
