"""Simulated traffic for judging the canary analysis: errors and latencies of two sides.

Pure but for the chance that is handed in: the same seed gives the same requests on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import erf, log, sqrt
from random import Random

from fairway.core.release.analysis_sample import Sample

__all__ = ["BASE", "BOUNDS", "Side", "Times", "hits", "slowed", "tail_slowed"]

# Those of the local target's balancer, up to ten seconds.
BOUNDS = (
    *(0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 70.0, 100.0, 150.0),
    *(200.0, 300.0, 400.0, 500.0, 700.0, 1000.0, 1500.0, 2000.0, 2500.0, 3000.0, 4000.0, 5000.0),
    *(7000.0, 10000.0, float("inf")),
)
RANGE = range(len(BOUNDS))


@dataclass(frozen=True, slots=True)
class Times:
    """How long answers take: a mixture of log-normal parts, each `(weight, median_ms, sigma)`."""

    parts: tuple[tuple[float, float, float], ...]

    def within(self, ms: float) -> float:
        """The share that is answered within `ms`."""
        return sum(
            weight * normal(log(ms / middle) / sigma) for weight, middle, sigma in self.parts
        )

    @property
    def p95_ms(self) -> float:
        """By bisection."""
        low, high = 0.001, 1e7
        for _ in range(100):
            middle = sqrt(low * high)
            low, high = (middle, high) if self.within(middle) < 0.95 else (low, middle)
        return high

    def shares(self) -> tuple[float, ...]:
        """The cumulative share at each of `BOUNDS`."""
        return (*(self.within(bound) for bound in BOUNDS[:-1]), 1.0)


def normal(z: float) -> float:
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))


def slowed(times: Times, ratio: float) -> Times:
    """Every answer takes `ratio` times as long."""
    return Times(tuple((weight, middle * ratio, sigma) for weight, middle, sigma in times.parts))


def tail_slowed(times: Times, ratio: float, share: float = 0.1) -> Times:
    """So slow a `share` of the answers that p95 becomes `ratio` times as long; others stay."""
    kept = tuple((weight * (1 - share), middle, sigma) for weight, middle, sigma in times.parts)
    low, high = 1.0, 1e4
    for _ in range(60):
        factor = sqrt(low * high)
        slow = tuple((share * each[0], each[1] * factor, each[2]) for each in times.parts)
        is_short = Times((*kept, *slow)).p95_ms < times.p95_ms * ratio
        low, high = (factor, high) if is_short else (low, factor)
    slow = tuple((share * each[0], each[1] * high, each[2]) for each in times.parts)
    return Times((*kept, *slow))


BASE = Times(((1.0, 80.0, 0.6),))  # p95 is 215 ms


def hits(chance: Random, of: int, share: float) -> int:
    """How many of `of` are one, each with the chance `share`; fast where they are rare."""
    if share <= 0.0 or of <= 0:
        return 0
    if share > 0.1:
        return sum(chance.random() < share for _ in range(of))
    count, at, rare = 0, 0, log(1.0 - share)
    while True:
        at += int(log(1.0 - chance.random()) / rare) + 1
        if at > of:
            return count
        count += 1


class Side:
    """One side's counters, which only grow, as a balancer's do."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.forget()

    def forget(self) -> None:
        """A step begins."""
        self.requests = self.errors = 0
        self.buckets = [0] * len(BOUNDS)

    def answer(self, requests: int, error_rate: float, shares: Sequence[float]) -> None:
        """So many more requests, with a share of errors and times as `Times.shares`."""
        self.requests += requests
        self.errors += hits(self.chance, requests, error_rate)
        for at in self.chance.choices(RANGE, cum_weights=shares, k=requests):
            self.buckets[at] += 1

    def sample(self) -> Sample:
        """What it answered since the step began."""
        counts = accumulate(self.buckets)
        return Sample(self.requests, self.errors, tuple(zip(BOUNDS, counts, strict=True)))
