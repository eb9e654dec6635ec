"""The database away, hung or without tables: a quick 503, and a recovery by itself."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.conftest import POSTGRES, Database, free_port, made_database, serving, until


class Wire:
    """Carries bytes between the app and PostgreSQL, and can be cut or made to hang."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self.carries = threading.Event()
        self._pairs: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = free_port()
        self.url = url.replace(f":{self._target[1]}/", f":{self.port}/")

    def join(self) -> None:
        self.carries.set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener:
            # A thread that accepts keeps the socket open until it is woken.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs.clear()
        self.carries.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._pairs += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.carries.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def wired(kind: str, template: str, tmp_path: Path) -> Generator[tuple[Wire, httpx.Client]]:
    """A server whose every connection to the database goes through a wire."""
    if kind == "sqlite":
        pytest.skip("SQLite is not reached by wire")
    files = tmp_path / "incoming"
    files.mkdir()
    with made_database(kind, template, tmp_path) as database:
        wire = Wire(database.url)
        with serving(Database(wire.url), files, {"DB_POOL_SIZE": "3"}) as client:
            yield wire, client
        wire.cut()


def assert_is_away(client: httpx.Client, path: str = "/api/v1/weather") -> None:
    started = time.monotonic()
    answer = client.get(path)
    assert time.monotonic() - started < 5  # R232
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    if path != "/":
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["status"], problem["title"]) == (503, "Service unavailable")
        assert "secret" not in answer.text


def test_the_api_starts_without_its_database_and_answers_when_it_comes(
    wired: tuple[Wire, httpx.Client],
) -> None:
    wire, client = wired
    assert_is_away(client)
    assert_is_away(client, "/")
    wire.join()
    assert client.get("/api/v1/weather").status_code == 200
    assert client.get("/").status_code == 200


def test_a_database_that_falls_is_a_503_and_its_return_is_noticed_at_once(
    wired: tuple[Wire, httpx.Client],
) -> None:
    wire, client = wired
    wire.join()
    for _ in range(3):
        assert client.get("/api/v1/weather").status_code == 200
        wire.cut()
        for path in ("/api/v1/weather", "/api/v1/weather/stats", "/api/v1/stations"):
            assert_is_away(client, path)
        assert client.post("/api/v1/weather/ingestion").status_code == 503
        wire.join()
        assert client.get("/api/v1/weather").status_code == 200


def test_a_server_that_restarted_costs_no_request(wired: tuple[Wire, httpx.Client]) -> None:
    wire, client = wired
    wire.join()
    assert client.get("/api/v1/weather").status_code == 200
    wire.cut()
    wire.join()
    assert client.get("/api/v1/weather").status_code == 200


def test_a_database_that_hangs_is_a_503_for_everyone_and_then_works_again(
    wired: tuple[Wire, httpx.Client],
) -> None:
    wire, client = wired
    wire.join()
    assert client.get("/api/v1/weather").status_code == 200
    wire.carries.clear()
    slow: list[float] = []

    def ask() -> None:
        started = time.monotonic()
        assert client.get("/api/v1/stations").status_code == 503
        slow.append(time.monotonic() - started)

    askers = [threading.Thread(target=ask) for _ in range(10)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(slow) == 10
    assert max(slow) < 4
    wire.carries.set()
    until(lambda: client.get("/api/v1/weather").status_code == 200)


def test_without_tables_a_503_says_what_to_run(kind: str, tmp_path: Path) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite's tables are made at the start")
    with empty_database() as database:
        (tmp_path / "incoming").mkdir()
        with serving(database, tmp_path / "incoming") as client:
            answer = client.get("/api/v1/weather")
            assert answer.status_code == 503
            assert "alembic upgrade head" in answer.json()["detail"]


@contextmanager
def empty_database() -> Generator[Database]:
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute("create database weather_empty")
        try:
            yield Database(f"{POSTGRES.rpartition('/')[0]}/weather_empty")
        finally:
            admin.execute("drop database weather_empty with (force)")


def test_a_sqlite_file_gets_its_tables_by_itself(kind: str, tmp_path: Path) -> None:
    if kind != "sqlite":
        pytest.skip("PostgreSQL's tables are made by alembic")
    (tmp_path / "incoming").mkdir()
    with serving(Database(f"sqlite:///{tmp_path}/new.db"), tmp_path / "incoming") as client:
        assert client.get("/api/v1/weather").json()["total"] == 0
