"""Loading: what the oracle says is stored, once, whatever happens meanwhile."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from weather.files import FileVersion, Folder, Unreadable
from weather.generate import generate
from weather.ingest import ingest
from weather.settings import Settings
from weather.store import open_store

from tests import oracle
from tests.conftest import Database, Run, environment, until


def rejected(database: Database) -> set[tuple[str, int]]:
    return {(row[0], row[1]) for row in database.rows("select key, line from quarantine")}


def assert_is_the_truth(database: Database, truth: oracle.Truth) -> None:
    assert database.observations() == truth.rows
    assert rejected(database) == truth.rejected
    flagged = database.rows(
        "select station_id, day from observation join station on station.id = observation.station"
        " where flagged"
    )
    assert {(row[0], str(row[1])) for row in flagged} == truth.flagged()
    counted = database.rows("select station_id, row_count, first_day, last_day from station")
    days_of: dict[str, list[str]] = defaultdict(list)
    for station, day in truth.rows:
        days_of[station].append(day)
    for station, count, first, last in counted:
        days = days_of[station]
        assert (count, str(first), str(last)) == (len(days), min(days), max(days))
    covered = database.rows("select sum(row_count) from coverage")
    assert covered == [(len(truth.rows),)]
    assert database.rows("select sum(flagged_count) from station") == [(len(truth.flagged()),)]


def test_every_line_is_stored_or_put_aside(database: Database, files: Path, run: Run) -> None:
    run("weather.generate", "--small", "--dirty")
    said = run("weather.ingest")
    assert_is_the_truth(database, oracle.read(files))
    assert said["rows_added"] == len(database.observations())
    assert said["lines_rejected"] == len(rejected(database)) == 5 * 8
    assert (said["status"], said["files_loaded"], said["files_unchanged"]) == ("succeeded", 5, 0)


def test_reasons_and_text_of_what_was_put_aside_are_kept(
    database: Database, files: Path, run: Run
) -> None:
    (files / "USC00110072.txt").write_bytes(b"20200101\t1\t2\t3\n20200102\t999\t2\t3\n")
    run("weather.ingest")
    assert database.rows("select line, reason, raw from quarantine") == [
        (2, "out of range: tmax is 99.9 °C, not -90 to 60", "20200102\t999\t2\t3")
    ]


def test_loading_again_adds_nothing(database: Database, files: Path, run: Run) -> None:
    run("weather.generate", "--small")
    run("weather.ingest")
    again = run("weather.ingest")
    assert (again["files_unchanged"], again["files_loaded"], again["rows_added"]) == (5, 0, 0)
    for path in files.iterdir():
        os.utime(path, ns=(1, 1))  # another version, of the same content
    touched = run("weather.ingest")
    assert (touched["files_loaded"], touched["rows_added"]) == (5, 0)
    assert touched["rows_known"] == len(database.observations())
    assert_is_the_truth(database, oracle.read(files))


def test_of_a_file_that_grew_only_the_new_lines_are_added(
    database: Database, files: Path, run: Run
) -> None:
    path = files / "USC00110072.txt"
    path.write_bytes(b"20200101\t10\t2\t3\n20200102\t10\t2\t3\n")
    run("weather.ingest")
    older = b"20191231\t10\t-9999\t0\n"
    path.write_bytes(older + path.read_bytes() + b"20200103\t5\t9\t0")
    said = run("weather.ingest")
    assert (said["rows_added"], said["rows_known"]) == (2, 2)
    assert_is_the_truth(database, oracle.read(files))


def test_a_missing_value_is_null_and_zero_is_zero(
    database: Database, files: Path, run: Run
) -> None:
    (files / "USC00110072.txt").write_bytes(b"20200101\t-9999\t0\t0\n20200102\t0\t-09999\t-9999\n")
    run("weather.ingest")
    assert database.observations() == {
        ("USC00110072", "2020-01-01"): (None, 0, 0),
        ("USC00110072", "2020-01-02"): (0, None, None),
    }


def test_padded_ended_and_repeated_lines_load_like_plain_ones(
    database: Database, files: Path, run: Run
) -> None:
    (files / "USC00110072.txt").write_bytes(
        b"20200101\t  -22\t -128\t   94\r\n\n20200102\t1\t2\t3\r\n20200102\t7\t7\t7\r\n"
    )
    run("weather.ingest")
    assert_is_the_truth(database, oracle.read(files))


def test_a_file_that_is_empty_or_named_for_no_station_is_noted_and_harms_nothing(
    database: Database, files: Path, run: Run
) -> None:
    (files / "USC00110072.txt").write_bytes(b"")
    (files / "readme.txt").write_bytes(b"20200101\t1\t2\t3\n")
    (files / "USC00250001.txt").write_bytes(b"20200101\t1\t2\t3\n")
    (files / ".hidden.part").write_bytes(b"20200101\t1\t2\t3\n")
    said = run("weather.ingest")
    assert (said["status"], said["files_loaded"], said["rows_added"]) == ("succeeded", 3, 1)
    assert database.rows("select key, line, reason from quarantine") == [
        ("readme.txt", 0, "malformed: the file's name is no station's id")
    ]
    assert run("weather.ingest")["files_unchanged"] == 3


def test_two_files_of_one_station_are_one_series(database: Database, files: Path, run: Run) -> None:
    (files / "USC00110072.2019.txt").write_bytes(b"20191231\t1\t0\t3\n20200101\t1\t0\t3\n")
    (files / "USC00110072.2020.txt").write_bytes(b"20200101\t1\t0\t3\n20200102\t1\t0\t3\n")
    said = run("weather.ingest")
    assert (said["rows_added"], said["rows_known"]) == (3, 1)
    assert database.rows("select station_id, state, row_count from station") == [
        ("USC00110072", "IL", 3)
    ]


def test_without_a_folder_there_is_nothing_to_load(run: Run, files: Path) -> None:
    shutil.rmtree(files)
    assert run("weather.ingest")["files_found"] == 0


def test_a_file_that_cannot_be_read_fails_the_load_but_not_the_others(
    database: Database, files: Path
) -> None:
    class Moth(Folder):
        """A folder in which one file has a hole after its first line."""

        def read(self, version: FileVersion) -> Iterator[bytes]:
            if version.key.startswith("USC0025"):
                yield b"20200101\t1\t2\t3\n"
                raise Unreadable(f"{version.key}: Input/output error")
            yield from super().read(version)

    for name in ("USC00110072", "USC00250001", "USC00330001"):
        (files / f"{name}.txt").write_bytes(b"20200101\t1\t0\t3\n")
    with open_store(Settings(database_url=database.url)) as store:
        outcome = ingest(store, Moth(files), "job-1", threading.Event())
        assert (outcome.status, outcome.exit_code, outcome.counts.rows_added) == ("failed", 1, 2)
        assert outcome.error == "USC00250001.txt: Input/output error"
        healed = ingest(store, Folder(files), "job-2", threading.Event())
    assert (healed.status, healed.counts.rows_added) == ("succeeded", 1)
    assert database.rows("select id, status, error from job order by id") == [
        ("job-1", "failed", "USC00250001.txt: Input/output error"),
        ("job-2", "succeeded", None),
    ]
    assert_is_the_truth(database, oracle.read(files))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, oracle.Truth]:
    """Enough files for a load to take a while, and what they say."""
    folder = tmp_path_factory.mktemp("drawn")
    generate(Folder(folder), 60, (2001, 2005), 3, dirty=True)
    return folder, oracle.read(folder)


@pytest.fixture
def many(files: Path, drawn: tuple[Path, oracle.Truth]) -> Path:
    shutil.copytree(drawn[0], files, dirs_exist_ok=True)
    return files


@pytest.fixture
def truth(drawn: tuple[Path, oracle.Truth]) -> oracle.Truth:
    return drawn[1]


def start(database: Database, files: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "weather.ingest"],
        cwd=files.parent,
        env=environment(database, {"WEATHER_FILES": str(files)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def loaded_files(database: Database) -> int:
    return int(database.rows("select count(*) from loaded_file")[0][0])


def assert_every_loaded_file_is_whole(database: Database, truth: oracle.Truth) -> None:
    loaded = {row[0] for row in database.rows("select key from loaded_file")}
    whole = {key: row for key, row in truth.rows.items() if f"{key[0]}.txt" in loaded}
    assert database.observations() == whole


def test_killed_in_the_middle_a_load_loses_nothing_and_the_next_one_finishes_it(
    database: Database, many: Path, truth: oracle.Truth, run: Run
) -> None:
    process = start(database, many)
    until(lambda: loaded_files(database) >= 3)
    process.kill()
    process.communicate()
    loaded = loaded_files(database)
    assert 3 <= loaded < 60, "it was killed too late to show anything"
    assert_every_loaded_file_is_whole(database, truth)
    resumed = run("weather.ingest")
    assert resumed["files_unchanged"] >= loaded
    assert resumed["files_unchanged"] + resumed["files_loaded"] == 60
    assert_is_the_truth(database, truth)


def test_asked_to_stop_a_load_says_so_and_the_next_one_finishes_it(
    database: Database, many: Path, truth: oracle.Truth, run: Run
) -> None:
    process = start(database, many)
    until(lambda: loaded_files(database) >= 3)
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert database.rows("select status from job") == [("interrupted",)]
    assert_every_loaded_file_is_whole(database, truth)
    run("weather.ingest")
    assert_is_the_truth(database, truth)


def test_two_loads_at_once_add_each_row_once(
    database: Database, many: Path, truth: oracle.Truth
) -> None:
    outputs: queue.SimpleQueue[str] = queue.SimpleQueue()
    processes = [start(database, many) for _ in range(2)]
    for process in processes:
        outputs.put(process.communicate()[0])
        assert process.returncode == 0
    assert_is_the_truth(database, truth)
    added = database.rows("select sum(rows_added), sum(files_loaded) from job")
    assert added == [(len(database.observations()), 60)]


def test_two_that_open_a_new_sqlite_file_at_once_both_get_it(
    kind: str, template: str, tmp_path: Path
) -> None:
    if kind != "sqlite":
        pytest.skip("PostgreSQL has no such mode")
    opened: list[int] = []

    def open_it(settings: Settings, gate: threading.Barrier) -> None:
        gate.wait()
        with open_store(settings) as store:
            opened.append(store.workers)

    for number in range(100):
        path = tmp_path / f"{number}.db"
        shutil.copy(template, path)
        asked = Settings(f"sqlite:///{path}"), threading.Barrier(2)
        both = [threading.Thread(target=open_it, args=asked) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert len(opened) == 200


def test_when_the_database_drops_the_load_it_fails_in_words_and_can_be_repeated(
    database: Database, kind: str, many: Path, truth: oracle.Truth, run: Run
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has no connections to drop")
    process = start(database, many)
    until(lambda: loaded_files(database) >= 3)
    database.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'weather' and datname = current_database()"
    )
    process.communicate()
    assert process.returncode == 1
    assert_every_loaded_file_is_whole(database, truth)
    run("weather.ingest")
    assert_is_the_truth(database, truth)


AWAY = {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}


def test_a_database_that_is_away_is_said_in_one_line(run: Run) -> None:
    said = run("weather.ingest", told=AWAY, check=False)
    assert said["exit_code"] == 1
    assert said["stderr"].startswith("the database: ")
    assert "secret" not in said["stderr"]
    assert "Traceback" not in said["stderr"]
