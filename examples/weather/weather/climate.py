"""Daily weather of one station, drawn from Richardson's model (WGEN).

Purpose: the same seed gives the same bytes, so that a test, a demonstration and a benchmark
can load files nobody had to download. Pure: a station and a seed in, lines out.

The model (C. W. Richardson, "Stochastic simulation of daily precipitation, temperature, and
solar radiation", Water Resources Research 17, 1981), with values of the American Midwest:

- maximum temperature: mean 16.3 °C, plus 14.6 °C x cos(2 pi (day - 199) / 365.25), plus a
  residual of standard deviation 5.9 °C whose correlation from day to day is 0.66, plus what
  this station is warmer or colder than the others (standard deviation 1.5 °C);
- minimum temperature: the maximum less a daily range of 12.0 °C (standard deviation 3);
- a wet day follows a dry day with probability 0.23, a wet day with 0.435; its rain is gamma
  distributed with shape 0.75 and mean 8.6 mm;
- 2 % of each element is missing (-9999), in runs of one to five days, and about one year in
  sixteen has no lines at all.
"""

import math
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache

from weather.lines import MISSING, STATES

__all__ = ["DIRTY_LINES", "station_file", "station_ids"]


MEAN_MAX = 16.3
AMPLITUDE = 14.6
PEAK_DAY = 199
CORRELATION = 0.66
RESIDUAL_SD = 5.9
STATION_SD = 1.5
MEAN_RANGE = 12.0
RANGE_SD = 3.0
SMALLEST_RANGE = 0.5
WET_AFTER_DRY = 0.23
WET_AFTER_WET = 0.435
RAIN_SHAPE = 0.75
RAIN_MEAN_MM = 8.6
MISSING_SHARE = 0.02
LONGEST_MISSING_RUN = 5
ABSENT_YEAR_SHARE = 1 / 16

# Lines that no loader may store; `{day}` is the date of the line before.
DIRTY_LINES = (
    "these words are no observation",
    "{day}\t211\t94",
    "{day}\t211\t94\t0\t7",
    "20030230\t211\t94\t0",
    "{day}\t611\t94\t0",
    "{day}\t211\t-901\t0",
    "{day}\t211\t94\t-5",
    "{day}\t21.1\t9.4\t0",
)


def station_ids(count: int, seed: int) -> list[str]:
    """Name `count` stations, spread evenly over the five states, sorted."""
    if not 1 <= count <= 5 * 9999:
        raise ValueError(f"{count} stations: 1 to {5 * 9999} can be named")
    chance = random.Random(f"stations:{seed}")
    codes = list(STATES)
    shares = [count // 5 + (place < count % 5) for place in range(5)]
    return sorted(
        f"USC00{code}{number:04d}"
        for code, share in zip(codes, shares, strict=True)
        for number in chance.sample(range(1, 10_000), share)
    )


def station_file(
    station_id: str, seed: int, first_year: int, last_year: int, *, dirty: bool = False
) -> bytes:
    """Write the whole file of one station: `YYYYMMDD, tmax, tmin, prcp`, tenths, tabs.

    A station's file depends on its own id, the seed and the years, not on the other stations.
    `dirty` adds one of each of `DIRTY_LINES` and turns one day's temperatures round.
    """
    lines = list(_lines(random.Random(f"{seed}:{station_id}"), first_year, last_year))
    if dirty and lines:
        _soil(lines, random.Random(f"dirty:{seed}:{station_id}"))
    return "".join(line + "\n" for line in lines).encode()


def _lines(chance: random.Random, first_year: int, last_year: int) -> Iterator[str]:
    temperatures = _temperatures(chance)
    rain = _rain(chance)
    missing = [_missing_days(chance) for _ in range(3)]
    (max_from, max_to), (min_from, min_to), (rain_from, rain_to) = (next(run) for run in missing)
    number = 0
    for year in range(first_year, last_year + 1):
        absent = chance.random() < ABSENT_YEAR_SHARE
        for ordinal, day in enumerate(_days(year)):
            number += 1
            maximum, minimum = temperatures(ordinal)
            fallen = rain()
            if number >= max_from:
                maximum = MISSING
                if number >= max_to:
                    max_from, max_to = next(missing[0])
            if number >= min_from:
                minimum = MISSING
                if number >= min_to:
                    min_from, min_to = next(missing[1])
            if number >= rain_from:
                fallen = MISSING
                if number >= rain_to:
                    rain_from, rain_to = next(missing[2])
            if not absent:
                yield f"{day}\t{maximum}\t{minimum}\t{fallen}"


@cache
def _days(year: int) -> tuple[str, ...]:
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    return tuple(f"{first + timedelta(days=day):%Y%m%d}" for day in range(length))


def _temperatures(chance: random.Random) -> Callable[[int], tuple[int, int]]:
    """Draw the next day's maximum and minimum, given the day of the year counted from 0."""
    gauss = chance.gauss
    offset = gauss(0, STATION_SD)
    season = [
        10 * (MEAN_MAX + offset + AMPLITUDE * math.cos(2 * math.pi * (day - PEAK_DAY) / 365.25))
        for day in range(1, 367)
    ]
    innovation_sd = 10 * RESIDUAL_SD * math.sqrt(1 - CORRELATION**2)
    residual = gauss(0, 10 * RESIDUAL_SD)

    def draw(ordinal: int) -> tuple[int, int]:
        nonlocal residual
        residual = CORRELATION * residual + gauss(0, innovation_sd)
        between = gauss(10 * MEAN_RANGE, 10 * RANGE_SD)
        between = max(between, 10 * SMALLEST_RANGE)
        maximum = season[ordinal] + residual
        return min(600, round(maximum)), max(-900, round(maximum - between))

    return draw


def _rain(chance: random.Random) -> Callable[[], int]:
    """Draw the next day's rain in tenths of a millimetre."""
    uniform, gamma = chance.random, chance.gammavariate
    scale = 10 * RAIN_MEAN_MM / RAIN_SHAPE
    wet = False

    def draw() -> int:
        nonlocal wet
        wet = uniform() < (WET_AFTER_WET if wet else WET_AFTER_DRY)
        return max(1, round(gamma(RAIN_SHAPE, scale))) if wet else 0

    return draw


def _missing_days(chance: random.Random) -> Iterator[tuple[int, int]]:
    """Draw the first and last day of each run of missing values, as days since the start."""
    mean_run = (1 + LONGEST_MISSING_RUN) / 2
    starts_a_day = MISSING_SHARE / (mean_run * (1 - MISSING_SHARE))
    last = 0
    while True:
        first = last + 2 + int(math.log(1 - chance.random()) / math.log(1 - starts_a_day))
        last = first + chance.randint(1, LONGEST_MISSING_RUN) - 1
        yield first, last


def _soil(lines: list[str], chance: random.Random) -> None:
    turned = next(place for place, line in enumerate(lines) if str(MISSING) not in line)
    day, maximum, minimum, rain = lines[turned].split("\t")
    lines[turned] = f"{day}\t{minimum}\t{maximum}\t{rain}"
    places = sorted(chance.randrange(len(lines)) for _ in DIRTY_LINES)
    for place, line in reversed(list(zip(places, DIRTY_LINES, strict=True))):
        lines.insert(place + 1, line.format(day=lines[place].split("\t")[0]))
