"""Runs a plan: blocks of paths over threads, and what they come to.

Memory is a block a thread and counts a month: it does not grow with scenarios x months, only by
24 bytes a scenario. A path depends on seed and number alone, and counts are whole numbers, so the
answer is the same for every number of threads, to the last bit.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from longrun.engine.bands import PERCENTILES, percentiles
from longrun.engine.intervals import (
    Estimate,
    average,
    design_effect,
    quantile,
    shares,
)
from longrun.engine.kernel import count_block, walk_block
from longrun.engine.market import Course, course
from longrun.engine.plan import Asset, Plan, Returns, Rule
from longrun.engine.scratch import Counts, Scratch, scratches

__all__ = ["Cancelled", "Outcome", "Paths", "outcome", "run_paths", "simulate", "warm_up"]

# Paths, whole pairs and fours; their months fit into a core's cache. An odd number of blocks of a
# small run lets the thread that is held up less take one more.
BLOCK = 200
RULES = {Rule.FIXED: 0, Rule.PERCENT: 1, Rule.GUARDRAIL: 2}
BARS = 40

Progress = Callable[[int, int], None]


class Cancelled(Exception):
    """Somebody asked to stop before the end."""


@dataclass(frozen=True, slots=True)
class Paths:
    """What is known of each path, n of them, and of each month.

    `ending` (n,) wealth at the end; `ruined_in` (n,) month of ruin or -1; `early` (n,) real
    growth factor over the first ten years or the whole plan; `scales` (n,) final spending as a
    part of the planned one, under guardrails; `bands` (months + 1, 5) wealth at `PERCENTILES`.
    With `is_paired` paths 2k and 2k + 1 are antithetic; the last of an odd number is alone.
    """

    ending: NDArray[np.float64]
    ruined_in: NDArray[np.int32]
    early: NDArray[np.float64]
    scales: NDArray[np.float64]
    bands: NDArray[np.float64]
    is_paired: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a plan. Money as the plan asks for it: `is_real` or of its month.

    `ending`: one estimate each of `PERCENTILES`. `bands` (months + 1, 5): the same at each
    month's start and at the end; exact at the two ends, between them within 3.1 %.
    `ruin_by_year`: the probability to be ruined by the end of each year. `median_ruin_year`: of
    those ruined, None where none is. `sequence_risk`: by how much a bad first decade lowers
    success: the share of successes in the best third of early returns less that in the worst third.
    `bars`: edges (41,) and counts (40,) of ending wealth up to its 95th percentile, and how many
    are above. `median_spending`: final spending of the median path, as a part of the planned one.
    """

    scenarios: int
    success: Estimate
    ending: tuple[Estimate, ...]
    mean_ending: Estimate
    bands: NDArray[np.float64]
    ruin_by_year: tuple[Estimate, ...]
    median_ruin_year: float | None
    sequence_risk: float
    bar_edges: NDArray[np.float64]
    bar_counts: NDArray[np.int64]
    above_bars: int
    median_spending: float


