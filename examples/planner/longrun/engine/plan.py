"""A retirement plan as the engine takes it: shares as fractions, money in today's dollars.

Pure data. Limits of what people may type are checked at the edge (`longrun.inputs`); what is
checked here is only what the engine's mathematics needs.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

__all__ = ["ASSETS", "Asset", "Flow", "Income", "Matrix", "Plan", "Returns", "Rule", "Shock"]

ASSETS = ("equity", "bond", "cash")
Matrix: TypeAlias = tuple[tuple[float, ...], ...]
UNCORRELATED: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Rule(StrEnum):
    """How much is withdrawn at each month's start.

    FIXED: a twelfth of the yearly spending, in today's money. PERCENT: a twelfth of the yearly
    rate (spending / portfolio) of what there is. GUARDRAIL: as FIXED, but at each anniversary
    spending is cut by `guardrail_step` where the rate has risen above the first one by more than
    `guardrail_band` of it, and raised where it has fallen below by as much.
    """

    FIXED = "fixed"
    PERCENT = "percent"
    GUARDRAIL = "guardrail"


class Returns(StrEnum):
    """Where returns come from.

    LOGNORMAL: monthly, from means, volatilities and correlations. HISTORICAL: years of history
    drawn in runs (stationary bootstrap), spread evenly over their months.
    """

    LOGNORMAL = "lognormal"
    HISTORICAL = "historical"


@dataclass(frozen=True, slots=True)
class Asset:
    """`weight` of the portfolio; `mean` yearly return; `volatility`: standard deviation of it."""

    weight: float
    mean: float
    volatility: float


@dataclass(frozen=True, slots=True)
class Income:
    """`annual` dollars of today, paid monthly from the start of `start_year` to `end_year`."""

    annual: float
    start_year: float = 0.0
    end_year: float = 1000.0


@dataclass(frozen=True, slots=True)
class Flow:
    """`amount` dollars of today at the start of `year`: received, or spent where negative."""

    amount: float
    year: float


@dataclass(frozen=True, slots=True)
class Shock:
    """Years at the beginning whose course is given: growth of the three assets, and of prices."""

    growth: tuple[tuple[float, float, float], ...]
    prices: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.growth) != len(self.prices):
            raise ValueError("a shock has as many years of growth as of prices")


@dataclass(frozen=True, slots=True)
class Plan:
    """One question to the engine. `seed` from 0 below 2**63; `years` of 12 months.

    Rebalanced to the weights each month. `spending` and incomes are a year, in today's money.
    Answers are in dollars of their month, or with `is_real` in today's. Taxes and fees are left
    out: take them off the returns, or add them to the spending.
    """

    portfolio: float
    spending: float
    years: int
    assets: tuple[Asset, Asset, Asset]
    correlation: Matrix = UNCORRELATED
    inflation: float = 0.025
    incomes: tuple[Income, ...] = ()
    flows: tuple[Flow, ...] = ()
    rule: Rule = Rule.FIXED
    guardrail_band: float = 0.2
    guardrail_step: float = 0.1
    returns: Returns = Returns.LOGNORMAL
    run_years: float = 5.0
    shock: Shock | None = None
    is_real: bool = False
    scenarios: int = 1000
    seed: int = 1

    @property
    def months(self) -> int:
        return self.years * 12
