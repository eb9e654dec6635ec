"""What the API asks the database.

Purpose: pages of millions of rows, each in milliseconds. Pages come in the order of station and
date. `count(*)` and `offset` over everything would read everything, so the rows of whole years
are counted from `coverage`, only the ends of a period from the index; from the counts follows
which stations a page touches, and no other station is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from weather.database import Database
from weather.store import Params, Row

__all__ = [
    "MAX_STATIONS",
    "Period",
    "Place",
    "count_rows",
    "observations",
    "place_of",
    "station_years",
    "stations",
    "summary",
]

MAX_STATIONS = 1000


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both included; none is open."""

    start: date | None = None
    end: date | None = None

    def years(self) -> tuple[int, int]:
        """The first and the last whole year; none when the first is after the last."""
        first, last = 0, 9999
        if self.start:
            first = self.start.year + (self.start > date(self.start.year, 1, 1))
        if self.end:
            last = self.end.year - (self.end < date(self.end.year, 12, 31))
        return first, last

    def edges(self) -> list[tuple[date, date]]:
        """The days that are in the period but in none of its whole years, as at most two runs."""
        first, last = self.years()
        if first > last:
            assert self.start is not None, "an open period has whole years"
            assert self.end is not None, "an open period has whole years"
            return [(self.start, self.end)]
        edges: list[tuple[date, date]] = []
        if self.start and self.start < date(first, 1, 1):
            edges.append((self.start, date(first - 1, 12, 31)))
        if self.end and self.end > date(last, 12, 31):
            edges.append((date(last + 1, 1, 1), self.end))
        return edges


class StationRows(NamedTuple):
    """How many rows of a station are asked for."""

    station: int
    rows: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies: among the rows of these stations, after `skip` of them."""

    stations: tuple[int, ...]
    skip: int


async def count_rows(
    database: Database, station_id: str | None, period: Period
) -> list[StationRows]:
    """Count the rows of each station that has any, in the order of their ids."""
    params: dict[str, object] = {"station_id": station_id}
    counts: list[str] = []
    first, last = period.years()
    if (first, last) == (0, 9999):
        counts.append("row_count")
    elif first <= last:
        params |= {"first": first, "last": last}
        counts.append(
            "coalesce((select sum(row_count) from coverage where coverage.station = station.id"
            " and year between :first and :last), 0)"
        )
    for number, (start, end) in enumerate(period.edges()):
        params |= {f"start_{number}": start, f"end_{number}": end}
        counts.append(
            "(select count(*) from observation where observation.station = station.id"
            f" and day between :start_{number} and :end_{number})"
        )
    only = "" if station_id is None else " where station_id = :station_id"
    rows = await database.rows(
        f"select id, {' + '.join(counts)} from station{only} order by station_id", params
    )
    return [StationRows(int(row[0]), int(row[1])) for row in rows if row[1]]


def place_of(counts: Sequence[StationRows], offset: int, size: int) -> Place:
    """Find the stations whose rows are on the page that begins after `offset` rows."""
    touched: list[int] = []
    skip = before = 0
    for station, rows in counts:
        if before + rows > offset and before < offset + size:
            if not touched:
                skip = offset - before
            touched.append(station)
        before += rows
    return Place(tuple(touched), skip)


async def observations(database: Database, place: Place, period: Period, size: int) -> list[Row]:
    """Read a page: station_id, day, and tmax, tmin, prcp in tenths or none."""
    if not place.stations:
        return []
    params: dict[str, object] = {"size": size, "skip": place.skip}
    params |= {f"station_{number}": station for number, station in enumerate(place.stations)}
    touched = ", ".join(f":station_{number}" for number in range(len(place.stations)))
    where = f"station in ({touched})"
    if period.start:
        where += " and day >= :start"
        params["start"] = period.start
    if period.end:
        where += " and day <= :end"
        params["end"] = period.end
    return await database.rows(
        "select station_id, day, tmax, tmin, prcp"
        " from observation join station on station.id = observation.station"
        f" where {where} order by station_id, day limit :size offset :skip",
        params,
    )


async def station_years(
    database: Database,
    station_id: str | None,
    years: tuple[int | None, int | None],
    page: tuple[int, int],
) -> tuple[int, list[Row]]:
    """Count the statistics' rows, and read a page (offset, size) of them."""
    params: dict[str, object] = {
        "station_id": station_id,
        "first": years[0],
        "last": years[1],
    }
    wanted = [
        condition
        for condition, value in (
            ("station_id = :station_id", station_id),
            ("year >= :first", years[0]),
            ("year <= :last", years[1]),
        )
        if value is not None
    ]
    source = "from station_year join station on station.id = station_year.station"
    if wanted:
        source += " where " + " and ".join(wanted)
    return await _page(
        database,
        "station_id, year, mean_tmax_celsius, mean_tmin_celsius, total_prcp_cm,"
        " tmax_count, tmin_count, prcp_count",
        source,
        "station_id, year",
        params,
        page,
    )


async def stations(database: Database, page: tuple[int, int]) -> tuple[int, list[Row]]:
    """Count the stations, and read a page (offset, size) of them."""
    return await _page(
        database,
        "station_id, state, row_count, flagged_count, first_day, last_day",
        "from station",
        "station_id",
        {},
        page,
    )


async def summary(database: Database) -> Row:
    """Count stations, rows and flagged rows, and find the first and the last day."""
    rows = await database.rows(
        "select count(*), coalesce(sum(row_count), 0), coalesce(sum(flagged_count), 0),"
        " min(first_day), max(last_day) from station",
        {},
    )
    return rows[0]


async def _page(
    database: Database,
    columns: str,
    source: str,
    order: str,
    params: Params,
    page: tuple[int, int],
) -> tuple[int, list[Row]]:
    """Count and read in two statements; an offset behind the end is not sent."""
    offset, size = page
    total = int((await database.rows(f"select count(*) {source}", params))[0][0])
    if offset >= total:
        return total, []
    rows = await database.rows(
        f"select {columns} {source} order by {order} limit :size offset :offset",
        {**params, "size": size, "offset": offset},
    )
    return total, rows
