"""The generator: the same bytes for the same seed, and the model that it says it draws from."""

import hashlib
from datetime import date
from itertools import pairwise
from statistics import correlation, fmean, pstdev

import pytest
from weather.climate import DIRTY_LINES, station_file, station_ids
from weather.lines import STATES

from tests import oracle

YEARS = 30


@pytest.fixture(scope="module")
def drawn() -> list[list[tuple[date, int | None, int | None, int | None]]]:
    """Thirty years of each of twelve stations."""
    stations: list[list[tuple[date, int | None, int | None, int | None]]] = []
    for station in station_ids(12, 5):
        lines = station_file(station, 5, 1961, 1960 + YEARS).splitlines()
        observed = [oracle.observation(line) for line in lines]
        stations.append([(date.fromisoformat(row[0]), *row[1:]) for row in observed if row])
        assert len(stations[-1]) == len(lines)
    return stations


def test_the_same_seed_draws_the_same_bytes_everywhere() -> None:
    content = station_file("USC00110072", 1, 1985, 2014)
    assert (
        hashlib.sha256(content).hexdigest()
        == "70f8af4600335356aa93f698579476cfbbe6453b7a9b666b2322aee86e436ba3"
    )
    assert station_file("USC00110072", 2, 1985, 2014) != content


def test_stations_are_spread_over_the_five_states() -> None:
    ids = station_ids(167, 1)
    assert ids == sorted(set(ids))
    counts = [sum(station[5:7] == code for station in ids) for code in STATES]
    assert sum(counts) == 167
    assert max(counts) - min(counts) <= 1
    assert set(STATES.values()) == {"IL", "IN", "IA", "NE", "OH"}


def test_temperatures_have_the_models_mean_season_range_and_memory(
    drawn: list[list[tuple[date, int | None, int | None, int | None]]],
) -> None:
    maxima: list[float] = []
    ranges: list[float] = []
    by_month: dict[int, list[float]] = {month: [] for month in range(1, 13)}
    for station in drawn:
        highs = [(day, tmax / 10) for day, tmax, _, _ in station if tmax is not None]
        maxima += [tmax for _, tmax in highs]
        for day, tmax in highs:
            by_month[day.month].append(tmax)
        ranges += [
            (tmax - tmin) / 10
            for _, tmax, tmin, _ in station
            if tmax is not None and tmin is not None
        ]
    assert fmean(maxima) == pytest.approx(16.3, abs=1.5)  # twelve stations' own offsets
    assert fmean(ranges) == pytest.approx(12.0, abs=0.1)
    assert fmean(by_month[7]) - fmean(by_month[1]) == pytest.approx(2 * 14.6, abs=1.5)
    july = [
        (now - fmean(by_month[7]), then - fmean(by_month[7]))
        for station in drawn[:1]
        for (day, now), (next_day, then) in pairwise(
            (day, tmax / 10) for day, tmax, _, _ in station if tmax is not None
        )
        if day.month == next_day.month == 7 and (next_day - day).days == 1
    ]
    assert correlation(*zip(*july, strict=True)) == pytest.approx(0.66, abs=0.08)
    assert pstdev(first for first, _ in july) == pytest.approx(5.9, abs=0.6)


def test_rain_has_the_models_chances_and_amounts(
    drawn: list[list[tuple[date, int | None, int | None, int | None]]],
) -> None:
    after: dict[bool, list[bool]] = {True: [], False: []}
    amounts: list[float] = []
    for station in drawn:
        amounts += [prcp / 10 for _, _, _, prcp in station if prcp]
        for (day, *_, before), (next_day, *_, prcp) in pairwise(station):
            if before is not None and prcp is not None and (next_day - day).days == 1:
                after[before > 0].append(prcp > 0)
    assert fmean(after[False]) == pytest.approx(0.23, abs=0.01)
    assert fmean(after[True]) == pytest.approx(0.435, abs=0.015)
    assert fmean(amounts) == pytest.approx(8.6, abs=0.3)


def test_two_percent_are_missing_and_some_years_have_no_lines(
    drawn: list[list[tuple[date, int | None, int | None, int | None]]],
) -> None:
    rows = [row for station in drawn for row in station]
    for element in (1, 2, 3):
        assert fmean(row[element] is None for row in rows) == pytest.approx(0.02, abs=0.003)
    years = sum(len({row[0].year for row in station}) for station in drawn)
    assert 0.85 < years / (12 * YEARS) < 0.99


def test_a_dirty_file_has_each_kind_of_wrong_line_and_one_turned_day() -> None:
    clean = station_file("USC00110072", 1, 2010, 2012)
    dirty = station_file("USC00110072", 1, 2010, 2012, dirty=True)
    wrong = [line for line in dirty.splitlines() if oracle.observation(line) is None]
    assert len(wrong) == len(DIRTY_LINES)
    assert len(dirty.splitlines()) == len(clean.splitlines()) + len(DIRTY_LINES)
    rows = [oracle.observation(line) for line in dirty.splitlines()]
    turned = [row for row in rows if row and None not in row and row[2] > row[1]]  # type: ignore[operator]
    assert len(turned) == 1
