"""The price tables: every row whole, known, dated, used, and the same keys in every region."""

import re
from datetime import date

import pytest

from fairway.core.cost.prices import REGIONS, parse
from tests.core.cost.price_tables import FOLDER, prices

UNITS = {
    "ACL-month", "ACU-hour", "GB", "GB-hour", "GB-month", "GB-second", "LCU-hour", "alarm-month",
    "build-minute", "dashboard-month", "hour", "instance-hour", "invocation", "key-month",
    "metric-month", "node-hour", "object-month", "request", "rule-month", "secret-month", "trace",
    "transition", "vCPU-hour",
}  # fmt: skip
CLASSES = ("rds.db.", "elasticache.cache.")
regions = pytest.mark.parametrize("region", sorted(REGIONS))


@regions
def test_no_row_stands_twice_and_rows_are_sorted(region: str) -> None:
    keys = [line.split(",")[0] for line in (FOLDER / f"{region}.csv").read_text().splitlines()[1:]]
    assert keys == sorted(set(keys))


@regions
def test_every_row_has_a_known_unit_a_price_a_date_and_an_address(region: str) -> None:
    for row in prices(region).rows.values():
        assert row.unit in UNITS, row
        assert row.per in {1, 1000, 1_000_000}, row
        assert 0 < row.usd < 1000, row
        assert row.sources in {1, 2}, row
        assert date(2025, 1, 1) <= date.fromisoformat(row.date) <= date(2026, 11, 30), row
        assert re.fullmatch(r"https://[\w./-]+", row.source), row


@regions
def test_every_region_has_the_same_rows_in_the_same_units(region: str) -> None:
    here, there = prices(region).rows, prices("us-east-1").rows
    assert {key: (row.per, row.unit) for key, row in here.items()} == {
        key: (row.per, row.unit) for key, row in there.items()
    }


@regions
def test_no_region_is_more_than_twice_as_dear_as_another_for_anything(region: str) -> None:
    """A slip of a digit or a unit shows here."""
    here, there = prices(region).rows, prices("us-east-1").rows
    for key, row in here.items():
        assert 0.5 <= row.usd / there[key].usd <= 2, key


def test_two_zones_have_their_own_rate_about_twice_that_of_one() -> None:
    for region in REGIONS:
        rows = prices(region).rows
        for key, row in rows.items():
            if key.endswith(".multi"):
                single = rows[key.replace(".multi", ".single")]
                assert 1.9 <= row.usd / single.usd <= 2.1, key


def test_valkey_costs_a_fifth_less_than_redis_and_graviton_a_fifth_less_than_x86() -> None:
    rows = prices().rows
    for key, row in rows.items():
        if key.endswith(".valkey"):
            redis = rows[key.replace(".valkey", ".redis")].usd
            assert row.usd / redis == pytest.approx(0.8, abs=0.01)
    for part in ("vcpu", "gb"):
        share = rows[f"fargate.arm.{part}"].usd / rows[f"fargate.x86.{part}"].usd
        assert share == pytest.approx(0.8, abs=0.01)


def test_every_row_is_used_by_the_estimate() -> None:
    source = "".join(
        file.read_text()
        for file in FOLDER.parent.glob("*.py")
        if file.name not in {"prices.py", "page.py"}
    )
    patterns = {"fargate.x86.vcpu", "fargate.x86.gb", "fargate.arm.gb", "lambda.x86", "lambda.arm"}
    for key in prices().rows:
        is_class = key.startswith(CLASSES)
        assert is_class or key in patterns or f'"{key}"' in source, f"nothing uses {key}"
    for key in prices().discounts:
        assert f'"{key}"' in source


def test_a_discount_is_a_band_with_a_date_and_an_address() -> None:
    for each in prices().discounts.values():
        assert 0 <= each.lowest < each.highest < 1
        date.fromisoformat(each.date)
        assert each.source.startswith("https://")


def test_a_table_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="the columns are"):
        parse("us-east-1", "key,usd\nx,1\n", "")


@regions
def test_there_is_a_file_for_every_region_and_none_for_another(region: str) -> None:
    files = {file.stem for file in FOLDER.glob("*.csv")} - {"discounts"}
    assert files == set(REGIONS)
    assert prices(region).oldest <= prices(region).newest
