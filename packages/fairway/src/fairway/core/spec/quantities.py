"""Quantities of the file that are more than a number: a range of replicas, a rate."""

from dataclasses import dataclass

__all__ = ["Rate", "Replicas"]


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
