"""Every answer is in the audit log, once, whatever became of the database meanwhile."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from longrun.archive import archive
from longrun.database import Database, Unavailable
from longrun.recorder import NotRecorded, Recorder
from longrun.service import Service
from longrun.spool import Entry, Spool, SpoolFull
from longrun.trail import Trail

from tests.conftest import ADA, CLEO, Enter, settings_in

PLAN: dict[str, Any] = {
    "client_id": "c-1",
    "client_name": "Zoë Private",
    "notes": "private",
    "portfolio": 1_000_000,
    "annual_spending": 70_000,
    "scenarios": 100,
}
Result = TypeVar("Result")


def entry(number: int) -> Entry:
    return Entry(f"id-{number}", "2026-11-21T00:00:00", "ada", "test", "client/c-1", "req-1", {})


class Outage(Database):
    """A database that is away while `is_out`; it hangs while `hangs`."""

    is_out = False
    hangs = False

    def transact(self, work: Callable[[Any], Result]) -> Result:
        while self.hangs:
            time.sleep(0.01)
        if self.is_out:
            raise Unavailable("away")
        return super().transact(work)


class Bench:
    """A recorder over a database that can be taken away."""

    def __init__(self, folder: Path, most: int = 5000) -> None:
        settings = settings_in(folder)
        self.database = Outage(settings, "test", connections=2)
        self.trail = Trail(settings, self.database)
        self.spool = Spool(settings.spool, most=most)
        self.recorder = Recorder(self.database, self.trail, self.spool)

    def ids(self) -> list[str]:
        return [str(one.detail["record"]) for one in self.trail.log.records()]

    def wait(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.ids()) < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        self.recorder.close()
        self.database.close()


def test_an_error_of_the_driver_itself_is_an_absence_of_the_database(tmp_path: Path) -> None:
    def cut(_: object) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    database = Database(settings_in(tmp_path), "test", connections=1, is_patient=False)
    with pytest.raises(Unavailable):
        database.transact(cut)
    assert database.is_away
    database.close()


def test_a_simulation_is_recorded_with_inputs_outputs_and_flags_and_no_names(
    enter: Enter, service: Service
) -> None:
    answer = enter(ADA).post("/simulate", json=PLAN)
    (record,) = enter(CLEO).get("/audit", params={"client_id": "c-1"}).json()
    assert record["actor"] == ADA.id
    assert record["action"] == "simulate"
    detail = record["detail"]
    assert detail["record"] == answer.headers["x-record"]
    assert detail["inputs"]["annual_spending"] == 70_000
    assert detail["inputs"]["seed"] == 1
    assert "HIGH_WITHDRAWAL_RATE" in detail["flags"]
    lasted = answer.json()["success_probability"]["value"]
    assert detail["outputs"]["success_probability"] == lasted
    assert "rivate" not in json.dumps(record)
    assert service.trail.verify().is_intact


def test_all_that_is_done_leaves_a_record(enter: Enter) -> None:
    ada, cleo = enter(ADA), enter(CLEO)
    ada.post("/simulate", json=PLAN)
    ada.post("/analysis", json={"plan": PLAN})
    ada.post("/report", json=PLAN)
    ada.post("/stress", json=PLAN)
    ada.post("/scenarios", json={"name": "x", "plan": PLAN})
    ada.post("/login", json={"name": "ada", "password": "wrong"})
    cleo.get("/audit/verification")
    ada.post("/logout")
    told = [one["action"] for one in cleo.get("/audit").json()]
    assert told == [
        *("sign-out", "verify", "sign-in.refused", "scenario.save", "stress"),
        *("report", "analyse", "simulate"),
    ]


def test_a_changed_record_is_found_out(enter: Enter, service: Service) -> None:
    client = enter(ADA)
    for seed in range(3):
        client.post("/simulate", json={**PLAN, "seed": seed})
    cleo = enter(CLEO)
    before = cleo.get("/audit/verification").json()
    assert (before["is_intact"], before["records"]) == (True, 3)
    file = Path(service.settings.database_url.removeprefix("sqlite:///") + ".audit.jsonl")
    text = file.read_text()
    file.write_text(text.replace("70000.0", "40000.0", 1))
    after = cleo.get("/audit/verification").json()
    assert not after["is_intact"]
    assert "changed" in after["faults"][0]
    file.write_text(text)
    held = cleo.get("/audit/verification", params={"head": before["head"]}).json()
    assert held["is_intact"]
    lost = cleo.get("/audit/verification", params={"head": "2:" + "0" * 64}).json()
    assert not lost["is_intact"]


def test_records_of_an_outage_come_in_order_and_once_when_it_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.recorder.keep(entry(0))
    bench.database.is_out = True
    assert [bench.recorder.keep(entry(n)) for n in range(1, 6)] == [False] * 5
    assert bench.recorder.backlog == 5
    bench.database.is_out = False
    bench.wait(6)
    assert bench.recorder.keep(entry(6))
    assert bench.ids() == [f"id-{n}" for n in range(7)]
    assert bench.trail.verify().is_intact
    assert list(tmp_path.glob("spool/*")) == []
    bench.close()


def test_a_database_that_hangs_does_not_keep_a_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.database.hangs = True
    began = time.monotonic()
    assert not asyncio.run(bench.recorder.keep_async(entry(1)))
    assert time.monotonic() - began < 15  # while it hangs, and it hangs until it is told otherwise
    bench.database.hangs = False
    bench.wait(1)
    time.sleep(0.6)  # what was written twice is there once
    assert bench.ids() == ["id-1"]
    bench.close()


def test_beyond_its_bound_nothing_is_promised(tmp_path: Path) -> None:
    bench = Bench(tmp_path, most=3)
    bench.database.is_out = True
    for number in range(3):
        bench.recorder.keep(entry(number))
    with pytest.raises(NotRecorded, match="too many records wait"):
        bench.recorder.keep(entry(3))
    bench.database.is_out = False
    bench.wait(3)
    assert bench.ids() == ["id-0", "id-1", "id-2"]
    bench.close()


def test_what_can_not_be_recorded_is_not_answered(tmp_path: Path, enter: Enter) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    from tests.conftest import entered

    lost = Service(
        settings_in(tmp_path, database_url="sqlite:////nowhere/at/all.db", spool=blocked / "spool")
    )
    answer = entered(lost, ADA).post("/simulate", json=PLAN)
    assert answer.status_code == 503
    assert "can't be recorded" in answer.json()["detail"]
    lost.close()


def test_many_at_once_share_transactions_and_lose_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    threads = [threading.Thread(target=bench.recorder.keep, args=(entry(n),)) for n in range(100)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(bench.ids()) == sorted(f"id-{n}" for n in range(100))
    assert bench.trail.verify().is_intact
    bench.close()


def test_what_a_killed_process_kept_is_taken_over_by_the_next(tmp_path: Path) -> None:
    """One process writes to its spool and is killed; a line that it tore is none."""
    folder = tmp_path / "spool"
    script = (
        "import os, sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\nfrom longrun.spool import Entry, Spool\n"
        f"spool = Spool(Path({str(folder)!r}))\n"
        "spool.add([Entry(f'id-{n}', 'now', 'ada', 'test', 't', None, {}) for n in range(3)])\n"
        "print(spool._path, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    home = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9
    left = Path(done.stdout.strip())
    with left.open("a") as file:
        file.write('{"id": "torn')
    bench = Bench(tmp_path)
    bench.recorder.begin()
    bench.wait(3)
    assert bench.ids() == ["id-0", "id-1", "id-2"]
    assert not left.exists()
    bench.close()


def test_a_living_processs_spool_is_left_alone(tmp_path: Path) -> None:
    mine, other = Spool(tmp_path), Spool(tmp_path)
    mine.add([entry(1)])
    assert other.adopt() == 0
    mine.close()
    assert other.adopt() == 1
    assert other.oldest(5) == [entry(1)]


def test_a_spool_is_its_users_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", most=1)
    spool.add([entry(1)])
    (file,) = (tmp_path / "spool").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(SpoolFull):
        spool.add([entry(2)])


class Shelf:
    """An object store in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> object:
        self.objects[key] = data
        return None

    def get(self, key: str) -> bytes:
        return self.objects[key]


