"""An API of a test's own, on a database of its own, with two advisers and a compliance officer."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from longrun.database import Database
from longrun.door import begin_session, with_sessions
from longrun.people import Person
from longrun.service import Service
from longrun.settings import Settings
from longrun.store import make_sqlite_schema
from longrun.web_parts import create_app
from sqlalchemy import text
from starlette.responses import JSONResponse

from fairway_runtime.asgi import Receive, Scope, Send

KEY = b"a key of tests, of 32 bytes or more"
ADA = Person("ada-id", "ada", "adviser", 1)
BEN = Person("ben-id", "ben", "adviser", 1)
CLEO = Person("cleo-id", "cleo", "compliance", 1)
Enter = Callable[[Person | None], TestClient]


def settings_in(folder: Path, **said: object) -> Settings:
    """A SQLite file with its tables, a spool, and keys."""
    found = Settings(
        **{  # pyright: ignore[reportArgumentType] (tests name fields)
            "database_url": f"sqlite:///{folder}/test.db",
            "session_keys": (KEY,),
            "audit_key": KEY,
            "spool": folder / "spool",
            "environment": "test",
            **said,
        }
    )
    if not str(found.database_url).startswith("sqlite:////nowhere"):
        make_sqlite_schema(found)
        add_people(found)
    return found


def add_people(settings: Settings) -> None:
    """The three, without passwords: checking one takes a tenth of a second."""
    database = Database(settings, "test", connections=1)
    statement = text(
        "insert into person (id, name, role, generation, is_development, password, made_at)"
        " values (:id, :name, :role, 1, 0, '-', '2026-11-01')"
    )
    rows = [{"id": one.id, "name": one.name, "role": one.role} for one in (ADA, BEN, CLEO)]
    database.transact(lambda connection: connection.execute(statement, rows))
    database.close()


def entered(service: Service, person: Person | None) -> TestClient:
    """A browser of this person, or of a stranger; its paths are below /api."""
    client = TestClient(
        create_app(service),
        base_url="http://testserver/api",
        raise_server_exceptions=False,
        follow_redirects=False,
    )
    if person is not None:
        client.cookies = cookies(service.settings, person)
    return client


def cookies(settings: Settings, person: Person) -> dict[str, str]:
    """What signing in leaves in a browser."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        begin_session(scope["session"], person)
        await JSONResponse({})(scope, receive, send)

    return dict(TestClient(with_sessions(enter, settings)).get("/").cookies)


@pytest.fixture
def service(tmp_path: Path) -> Generator[Service]:
    found = Service(settings_in(tmp_path))
    yield found
    found.close()


@pytest.fixture
def enter(service: Service) -> Generator[Enter]:
    """Makes a browser of somebody; several in one test work on one service."""
    opened: list[TestClient] = []

    def enter_as(person: Person | None) -> TestClient:
        client = entered(service, person)
        opened.append(client)
        return client.__enter__()

    yield enter_as
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(enter: Enter) -> TestClient:
    return enter(ADA)