def simulate(
    plan: Plan,
    *,
    threads: int = 2,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Answer a plan. `progress(done, scenarios)` is called between blocks, from any thread.

    Raises `Cancelled` within one block of `is_cancelled` turning true, and ValueError for
    correlations that contradict each other.
    """
    return outcome(plan, run_paths(plan, threads, progress, is_cancelled))


def run_paths(
    plan: Plan,
    threads: int = 2,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Paths:
    """Walk every path of a plan."""
    count = plan.scenarios
    work = _Work(plan, course(plan), progress, is_cancelled)
    workers = max(1, min(threads, len(work.starts)))
    with scratches(workers) as (own, *rest):
        if not rest:
            counts = work.take_blocks(own)
        else:
            others = [_helpers().submit(work.take_blocks, scratch) for scratch in rest]
            try:
                counts = work.take_blocks(own)
            finally:  # one that other runs kept waiting has nothing left to do
                others = [other for other in others if not other.cancel()]
                wait(others)  # they write to what is given back
            for other in others:
                counts += other.result()
        if is_cancelled is not None and work.done < count:
            raise Cancelled
        bands = percentiles(counts, count)
    is_paired = plan.returns is Returns.LOGNORMAL
    return Paths(work.ending, work.ruined_in, work.early, work.scales, bands, is_paired)


@cache
def _helpers() -> ThreadPoolExecutor:
    """The threads of all runs: to start one costs a small run a twentieth of its time."""
    return ThreadPoolExecutor(thread_name_prefix="longrun")


class _Work:
    """One run's blocks, taken by whichever thread is free."""

    def __init__(
        self,
        plan: Plan,
        laid_out: Course,
        progress: Progress | None,
        is_cancelled: Callable[[], bool] | None,
    ) -> None:
        count = plan.scenarios
        self.ending = np.empty(count)
        self.ruined_in = np.empty(count, np.int32)
        self.early = np.empty(count)
        self.scales = np.empty(count)
        self.starts = range(0, count, BLOCK)
        self.done = 0
        self._plan, self._course = plan, laid_out
        self._means = np.ascontiguousarray(laid_out.means.T)
        self._deviations = np.ascontiguousarray(laid_out.deviations.T)
        self._progress, self._is_cancelled = progress, is_cancelled
        self._left = iter(self.starts)
        self._lock = threading.Lock()

    def take_blocks(self, scratch: Scratch) -> Counts:
        """Walk blocks until none is left, and count their wealth (months + 1, BINS)."""
        counts = scratch.counts(self._plan.months, self._plan.scenarios)
        buffer = scratch.block(self._plan.months, min(BLOCK, self._plan.scenarios))
        while (first := self._next()) is not None:
            block = buffer[:, : min(BLOCK, self._plan.scenarios - first)]
            self._walk(first, block)
            count_block(block.view(np.int32), counts)
            with self._lock:
                self.done += block.shape[1]
                done = self.done
            if self._progress is not None:
                self._progress(done, self._plan.scenarios)
        return counts

    def _next(self) -> int | None:
        if self._is_cancelled is not None and self._is_cancelled():
            return None
        with self._lock:
            return next(self._left, None)

    def _walk(self, first: int, block: NDArray[np.float32]) -> None:
        plan, laid_out = self._plan, self._course
        these = slice(first, first + block.shape[1])
        walk_block(
            np.uint64(plan.seed),
            first,
            laid_out.fixed_months,
            float(plan.run_years),
            float(plan.portfolio),
            plan.is_real,
            RULES[plan.rule],
            float(laid_out.rate),
            float(plan.guardrail_band),
            float(plan.guardrail_step),
            laid_out.weights,
            self._means,
            self._deviations,
            laid_out.mixing,
            laid_out.prices,
            laid_out.years_growth,
            laid_out.years_prices,
            laid_out.spending,
            laid_out.flows,
            block,
            self.ending[these],
            self.ruined_in[these],
            self.early[these],
            self.scales[these],
        )


def outcome(plan: Plan, paths: Paths) -> Outcome:
    """Sum paths up. Pure."""
    count = len(paths.ending)
    ordered = np.sort(paths.ending)
    is_ruined = paths.ruined_in >= 0
    ruin_by_year = _ruin_by_year(plan, paths)
    top = max(float(ordered[int(0.95 * (count - 1))]), 1.0)
    edges = np.arange(BARS + 1, dtype=np.float64) * (top / BARS)
    edges[-1] = top
    reached = np.searchsorted(ordered, edges)  # how many are below each edge
    reached[-1] = within = int(np.searchsorted(ordered, top, side="right"))
    endings = _endings(ordered, paths)
    bands = paths.bands.copy()
    bands[0] = plan.portfolio
    bands[-1] = [estimate.value for estimate in endings]
    return Outcome(
        scenarios=count,
        success=_otherwise(ruin_by_year[-1]),
        ending=endings,
        mean_ending=average(paths.ending, is_paired=paths.is_paired),
        bands=bands,
        ruin_by_year=ruin_by_year,
        median_ruin_year=_median_year(paths.ruined_in[is_ruined]),
        sequence_risk=_sequence_risk(paths.early, is_ruined),
        bar_edges=edges,
        bar_counts=np.diff(reached),
        above_bars=count - within,
        median_spending=_median(paths.scales) if plan.rule is Rule.GUARDRAIL else 1.0,
    )


def _ruin_by_year(plan: Plan, paths: Paths) -> tuple[Estimate, ...]:
    """The probability to be ruined by the end of each year."""
    count = len(paths.ruined_in)
    so_far = _by_year(paths.ruined_in, plan.years)
    if not paths.is_paired:
        return shares(so_far, count)
    one, other = paths.ruined_in[: count // 2 * 2].reshape(-1, 2).T
    both = _by_year(np.where((one < 0) | (other < 0), -1, np.maximum(one, other)), plan.years)
    return shares(so_far, count, design_effect(so_far, count, both))


def _by_year(months: NDArray[np.int32], years: int) -> NDArray[np.int64]:
    """How many of `months`, -1 for never, are before the end of each year."""
    return np.cumsum(np.bincount(months[months >= 0] // 12, minlength=years))


def _otherwise(one: Estimate) -> Estimate:
    return Estimate(1 - one.value, 1 - one.high, 1 - one.low)


def _endings(ordered: NDArray[np.float64], paths: Paths) -> tuple[Estimate, ...]:
    """Wealth at the end at `PERCENTILES`."""
    parts = [percentile / 100 for percentile in PERCENTILES]
    if not paths.is_paired:
        return tuple(quantile(ordered, part) for part in parts)
    count = len(ordered)
    pairs = paths.ending[: count // 2 * 2]
    within = [pairs <= ordered[int(part * (count - 1))] for part in parts]
    counts = np.array([np.count_nonzero(each) for each in within])
    both = np.array([np.count_nonzero(each[::2] & each[1::2]) for each in within])
    effects = design_effect(counts, count, both).tolist()
    return tuple(map(quantile, [ordered] * len(parts), parts, effects))


def _median_year(months: NDArray[np.int32]) -> float | None:
    return None if len(months) == 0 else round(_median(months) / 12, 1)


def _median(values: NDArray[np.float64] | NDArray[np.int32]) -> float:
    """The middle; numpy's own function takes four times as long for a thousand."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle] + ordered[~middle]) / 2


def _sequence_risk(early: NDArray[np.float64], is_ruined: NDArray[np.bool_]) -> float:
    third = len(early) // 3
    if third == 0:
        return 0.0
    order = np.argpartition(early, (third, len(early) - third - 1))
    worst = float(is_ruined[order[:third]].mean())
    best = float(is_ruined[order[len(early) - third :]].mean())
    return max(0.0, worst - best)


def warm_up() -> None:
    """Compile every kernel, so that no visitor waits for it."""
    assets = (Asset(0.6, 0.07, 0.17), Asset(0.3, 0.03, 0.06), Asset(0.1, 0.02, 0.01))
    for returns in Returns:
        simulate(Plan(1e6, 4e4, 1, assets, returns=returns, scenarios=10), threads=1)
    simulate(Plan(1e6, 4e4, 1, assets, scenarios=70_000), threads=1)  # more than 16 bits count