class BadShelf(Shelf):
    """One that gives back something else."""

    def get(self, key: str) -> bytes:
        return self.objects[key].replace(b'"ada"', b'"eve"', 1)


def test_months_are_archived_whole_and_verified_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for number in range(5):
        bench.recorder.keep(entry(number))
    shelf = Shelf()
    (month,) = archive(bench.trail.log, shelf)
    assert month.is_intact
    assert month.records == 5
    assert list(shelf.objects) == [month.key]
    assert b"".join(bench.trail.log.lines()) == shelf.objects[month.key]
    (again,) = archive(bench.trail.log, shelf)
    assert again == month
    (bad,) = archive(bench.trail.log, BadShelf())
    assert not bad.is_intact
    assert any("came back other" in fault for fault in bad.faults)
    bench.close()


def test_a_server_that_hangs_keeps_few_and_those_not_for_long(tmp_path: Path) -> None:
    database = Database(settings_in(tmp_path), "hung", connections=2)
    over = threading.Event()

    def hang(_: object) -> None:
        over.wait(60)

    late = [threading.Thread(target=_refused, args=(database, hang)) for _ in range(2)]
    database._seconds = 0.1  # pyright: ignore[reportPrivateUsage] (or it takes twenty seconds)
    for one in late:
        one.start()
    for one in late:
        one.join()
    began = time.monotonic()
    assert not database.is_there(30.0)
    assert time.monotonic() - began < 15  # not the thirty seconds that a question may take
    over.set()
    deadline = time.monotonic() + 5
    while not database.is_there(1.0):
        assert time.monotonic() < deadline
    database.close()


def _refused(database: Database, work: Callable[[object], None]) -> None:
    with pytest.raises(Unavailable):
        database.read(work)
