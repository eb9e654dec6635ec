"""Plans to ask about, and mathematics that shares no code with the app."""

import math

from longrun.engine import Asset, Plan

BALANCED = (Asset(0.6, 0.07, 0.17), Asset(0.3, 0.035, 0.06), Asset(0.1, 0.025, 0.01))
CORRELATED = ((1.0, 0.1, 0.0), (0.1, 1.0, 0.2), (0.0, 0.2, 1.0))
SIGMAS = 5.0  # a true statement fails once in 1.7 million draws of a seed


def balanced(spending: float = 40_000, years: int = 30, scenarios: int = 10_000) -> Plan:
    return Plan(1_000_000, spending, years, BALANCED, correlation=CORRELATED, scenarios=scenarios)


def alone(mean: float, volatility: float) -> tuple[Asset, Asset, Asset]:
    """All money in one asset."""
    return (Asset(1.0, mean, volatility), Asset(0.0, 0.0, 0.0), Asset(0.0, 0.0, 0.0))


def gamma_cdf(x: float, shape: float, scale: float) -> float:
    """The regularised lower incomplete gamma function, by its series."""
    z = float(x) / scale
    if z > shape + 200:  # what is left is below e**-100
        return 1.0
    term = total = 1.0 / shape
    for n in range(1, 10_000):
        term *= z / (shape + n)
        total += term
        if term < total * 1e-16:
            break
    return total * math.exp(-z + shape * math.log(z) - math.lgamma(shape))


def normal_quantile(part: float) -> float:
    """By bisection of the error function."""
    low, high = -10.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if 0.5 * math.erfc(-middle / math.sqrt(2)) < part else (low, middle)
        )
    return low
