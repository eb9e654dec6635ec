"""Quantities of the file that are more than a number: a range of replicas, a rate, a step."""

from dataclasses import dataclass

__all__ = ["CanaryStep", "Rate", "Replicas"]

PERIODS = {1.0: "s", 60.0: "min", 3600.0: "h", 86400.0: "d"}


@dataclass(frozen=True, slots=True)
class Replicas:
    """From `minimum` to `maximum` running copies, both at least 0 (0: off)."""

    minimum: int
    maximum: int

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return str(self.minimum)
        return f"{self.minimum}..{self.maximum}"


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` requests in `seconds`."""

    count: int
    seconds: float

    def __str__(self) -> str:
        """`60/min`, as the file and the variable `RATE_LIMIT` write it."""
        return f"{self.count}/{PERIODS.get(self.seconds, f'{self.seconds:g}s')}"


@dataclass(frozen=True, slots=True)
class CanaryStep:
    """This share of traffic for this long."""

    percent: float
    hold_seconds: float
