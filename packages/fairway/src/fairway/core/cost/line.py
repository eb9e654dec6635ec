"""A priced line, a saving, and the estimate that holds them. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.prices import Price

__all__ = ["HOURS", "Estimate", "Line", "Saving"]

HOURS = 730.0
"""Hours of a month, as AWS and its calculator count: 365 days of 24, by 12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`quantity` of the price's unit a month, for one node or part of the app.

    `lowest` and `highest` are the quantities with every service at its fewest and at its most
    replicas. `share` is what is left of the list price (a discount's rest), 1 as a rule.
    """

    node: str
    what: str
    price: Price
    quantity: float
    lowest: float
    highest: float
    share: float = 1.0
    note: str = ""

    @property
    def usd(self) -> float:
        return self.quantity * self.price.each_usd * self.share

    @property
    def lowest_usd(self) -> float:
        return self.lowest * self.price.each_usd * self.share

    @property
    def highest_usd(self) -> float:
        return self.highest * self.price.each_usd * self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Something to do that would cost less: dollars a month, from `lowest_usd` to `highest_usd`.

    `is_taken`: the plan has it already, and the figure is what it saves.
    """

    node: str
    what: str
    lowest_usd: float
    highest_usd: float
    source: str
    is_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What an app costs a month: every line, what could be saved, what has no price here."""

    region: str
    lines: tuple[Line, ...]
    savings: tuple[Saving, ...]
    unpriced: tuple[str, ...]
    assumptions: Assumptions

    @property
    def usd(self) -> float:
        return total(self.lines)

    @property
    def lowest_usd(self) -> float:
        return sum(line.lowest_usd for line in self.lines)

    @property
    def highest_usd(self) -> float:
        return sum(line.highest_usd for line in self.lines)

    def of(self, node: str) -> tuple[Line, ...]:
        """The lines of one node."""
        return tuple(line for line in self.lines if line.node == node)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node with lines, in their order."""
        return tuple(dict.fromkeys(line.node for line in self.lines))


def total(lines: Sequence[Line]) -> float:
    """Dollars a month of some lines."""
    return sum(line.usd for line in lines)
