"""Databases to test on, and the app's commands and server as a user starts them."""

import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import psycopg
import pytest

HOME = Path(__file__).parent.parent
POSTGRES = os.environ.get("WEATHER_TEST_DATABASE_URL", "")


Variables = Mapping[str, str]
NOTHING: Variables = {}


def pytest_report_header() -> str:
    if POSTGRES:
        return "databases: SQLite, PostgreSQL"
    return "databases: SQLite; not PostgreSQL, for WEATHER_TEST_DATABASE_URL names none"


class Run(Protocol):
    """Runs one of the app's modules to its end, and reads what it prints."""

    def __call__(
        self, *command: str, told: Variables = NOTHING, check: bool = True
    ) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Database:
    """A migrated database of a test's own."""

    url: str

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        if self.url.startswith("sqlite:///"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                connection.isolation_level = None
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def observations(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        rows = self.rows(
            "select station_id, day, tmax, tmin, prcp from observation"
            " join station on station.id = observation.station"
        )
        return {(row[0], str(row[1])): row[2:] for row in rows}


def environment(database: Database, told: Variables = NOTHING) -> dict[str, str]:
    """What the app is told, and nothing that this machine would tell it besides."""
    kept = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")
    plain = {name: os.environ[name] for name in kept if name in os.environ}
    return {**plain, "PYTHONPATH": str(HOME), "DATABASE_URL": database.url, **told}


def migrate(url: str) -> None:
    alembic = Path(sys.executable).with_name("alembic")
    subprocess.run(
        [alembic, "upgrade", "head"], cwd=HOME, env=environment(Database(url)), check=True
    )


@contextmanager
def made_database(kind: str, template: str, folder: Path) -> Generator[Database]:
    """Copy the template, and drop the copy afterwards."""
    if kind == "sqlite":
        path = folder / f"{uuid.uuid4().hex}.db"
        shutil.copy(template, path)
        yield Database(f"sqlite:///{path}")
        return
    name = f"weather_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}".encode())
        try:
            yield Database(f"{POSTGRES.rpartition('/')[0]}/{name}")
        finally:
            admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session", params=["sqlite", "postgres"] if POSTGRES else ["sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def template(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A database that was migrated as a user does it, to be copied by each test."""
    if kind == "sqlite":
        path = tmp_path_factory.mktemp("template") / "template.db"
        migrate(f"sqlite:///{path}")
        yield str(path)
        return
    name = f"weather_template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f"create database {name}".encode())
        try:
            migrate(f"{POSTGRES.rpartition('/')[0]}/{name}")
            yield name
        finally:
            admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def database(kind: str, template: str, tmp_path: Path) -> Generator[Database]:
    with made_database(kind, template, tmp_path) as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def run(database: Database, files: Path, tmp_path: Path) -> Run:
    return runner(database, files, tmp_path)


def runner(database: Database, files: Path, folder: Path) -> Run:
    """Run one of the app's modules to its end, and read what it prints."""

    def run(*command: str, told: Variables = NOTHING, check: bool = True) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(database, {"WEATHER_FILES": str(files), **told}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check:
            assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        return said | {"exit_code": done.returncode, "stderr": done.stderr}

    return run


def free_port() -> int:
    """A port that nobody has, below those that outgoing connections are given."""
    while True:
        port = random.randrange(10_240, 32_768)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Ask until the answer is true, and give it back."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return answer


@contextmanager
def serving(database: Database, files: Path, told: Variables = NOTHING) -> Generator[httpx.Client]:
    """Start the server as `uvicorn weather.api:app`, and stop it with SIGTERM."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "weather.api:app",
            "--port",
            str(port),
            "--no-access-log",
        ],
        cwd=files.parent,
        env=environment(database, {"WEATHER_FILES": str(files), **told}),
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until(lambda: _answers(client))
            yield client
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/page.css").status_code == 200
    except httpx.TransportError:
        return False
