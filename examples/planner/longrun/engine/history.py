"""What United States markets returned in each year from 1928 to 2024.

`history.csv`, in percent a year: the S&P 500 with dividends, 10-year Treasury bonds, 3-month
Treasury bills, and consumer prices from December to December. Source: A. Damodaran, "Historical
Returns on Stocks, Bonds and Bills", Stern School of Business, New York University, as of January
2026, rounded to a hundredth of a percent.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["History", "history"]

FILE = Path(__file__).with_name("history.csv")


@dataclass(frozen=True, slots=True)
class History:
    """Yearly growth factors: 1.07 is a year of 7 %. They are read-only.

    `growth` has shape (years, 3): equity, bonds, cash. `prices` has shape (years,).
    """

    first_year: int
    growth: NDArray[np.float64]
    prices: NDArray[np.float64]

    @property
    def last_year(self) -> int:
        return self.first_year + len(self.prices) - 1

    def since(self, year: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Growth and prices of up to `count` years from `year` on; fewer where history ends."""
        if not self.first_year <= year <= self.last_year:
            raise ValueError(f"{year}: history goes from {self.first_year} to {self.last_year}")
        place = slice(year - self.first_year, year - self.first_year + count)
        return self.growth[place], self.prices[place]


@cache
def history() -> History:
    """Read the table, once."""
    with FILE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    percent = np.array(
        [[float(row[name]) for name in ("equity", "bond", "cash", "inflation")] for row in rows]
    )
    factors = 1 + percent / 100
    factors.flags.writeable = False
    return History(int(rows[0]["year"]), factors[:, :3], factors[:, 3])
