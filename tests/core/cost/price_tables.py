"""The price tables as the package ships them."""

from functools import cache
from pathlib import Path

import fairway.core.cost.prices as module
from fairway.core.cost.prices import Prices, parse

__all__ = ["FOLDER", "prices"]

FOLDER = Path(module.__file__).parent / "aws"


@cache
def prices(region: str = "us-east-1") -> Prices:
    """One region's table."""
    return parse(
        region,
        (FOLDER / f"{region}.csv").read_text(),
        (FOLDER / "discounts.csv").read_text(),
    )
