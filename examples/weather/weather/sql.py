"""The statements that PostgreSQL and SQLite both understand, and where they differ.

Parameters are written `:name`. SQLite takes them as they are; `pyformat` turns them into what
psycopg takes.
"""

import re
from functools import cache

__all__ = [
    "ADD_FILE",
    "ADD_STATION",
    "COVER_STATION",
    "COVER_YEAR",
    "FILE_IS_LOADED",
    "QUARANTINE",
    "YEAR_IN_POSTGRES",
    "YEAR_IN_SQLITE",
    "pyformat",
    "statistics",
]

YEAR_IN_POSTGRES = "cast(date_part('year', day) as integer)"
YEAR_IN_SQLITE = "cast(substr(day, 1, 4) as integer)"

# Naming a station that is there locks its row: two loads of one station follow one another.
ADD_STATION = """
insert into station (station_id, state) values (:station_id, :state)
on conflict (station_id) do update set state = excluded.state
returning id, row_count
"""

FILE_IS_LOADED = "select 1 from loaded_file where key = :key and etag = :etag"

ADD_FILE = """
insert into loaded_file (key, etag, job, loaded_at, rows_added, rows_known, lines_rejected)
values (:key, :etag, :job, :loaded_at, :rows_added, :rows_known, :lines_rejected)
"""

QUARANTINE = """
insert into quarantine (key, etag, line, reason, raw)
values (:key, :etag, :line, :reason, :raw)
"""

COVER_YEAR = """
insert into coverage (station, year, row_count) values (:station, :year, :added)
on conflict (station, year) do update set row_count = coverage.row_count + excluded.row_count
"""

COVER_STATION = """
update station set
    row_count = row_count + :added,
    flagged_count = (select count(*) from observation where station = :station and flagged),
    first_day = (select min(day) from observation where station = :station),
    last_day = (select max(day) from observation where station = :station)
where id = :station
"""


def statistics(year: str) -> str:
    """Write the one statement that computes every station and year anew.

    Sums are whole tenths and exact; each mean is one division of two exact numbers, so both
    databases store the double that is nearest to the true mean. Missing values are null and
    enter nothing; of a year without any value the sum and the mean are null too, while a year of
    zeros has the sum 0. Rows are written in order, so that two runs at once can't deadlock.
    """
    return f"""
insert into station_year (
    station, year, mean_tmax_celsius, mean_tmin_celsius, total_prcp_cm,
    tmax_count, tmin_count, prcp_count
)
select
    station,
    {year},
    cast(sum(tmax) as double precision) / (10 * count(tmax)),
    cast(sum(tmin) as double precision) / (10 * count(tmin)),
    cast(sum(prcp) as double precision) / 100,
    count(tmax),
    count(tmin),
    count(prcp)
from observation
where true
group by 1, 2
order by 1, 2
on conflict (station, year) do update set
    mean_tmax_celsius = excluded.mean_tmax_celsius,
    mean_tmin_celsius = excluded.mean_tmin_celsius,
    total_prcp_cm = excluded.total_prcp_cm,
    tmax_count = excluded.tmax_count,
    tmin_count = excluded.tmin_count,
    prcp_count = excluded.prcp_count
"""


@cache
def pyformat(statement: str) -> str:
    """Turn `:name` into `%(name)s`."""
    return re.sub(r":([a-z_][a-z_0-9]*)", r"%(\1)s", statement.replace("%", "%%"))
