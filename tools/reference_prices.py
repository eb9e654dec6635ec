"""docs/reference/prices.md: every price that `fairway plan` reckons with, and what it assumes.

Made from the tables of the package, so the page cannot say another figure than the plan.
"""

from pathlib import Path

from fairway.core.cost import prices as tables
from fairway.core.cost.assumptions import documented
from fairway.core.cost.prices import REGIONS, Price, Prices, parse

__all__ = ["page"]

FOLDER = Path(tables.__file__).parent / "aws"
INTRODUCTION = """\
# Prices

<!-- Made from core/cost/aws/*.csv by tools/reference_prices.py: `make docs` writes it anew. -->

AWS' list prices, on demand, in US dollars, without tax, credits or the free tier of new accounts.
`fairway plan ENVIRONMENT` reckons with these and with nothing else: it asks nobody, and a thing
that is not in this table is named as not priced. How the lines are made is in
[What it costs and why](../guides/cost.md).

*Seen* is the last day on which a source gave this figure. Where two sources that were read
independently agree, the day is marked with ²; the others have one. The source of each figure is in
the table's file, `packages/fairway/src/fairway/core/cost/aws/REGION.csv`, beside it. Prices change:
where money is at stake, look at the pages of AWS too.

| | a unit |"""
DISCOUNTS = """
## What a discount takes off

No list says these as one figure, so a plan says the band.

| | off the list price | seen | source |
|---|--:|---|---|
"""
ASSUMPTIONS = """
## What a plan assumes

`fairway plan ENVIRONMENT --assume NAME=NUMBER` sets another number. A GB has 10⁹ bytes.

| name | | |
|---|--:|---|
"""


def page() -> str:
    """The whole page."""
    found = {region: table(region) for region in sorted(REGIONS)}
    lines = [INTRODUCTION + "".join(f" {region} |" for region in found)]
    lines.append("|---|---|" + "--:|" * len(found))
    lines += [row(key, found) for key in found["us-east-1"].rows]
    discounts = found["us-east-1"].discounts
    text = "\n".join(lines) + "\n" + DISCOUNTS
    for each in discounts.values():
        band = f"{each.lowest:.0%} to {each.highest:.0%}" if each.lowest else ""
        band = band or f"up to {each.highest:.0%}"
        text += f"| {each.key} | {band} | {each.date} | {each.source} |\n"
    text += ASSUMPTIONS
    for name, default, unit, doc in documented():
        text += f"| `{name}` | {default:,.12g} | {unit} {doc} |\n"
    return text


def table(region: str) -> Prices:
    """One region's prices."""
    return parse(
        region,
        (FOLDER / f"{region}.csv").read_text(),
        (FOLDER / "discounts.csv").read_text(),
    )


def row(key: str, found: dict[str, Prices]) -> str:
    """A price in every region, each with the day on which it was seen."""
    first = found["us-east-1"][key]
    unit = first.unit if first.per == 1 else f"{first.per:,} {first.unit}s"
    cells = " | ".join(cell(prices[key]) for prices in found.values())
    return f"| {key} | {unit} | {cells} |"


def cell(price: Price) -> str:
    return (
        f"{price.usd:.10f}".rstrip("0").rstrip(".") + f" ({price.date}{'²' * (price.sources > 1)})"
    )
