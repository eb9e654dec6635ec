"""List prices: one region's rows, each with its unit, its date and where it was read.

Place in the flow: the CLI reads `aws/<region>.csv` beside this file and `aws/discounts.csv`;
`parse` makes `Prices` of their text, which `estimate.py` is given. Pure. On demand, US dollars,
without tax. A price that is not in the table is never guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["REGIONS", "Discount", "Price", "Prices", "parse"]

# Regions that have a table, and where on Earth they are.
REGIONS: Mapping[str, str] = {
    "ap-southeast-1": "Singapore",
    "eu-central-1": "Frankfurt",
    "eu-west-1": "Ireland",
    "us-east-1": "N. Virginia",
    "us-west-2": "Oregon",
}
PRICE_COLUMNS = "key,per,unit,usd,sources,date,source"
DISCOUNT_COLUMNS = "key,lowest,highest,date,source"


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` US dollars for `per` of `unit`.

    `date` (ISO) is the last day on which one of `sources` sources gave this figure; `source` is
    the address of one of them.
    """

    key: str
    per: int
    unit: str
    usd: float
    sources: int
    date: str
    source: str

    @property
    def each_usd(self) -> float:
        """Dollars for one unit."""
        return self.usd / self.per


@dataclass(frozen=True, slots=True)
class Discount:
    """The band of what a way to pay takes off a list price: shares from 0 to 1."""

    key: str
    lowest: float
    highest: float
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    """The table of one region; `discounts` are those of every region."""

    region: str
    rows: Mapping[str, Price]
    discounts: Mapping[str, Discount]

    def __getitem__(self, key: str) -> Price:
        return self.rows[key]

    def __contains__(self, key: str) -> bool:
        return key in self.rows

    @property
    def oldest(self) -> str:
        """The date of the row that was confirmed longest ago."""
        return min(row.date for row in self.rows.values())

    @property
    def newest(self) -> str:
        """The date of the row that was confirmed last."""
        return max(row.date for row in self.rows.values())


def parse(region: str, prices: str, discounts: str) -> Prices:
    """The tables from the text of their files; ValueError where a row is not as it should be."""
    rows = {
        key: Price(key, int(per), unit, float(usd), int(sources), date, source)
        for key, per, unit, usd, sources, date, source in cells(prices, PRICE_COLUMNS)
    }
    shares = {
        key: Discount(key, float(lowest), float(highest), date, source)
        for key, lowest, highest, date, source in cells(discounts, DISCOUNT_COLUMNS)
    }
    return Prices(region, rows, shares)


def cells(text: str, columns: str) -> Iterator[list[str]]:
    """The rows below the head; no cell has a comma or a quote in it."""
    head, *lines = text.splitlines()
    if head != columns:
        raise ValueError(f"the columns are {head!r}, not {columns!r}")
    return (line.split(",") for line in lines)
