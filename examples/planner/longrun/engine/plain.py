"""The same model in plain vectorised NumPy: a twin to check the engine against, and to time.

Fixed spending and log-normal returns only. It draws from NumPy's generator, so its paths are
others; it holds all scenarios at once, one month after the other, and every month's wealth.
"""

import numpy as np
from numpy.typing import NDArray

from longrun.engine.market import course
from longrun.engine.plan import Plan

__all__ = ["plain_wealth"]


def plain_wealth(plan: Plan) -> NDArray[np.float64]:
    """Wealth (months + 1, scenarios) at each month's start, before it pays, and at the end."""
    laid_out = course(plan)
    generator = np.random.default_rng(plan.seed)
    wealth = np.full(plan.scenarios, plan.portfolio)
    kept = np.empty((plan.months + 1, plan.scenarios))
    net = (laid_out.flows - laid_out.spending) * laid_out.prices[:-1]
    for t in range(plan.months):
        kept[t] = wealth
        deviates = generator.standard_normal((3, plan.scenarios))
        logs = laid_out.means[t][:, None] + laid_out.deviations[t][:, None] * (
            laid_out.mixing @ deviates
        )
        growth = laid_out.weights @ np.exp(logs)
        left = wealth + net[t]
        wealth = np.where((wealth > 0) & (left > 0), left * growth, 0.0)
    kept[plan.months] = wealth
    return kept
