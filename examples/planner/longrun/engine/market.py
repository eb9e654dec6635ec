"""The plan's assumptions as the arrays that the kernel walks through.

Pure. An asset's yearly growth is log-normal with the mean and standard deviation that the plan
says: with m = 1 + mean, variance of the logarithm s2 = ln(1 + (volatility / m)**2) and its mean
ln m - s2 / 2. A month has a twelfth of both, so that twelve months multiply to the year exactly.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longrun.engine.history import history
from longrun.engine.plan import Matrix, Plan, Returns, Rule

__all__ = ["Course", "course", "factor", "monthly_logs"]

Numbers = NDArray[np.float64]
MIXING = 1e-9  # how far below 0 rounding may put an eigenvalue


@dataclass(frozen=True, slots=True)
class Course:
    """Everything of a plan that is the same in each scenario; m months, y years of history.

    `weights` (3,); `means` and `deviations` (m, 3) of monthly log returns; `mixing` (3, 3) turns
    independent deviates into correlated ones; `prices` (m + 1,): the price level, 1 at the
    start; `fixed_months`: how many of the first months hold no chance; `years_growth` (y,) and
    `years_prices` (y,): monthly factors of each historical year for this portfolio (y = 0:
    log-normal returns); `spending` (m,) and `flows` (m,) in today's money.
    """

    weights: Numbers
    means: Numbers
    deviations: Numbers
    mixing: Numbers
    prices: Numbers
    fixed_months: int
    years_growth: Numbers
    years_prices: Numbers
    spending: Numbers
    flows: Numbers
    rate: float


def course(plan: Plan) -> Course:
    """Lay the plan out month by month."""
    months = plan.months
    weights = np.array([asset.weight for asset in plan.assets])
    logs = np.array([monthly_logs(asset.mean, asset.volatility) for asset in plan.assets])
    means = np.tile(logs[:, 0], (months, 1))
    deviations = np.tile(logs[:, 1], (months, 1))
    steps = np.full(months, (1 + plan.inflation) ** (1 / 12))
    fixed = 0
    if plan.shock is not None:
        fixed = min(months, 12 * len(plan.shock.prices))
        growth = np.repeat(np.log(np.array(plan.shock.growth).reshape(-1, 3)) / 12, 12, axis=0)
        means[:fixed] = growth[:fixed]
        deviations[:fixed] = 0
        steps[:fixed] = np.repeat(np.array(plan.shock.prices) ** (1 / 12), 12)[:fixed]
    years_growth, years_prices = np.empty(0), np.empty(0)
    if plan.returns is Returns.HISTORICAL:
        known = history()
        years_growth = known.growth ** (1 / 12) @ weights
        years_prices = known.prices ** (1 / 12)
    return Course(
        weights=weights,
        means=means,
        deviations=deviations,
        mixing=_factor_of(plan.correlation),
        prices=np.concatenate(([1.0], np.cumprod(steps))),
        fixed_months=fixed,
        years_growth=years_growth,
        years_prices=years_prices,
        spending=np.full(months, 0.0 if plan.rule is Rule.PERCENT else plan.spending / 12),
        flows=_flows(plan),
        rate=plan.spending / plan.portfolio,
    )


def monthly_logs(mean: float, volatility: float) -> tuple[float, float]:
    """Mean and standard deviation of a month's log return."""
    middle = 1 + mean
    variance = np.log1p((volatility / middle) ** 2)
    return float((np.log(middle) - variance / 2) / 12), float(np.sqrt(variance / 12))


@lru_cache(maxsize=64)
def _factor_of(correlation: Matrix) -> Numbers:
    """`factor`, once for each matrix: it takes as long as fifty paths. It is read-only."""
    found = factor(np.array(correlation))
    found.flags.writeable = False
    return found


def factor(correlation: Numbers) -> Numbers:
    """A matrix L with L @ L.T == correlation. Raises ValueError where there is none."""
    if not np.allclose(correlation, correlation.T) or not np.allclose(np.diag(correlation), 1):
        raise ValueError("correlations must be symmetric, with 1 of each asset with itself")
    values, vectors = np.linalg.eigh(correlation)
    if values.min() < -MIXING:
        raise ValueError("these correlations contradict each other")
    if values.min() > MIXING:
        return np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), dtype=np.float64)


def _flows(plan: Plan) -> Numbers:
    """What comes in (or goes out, below 0) at each month's start, in today's money."""
    flows = np.zeros(plan.months)
    for income in plan.incomes:
        first, last = round(income.start_year * 12), round(income.end_year * 12)
        flows[max(0, first) : max(0, last)] += income.annual / 12
    for flow in plan.flows:
        month = round(flow.year * 12)
        if 0 <= month < plan.months:
            flows[month] += flow.amount
    return flows
