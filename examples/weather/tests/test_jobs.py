"""Loads that the API starts: asked for at one replica, told of by any."""

import os
import signal
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from weather.store_postgres import LOAD_LOCK

from tests import oracle
from tests.conftest import Database, Run, serving, until


def finished(client: httpx.Client, location: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        said: dict[str, Any] = client.get(location).json()
        return None if said["status"] in {"queued", "running"} else said

    answer: dict[str, Any] = until(ended, seconds=40)
    return answer


def test_a_load_is_accepted_done_beside_and_told_by_another_replica(
    database: Database, files: Path, run: Run
) -> None:
    run("weather.generate", "--small", "--dirty")
    truth = oracle.read(files)
    with serving(database, files) as client, serving(database, files) as other:
        accepted = client.post("/api/v1/weather/ingestion")
        assert accepted.status_code == 202
        job = accepted.json()
        assert job["status"] in {"queued", "running"}
        location = accepted.headers["location"]
        assert location == f"/api/v1/weather/ingestion/{job['job']}"
        said = finished(other, location)
        assert (said["status"], said["error"]) == ("succeeded", None)
        assert (said["files_found"], said["files_loaded"]) == (5, 5)
        assert said["rows_added"] == len(truth.rows)
        assert said["lines_rejected"] == len(truth.rejected) == 40
        assert len(said["rejected"]) == 20
        assert {(row["file"], row["line"]) for row in said["rejected"]} <= truth.rejected
        assert database.observations() == truth.rows

        calculated = other.post("/api/v1/weather/statistics/calculate")
        assert calculated.status_code == 200
        assert calculated.json()["station_years"] == len(truth.yearly())
        assert client.get("/api/v1/weather/stats").json()["total"] == len(truth.yearly())

        again = finished(client, client.post("/api/v1/weather/ingestion").headers["location"])
        assert (again["files_unchanged"], again["rows_added"]) == (5, 0)


def test_a_load_that_waits_to_begin_is_joined_and_one_that_fell_silent_is_not(
    database: Database, files: Path
) -> None:
    waiting, silent = str(uuid.uuid4()), str(uuid.uuid4())
    insert = (
        "insert into job (id, status, created_at, heartbeat_at) values ('{}', 'queued', '{}', '{}')"
    )
    with serving(database, files) as client:
        future = "2999-01-01 00:00:00+00:00"
        database.rows(insert.format(waiting, future, future))
        assert client.post("/api/v1/weather/ingestion").json()["job"] == waiting
        database.rows("delete from job")
        past = "2020-01-01 00:00:00+00:00"
        database.rows(insert.format(silent, past, past))
        assert client.get(f"/api/v1/weather/ingestion/{silent}").json()["status"] == "interrupted"
        fresh = client.post("/api/v1/weather/ingestion")
        assert fresh.json()["job"] != silent
        assert finished(client, fresh.headers["location"])["status"] == "succeeded"


def process_of(job: str) -> int | None:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and job.encode() in (entry / "cmdline").read_bytes():
                return int(entry.name)
    return None


def test_a_load_waits_for_the_one_before_and_if_its_process_dies_that_is_told(
    database: Database, kind: str, files: Path
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has no lock to wait for")
    with serving(database, files) as client, psycopg.connect(database.url) as other:
        other.execute(f"select pg_advisory_lock({LOAD_LOCK})".encode())
        location = client.post("/api/v1/weather/ingestion").headers["location"]
        process = until(lambda: process_of(location.rpartition("/")[2]))
        assert client.get(location).json()["status"] == "queued"
        os.kill(process, signal.SIGKILL)
        said = finished(client, location)
        assert said["status"] == "failed"
        assert said["error"] == "the load's process ended with -9 and said nothing"


def test_an_unknown_job_is_not_found_and_a_wrong_id_is_refused(
    database: Database, files: Path
) -> None:
    with serving(database, files) as client:
        missing = client.get(f"/api/v1/weather/ingestion/{uuid.uuid4()}")
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/problem+json"
        assert client.get("/api/v1/weather/ingestion/last").status_code == 422


def test_an_empty_almanac_says_how_to_fill_it(database: Database, files: Path) -> None:
    with serving(database, files) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "python -m weather.generate" in page.text
        for path in ("/weather", "/weather/stats", "/stations"):
            got = client.get(f"/api/v1{path}").json()
            assert (got["total"], got["data"]) == (0, [])
