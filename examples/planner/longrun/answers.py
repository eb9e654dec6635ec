"""A plan's answer as plain numbers that travel: to JSON, to the cache, to a page, into a report.

Pure but for the engine's threads and two spans. Probabilities from 0 to 1; money in dollars, to
the cent.
"""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairway_runtime.operations import operation
from longrun import __version__
from longrun.engine import Estimate, Outcome, Shock
from longrun.engine.run import outcome, run_paths
from longrun.inputs import PlanInput

__all__ = ["Answer", "Band", "Ending", "Figure", "answer"]


class Figure(BaseModel):
    """A figure, and the interval that holds the true one in nineteen of twenty runs."""

    model_config = ConfigDict(frozen=True)
    value: float
    low: float
    high: float


class Ending(BaseModel):
    """Wealth at the end: percentiles of the scenarios, and their mean."""

    model_config = ConfigDict(frozen=True)
    p10: Figure
    p25: Figure
    p50: Figure
    p75: Figure
    p90: Figure
    mean: Figure


class Band(BaseModel):
    """Wealth at one percentile, at each month's start and at the end; within 3.1 %."""

    model_config = ConfigDict(frozen=True)
    percentile: int
    wealth: list[float]


class Answer(BaseModel):
    """What the simulation found."""

    model_config = ConfigDict(frozen=True)
    success_probability: Figure
    ending: Ending
    monthly_bands: list[Band]
    ruin_by_year: list[Figure]
    median_ruin_year: float | None
    sequence_risk: float
    histogram_edges: list[float]
    histogram_counts: list[int]
    above_histogram: int
    median_spending: float
    money: Literal["of its month", "today's"]
    scenarios: int
    seed: int
    version: str


def answer(
    plan: PlanInput,
    *,
    threads: int = 2,
    shock: Shock | None = None,
    progress: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Answer:
    """Simulate, and put the outcome in words that JSON knows."""
    engine_plan = plan.to_plan(shock)
    # Each path is walked as it is drawn: one span holds both.
    with operation("generate_random_returns"):
        paths = run_paths(engine_plan, threads, progress, is_cancelled)
    with operation("calculate_statistics"):
        return _told(plan, outcome(engine_plan, paths))


def _told(plan: PlanInput, found: Outcome) -> Answer:
    p10, p25, p50, p75, p90 = (_money(estimate) for estimate in found.ending)
    return Answer(
        success_probability=_figure(found.success),
        ending=Ending(p10=p10, p25=p25, p50=p50, p75=p75, p90=p90, mean=_money(found.mean_ending)),
        monthly_bands=[
            Band(percentile=percentile, wealth=[round(float(w), 2) for w in column])
            for percentile, column in zip((10, 25, 50, 75, 90), found.bands.T, strict=True)
        ],
        ruin_by_year=[_figure(estimate) for estimate in found.ruin_by_year],
        median_ruin_year=found.median_ruin_year,
        sequence_risk=round(found.sequence_risk, 4),
        histogram_edges=[round(float(edge), 2) for edge in found.bar_edges],
        histogram_counts=[int(count) for count in found.bar_counts],
        above_histogram=found.above_bars,
        median_spending=round(found.median_spending, 6),
        money="today's" if plan.todays_money else "of its month",
        scenarios=found.scenarios,
        seed=plan.seed,
        version=__version__,
    )


def _figure(estimate: Estimate) -> Figure:
    return Figure(
        value=round(estimate.value, 6), low=round(estimate.low, 6), high=round(estimate.high, 6)
    )


def _money(estimate: Estimate) -> Figure:
    return Figure(
        value=round(estimate.value, 2), low=round(estimate.low, 2), high=round(estimate.high, 2)
    )
