"""Statistics: exactly what brute force finds, however often they are computed."""

from pathlib import Path
from typing import Any

from tests import oracle
from tests.conftest import Database, Run


def station_years(database: Database) -> dict[tuple[str, int], tuple[Any, ...]]:
    rows = database.rows(
        "select station_id, year, mean_tmax_celsius, mean_tmin_celsius, total_prcp_cm,"
        " tmax_count, tmin_count, prcp_count"
        " from station_year join station on station.id = station_year.station"
    )
    return {(row[0], row[1]): row[2:] for row in rows}


def test_every_station_and_year_is_exact(database: Database, files: Path, run: Run) -> None:
    run("weather.generate", "--stations", "6", "--from", "1999", "--to", "2004", "--dirty")
    run("weather.ingest")
    said = run("weather.statistics")
    truth = oracle.read(files).yearly()
    assert station_years(database) == truth
    assert said["station_years"] == len(truth)


def test_computing_again_changes_nothing_and_new_rows_change_their_year(
    database: Database, files: Path, run: Run
) -> None:
    path = files / "USC00110072.txt"
    path.write_bytes(b"20200101\t10\t-10\t3\n20210101\t7\t7\t7\n")
    run("weather.ingest")
    run("weather.statistics")
    before = station_years(database)
    run("weather.statistics")
    assert station_years(database) == before
    path.write_bytes(b"20200101\t10\t-10\t3\n20200102\t20\t-9999\t4\n20210101\t7\t7\t7\n")
    run("weather.ingest")
    run("weather.statistics")
    assert station_years(database) == {
        ("USC00110072", 2020): (1.5, -1.0, 0.07, 2, 1, 2),
        ("USC00110072", 2021): (0.7, 0.7, 0.07, 1, 1, 1),
    }


def test_a_year_without_values_has_none_and_a_dry_year_has_zero(
    database: Database, files: Path, run: Run
) -> None:
    (files / "USC00110072.txt").write_bytes(
        b"20190101\t-9999\t-9999\t-9999\n20200101\t0\t-9999\t0\n20200102\t0\t-9999\t-9999\n"
    )
    run("weather.ingest")
    run("weather.statistics")
    assert station_years(database) == {
        ("USC00110072", 2019): (None, None, None, 0, 0, 0),
        ("USC00110072", 2020): (0.0, None, 0.0, 2, 0, 1),
    }


def test_an_empty_database_has_no_years(run: Run) -> None:
    assert run("weather.statistics")["station_years"] == 0
