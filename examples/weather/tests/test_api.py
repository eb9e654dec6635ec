"""The API over a loaded database, asked as a client asks it and compared with the oracle."""

import random
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from weather.page import Stored, landing, unavailable

from tests import oracle
from tests.conftest import made_database, runner, serving


@dataclass(frozen=True)
class Served:
    client: httpx.Client
    truth: oracle.Truth

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def served(kind: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    folder = tmp_path_factory.mktemp("served")
    files = folder / "incoming"
    with made_database(kind, template, folder) as database:
        run = runner(database, files, folder)
        run("weather.generate", "--stations", "7", "--from", "2000", "--to", "2006", "--dirty")
        run("weather.ingest")
        run("weather.statistics")
        with serving(database, files) as client:
            yield Served(client, oracle.read(files))


def shown(truth: oracle.Truth, key: tuple[str, str]) -> dict[str, Any]:
    tenths = [None if value is None else value / 10 for value in truth.rows[key]]
    return {
        "station_id": key[0],
        "date": key[1],
        "max_temperature_celsius": tenths[0],
        "min_temperature_celsius": tenths[1],
        "precipitation_mm": tenths[2],
    }


def test_the_first_page_has_fifty_rows_in_the_order_of_station_and_date(served: Served) -> None:
    page = served.get("/weather")
    keys = sorted(served.truth.rows)
    assert page == {
        "total": len(keys),
        "page": 1,
        "size": 50,
        "data": [shown(served.truth, key) for key in keys[:50]],
    }


def test_every_row_is_on_exactly_one_page(served: Served) -> None:
    keys: list[tuple[str, str]] = []
    number = 1
    while data := served.get("/weather", page=number, size=1000)["data"]:
        keys += [(row["station_id"], row["date"]) for row in data]
        number += 1
    assert keys == sorted(served.truth.rows)


@pytest.mark.parametrize("seed", range(60))
def test_any_period_station_and_page_are_what_brute_force_finds(served: Served, seed: int) -> None:
    chance = random.Random(seed)
    stations = sorted({station for station, _ in served.truth.rows})
    days = sorted(
        (date(1999, 6, 1) + timedelta(days=chance.randrange(3100))).isoformat() for _ in range(2)
    )
    if chance.random() < 0.3:  # whole years, and the days beside them
        days = [f"{chance.choice([2001, 2003])}-01-01", f"{chance.choice([2003, 2005])}-12-31"]
    asked: dict[str, Any] = {
        "station_id": chance.choice([None, None, *stations, "USC00999999"]),
        "start_date": chance.choice([None, days[0], days[0]]),
        "end_date": chance.choice([None, days[1], days[1], days[0]]),
    }
    if asked["start_date"] and asked["end_date"] and asked["end_date"] < asked["start_date"]:
        asked["end_date"] = None
    found = served.truth.between(asked["station_id"], asked["start_date"], asked["end_date"])
    size = chance.choice([1, 7, 50, 1000])
    page = chance.choice([1, 1 + len(found) // size // 2, 1 + len(found) // size, 10**20])
    said = {name: value for name, value in asked.items() if value is not None}
    got = served.get("/weather", **said, page=page, size=size)
    assert got["total"] == len(found)
    expected = found[(page - 1) * size : page * size]
    assert got["data"] == [shown(served.truth, key) for key in expected]


def test_statistics_are_exact_and_in_the_order_of_station_and_year(served: Served) -> None:
    truth = served.truth.yearly()
    got = served.get("/weather/stats", size=1000)
    assert got["total"] == len(truth)
    names = (
        "mean_max_temperature_celsius",
        "mean_min_temperature_celsius",
        "total_precipitation_cm",
        "max_temperature_count",
        "min_temperature_count",
        "precipitation_count",
    )
    assert [(row["station_id"], row["year"]) for row in got["data"]] == sorted(truth)
    for row in got["data"]:
        assert tuple(row[name] for name in names) == truth[row["station_id"], row["year"]]


@pytest.mark.parametrize(
    ("asked", "years"),
    [
        ({"year": 2003}, {2003}),
        ({"start_year": 2004}, {2004, 2005, 2006}),
        ({"end_year": 2001}, {2000, 2001}),
        ({"start_year": 2002, "end_year": 2003}, {2002, 2003}),
        ({"year": 2003, "start_year": 2001}, {2003}),
        ({"year": 2000, "start_year": 2001}, set[int]()),
        ({"year": 1700}, set[int]()),
    ],
)
def test_statistics_can_be_asked_for_by_station_and_year(
    served: Served, asked: dict[str, int], years: set[int]
) -> None:
    station = max(station for station, _ in served.truth.rows)
    expected = sorted(key for key in served.truth.yearly() if key[1] in years)
    got = served.get("/weather/stats", **asked)
    assert [(row["station_id"], row["year"]) for row in got["data"]] == expected
    one = served.get("/weather/stats", station_id=station, **asked)
    assert one["total"] == len([key for key in expected if key[0] == station])


def test_stations_say_their_state_days_and_flags(served: Served) -> None:
    got = served.get("/stations")
    truth = served.truth
    states = {"11": "IL", "12": "IN", "13": "IA", "25": "NE", "33": "OH"}
    stations = sorted({station for station, _ in truth.rows})
    assert got["total"] == len(stations) == 7
    for row, station in zip(got["data"], stations, strict=True):
        days = [day for _, day in truth.between(station, None, None)]
        assert row == {
            "station_id": station,
            "state": states[station[5:7]],
            "rows": len(days),
            "flagged": len([key for key in truth.flagged() if key[0] == station]),
            "first_date": days[0],
            "last_date": days[-1],
        }
    assert served.get("/stations", page=3, size=3)["data"] == got["data"][6:]


NEXT_YEAR = datetime.now(UTC).year + 1


@pytest.mark.parametrize(
    ("path", "asked", "name"),
    [
        ("/weather", {"size": "1001"}, "size"),
        ("/weather", {"size": "0"}, "size"),
        ("/weather", {"size": "many"}, "size"),
        ("/weather", {"page": "0"}, "page"),
        ("/weather", {"page": "-1"}, "page"),
        ("/weather", {"start_date": "2000-01-02", "end_date": "2000-01-01"}, "end_date"),
        ("/weather", {"start_date": "2001-02-29"}, "start_date"),
        ("/weather", {"start_date": "20010228"}, "start_date"),
        ("/weather", {"start_date": "2001-02-28T00:00:00"}, "start_date"),
        ("/weather", {"end_date": "yesterday"}, "end_date"),
        ("/weather", {"end_date": ""}, "end_date"),
        ("/weather", {"start_date": "1699-12-31"}, "start_date"),
        ("/weather", {"end_date": f"{NEXT_YEAR}-01-01"}, "end_date"),
        ("/weather", {"station_id": "x' or 1=1 --"}, "station_id"),
        ("/weather", {"station_id": "\0"}, "station_id"),
        ("/weather/stats", {"year": "1699"}, "year"),
        ("/weather/stats", {"year": str(NEXT_YEAR)}, "year"),
        ("/weather/stats", {"year": "2000.5"}, "year"),
        ("/weather/stats", {"start_year": "2002", "end_year": "2001"}, "end_year"),
        ("/weather/stats", {"start_year": "0"}, "start_year"),
        ("/weather/stats", {"size": "1001"}, "size"),
        ("/stations", {"size": "1001"}, "size"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    served: Served, path: str, asked: dict[str, str], name: str
) -> None:
    answer = served.client.get(f"/api/v1{path}", params=asked)
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [["query", name]]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/weather", {"size": "1000", "start_date": "1700-01-01"}),
        ("/weather", {"start_date": "2000-02-29", "end_date": "2000-02-29"}),
        ("/weather", {"end_date": f"{NEXT_YEAR - 1}-12-31"}),
        ("/weather/stats", {"start_year": "1700", "end_year": str(NEXT_YEAR - 1)}),
        ("/weather/stats", {"start_year": "2001", "end_year": "2001"}),
        ("/weather", {"station_id": "NOSUCH"}),
    ],
)
def test_a_parameter_on_the_edge_of_its_range_is_taken(
    served: Served, path: str, asked: dict[str, str]
) -> None:
    served.get(path, **asked)


def test_the_documentation_names_every_path(served: Served) -> None:
    assert served.client.get("/docs").status_code == 200
    document = served.client.get("/openapi.json").json()
    assert {(path, verb) for path, verbs in document["paths"].items() for verb in verbs} == {
        ("/api/v1/weather", "get"),
        ("/api/v1/weather/stats", "get"),
        ("/api/v1/stations", "get"),
        ("/api/v1/weather/ingestion", "post"),
        ("/api/v1/weather/ingestion/{job}", "get"),
        ("/api/v1/weather/statistics/calculate", "post"),
    }


def test_the_page_shows_a_station_and_its_years(served: Served) -> None:
    stations = sorted({station for station, _ in served.truth.rows})
    first = served.client.get("/")
    assert first.headers["content-type"].startswith("text/html")
    assert f"{len(served.truth.rows):,}" in first.text
    assert f"<option selected>{stations[0]}</option>" in first.text
    third = served.client.get("/", params={"station": stations[2]}).text
    assert f"<option selected>{stations[2]}</option>" in third
    years = [year for station, year in served.truth.yearly() if station == stations[2]]
    assert third.count("cm of rain</title>") == third.count("mean maximum") - 1 == len(years)
    assert "http://" not in third.replace("http://127.0.0.1", "")
    assert "<script" not in third
    assert "refresh" not in third


def test_a_page_that_will_soon_say_more_looks_again_by_itself() -> None:
    nothing = Stored(0, 0, 0, None, None)
    for waiting in (landing(nothing, [], None, []), unavailable("refused")):
        assert '<meta http-equiv="refresh" content="5">' in waiting


def test_the_page_takes_no_markup_from_its_address(served: Served) -> None:
    assert served.client.get("/", params={"station": "<b>"}).status_code == 422


def test_the_page_is_styled_by_its_own_sheet_only(served: Served, kind: str) -> None:
    sheet = (Path(__file__).parent.parent / "weather" / "page.css").read_text()
    assert served.client.get("/page.css").text == sheet
    assert "prefers-color-scheme: dark" in sheet
    assert "url(" not in sheet
