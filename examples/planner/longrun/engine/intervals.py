"""How far a figure of n scenarios may be from that of infinitely many.

Pure. All intervals are for 95 %: in nineteen of twenty runs they hold the true figure.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Z95", "Estimate", "quantile", "share"]

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the 95 % interval around it."""

    value: float
    low: float
    high: float


def share(count: int, of: int) -> Estimate:
    """A probability from `count` successes of `of`, with Wilson's interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927). It is good for 0 and for all, too.
    """
    part, square = count / of, Z95 * Z95
    middle = (part + square / (2 * of)) / (1 + square / of)
    half = Z95 * math.sqrt(part * (1 - part) / of + square / (4 * of * of)) / (1 + square / of)
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return Estimate(part, low, high)


def quantile(ordered: NDArray[np.float64], part: float) -> Estimate:
    """The `part` quantile of numbers in rising order, between the order statistics around it.

    The number of values below the true quantile is binomial(n, part); its normal approximation
    gives the places.
    """
    last = len(ordered) - 1
    half = Z95 * math.sqrt(len(ordered) * part * (1 - part))
    low = max(0, math.floor(len(ordered) * part - half))
    high = min(last, math.ceil(len(ordered) * part + half))
    place = part * last
    below = math.floor(place)
    above = min(last, below + 1)
    value = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
    return Estimate(float(value), float(ordered[low]), float(ordered[high]))
