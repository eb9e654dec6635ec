"""Bad beginnings: what the plan comes to when its first years go a given way. Pure.

A template gives growth and prices of the first years; after them the plan's own assumptions hold.
Templates are stylised: they are chosen to be hard, and forecast nothing. The starts from history
replay the years of `longrun.engine.history`.
"""

from dataclasses import dataclass

from longrun.engine import Shock
from longrun.engine.history import history

__all__ = ["TEMPLATES", "Template"]

START_YEARS = 10


@dataclass(frozen=True, slots=True)
class Template:
    """A bad beginning, by a name that the API takes."""

    name: str
    title: str
    about: str
    shock: Shock


def _even(years: int, equity: float, bond: float, cash: float, inflation: float) -> Shock:
    """`years` of the same returns, in percent."""
    growth = (1 + equity / 100, 1 + bond / 100, 1 + cash / 100)
    return Shock((growth,) * years, (1 + inflation / 100,) * years)


def _then(first: Shock, second: Shock) -> Shock:
    return Shock(first.growth + second.growth, first.prices + second.prices)


def _since(year: int) -> Shock:
    growth, prices = history().since(year, START_YEARS)
    rows = tuple((float(a), float(b), float(c)) for a, b, c in growth)
    return Shock(rows, tuple(float(price) for price in prices))


TEMPLATES: tuple[Template, ...] = (
    Template(
        "stagflation",
        "Stagflation",
        "Five years: shares -3 %, bonds -2 %, cash 5 %, prices +9 % a year.",
        _even(5, -3, -2, 5, 9),
    ),
    Template(
        "severe_recession",
        "Severe recession",
        "Shares -30 %, then -10 %; bonds 8 %, then 6 %; prices flat.",
        _then(_even(1, -30, 8, 1, 0), _even(1, -10, 6, 1, 1)),
    ),
    Template(
        "crash",
        "Crash",
        "One year: shares -45 %, bonds 5 %, cash 2 %, prices flat.",
        _even(1, -45, 5, 2, 0),
    ),
    Template(
        "prolonged_inflation",
        "Prolonged inflation",
        "Ten years: prices +7 %, shares 5 %, bonds 2 %, cash 5 % a year.",
        _even(10, 5, 2, 5, 7),
    ),
    Template(
        "lost_decade",
        "Lost decade",
        "Ten years: shares 0 %, bonds 3 %, cash 1 %, prices +2.5 % a year.",
        _even(10, 0, 3, 1, 2.5),
    ),
    Template(
        "rising_rates",
        "Rising rates",
        "Three years: bonds -8 %, shares 2 %, cash 4 %, prices +4 % a year.",
        _even(3, 2, -8, 4, 4),
    ),
    Template(
        "deflation",
        "Deflation",
        "Five years: prices -2 %, shares -6 %, bonds 5 %, cash 0.5 % a year.",
        _even(5, -6, 5, 0.5, -2),
    ),
    Template("start_1929", "Start in 1929", "The years 1929 to 1938 again.", _since(1929)),
    Template("start_1970s", "Start in 1973", "The years 1973 to 1982 again.", _since(1973)),
    Template("start_2000", "Start in 2000", "The years 2000 to 2009 again.", _since(2000)),
    Template("start_2008", "Start in 2008", "The years 2008 to 2017 again.", _since(2008)),
)
