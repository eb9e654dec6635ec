"""The Monte Carlo engine: a plan in, an outcome with its uncertainty out. No web code.

`simulate(Plan) -> Outcome`. Money in dollars, shares and rates as fractions, time in months.
"""

from longrun.engine.intervals import Estimate
from longrun.engine.plan import Asset, Flow, Income, Plan, Returns, Rule, Shock
from longrun.engine.run import Cancelled, Outcome, simulate, warm_up

__all__ = [
    "Asset",
    "Cancelled",
    "Estimate",
    "Flow",
    "Income",
    "Outcome",
    "Plan",
    "Returns",
    "Rule",
    "Shock",
    "simulate",
    "warm_up",
]
