"""Saved scenarios and the history of simulations, in PostgreSQL or SQLite.

Every statement has a deadline: 5 s in PostgreSQL (R232), 2 s to connect. A database that is away
is `Unavailable`; the next call tries again.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from longrun.settings import Settings

__all__ = ["Saved", "Simulation", "Store", "Unavailable"]

HOME = Path(__file__).parent.parent
MOST = 200  # rows of one list
Result = TypeVar("Result")


class Unavailable(Exception):
    """The database did not answer. Its text is fit for a user."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A scenario by the address that it can be shared by."""

    id: str
    saved_at: str
    name: str
    client_id: str
    plan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Simulation:
    """One simulation that was run, newest first in lists."""

    id: str
    ran_at: str
    client_id: str
    plan: dict[str, Any]
    summary: dict[str, Any]
    flags: list[str]


class Store:
    """One process's connections. Opens none before it is asked something."""

    def __init__(self, settings: Settings) -> None:
        url = settings.database_url
        if settings.is_postgres:
            self._engine = create_engine(
                "postgresql+psycopg://" + url.partition("://")[2],
                pool_size=settings.pool_size,
                max_overflow=0,
                pool_timeout=5,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 2, "options": "-c statement_timeout=5000"},
            )
        else:
            self._engine = create_engine(url, connect_args={"timeout": 5})

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def save(self, name: str, client_id: str, plan: dict[str, Any], key: str = "") -> str:
        """Keep a scenario, in place of the one with this key; its id can't be guessed."""
        row = {
            "id": key or secrets.token_urlsafe(12),
            "at": _now(),
            "name": name,
            "client": client_id,
            "plan": json.dumps(plan),
        }
        statement = "insert into scenario (id, saved_at, name, client_id, plan)"

        def write(connection: Connection) -> None:
            connection.execute(text("delete from scenario where id = :id"), row)
            connection.execute(text(f"{statement} values (:id, :at, :name, :client, :plan)"), row)

        self._run(write)
        return row["id"]

    def scenario(self, key: str) -> Saved | None:
        """The scenario of an id."""
        found = self._rows(
            "select id, saved_at, name, client_id, plan from scenario where id = :id", {"id": key}
        )
        return _saved(found[0]) if found else None

    def scenarios(self, client_id: str) -> list[Saved]:
        """A client's scenarios, newest first."""
        found = self._rows(
            "select id, saved_at, name, client_id, plan from scenario where client_id = :client"
            f" order by saved_at desc, id limit {MOST}",
            {"client": client_id},
        )
        return [_saved(row) for row in found]

    def record(
        self, client_id: str, plan: dict[str, Any], summary: dict[str, Any], flags: Sequence[str]
    ) -> str:
        """Keep that a simulation ran, with what went in and what came out."""
        row = {
            "id": secrets.token_urlsafe(12),
            "at": _now(),
            "client": client_id,
            "plan": json.dumps(plan),
            "summary": json.dumps(summary),
            "flags": json.dumps(list(flags)),
        }
        statement = "insert into simulation (id, ran_at, client_id, plan, summary, flags)"
        values = "values (:id, :at, :client, :plan, :summary, :flags)"
        self._run(lambda c: c.execute(text(f"{statement} {values}"), row))
        return row["id"]

    def simulations(self, client_id: str) -> list[Simulation]:
        """A client's simulations, newest first."""
        found = self._rows(
            "select id, ran_at, client_id, plan, summary, flags from simulation"
            f" where client_id = :client order by ran_at desc, id limit {MOST}",
            {"client": client_id},
        )
        return [
            Simulation(
                row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4]), json.loads(row[5])
            )
            for row in found
        ]

    def _rows(self, statement: str, values: dict[str, str]) -> list[Any]:
        return self._run(lambda c: list(c.execute(text(statement), values)))

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except (DBAPIError, PoolTimeout) as error:
            raise Unavailable("the database does not answer; try again in a moment") from error


def make_sqlite_schema(settings: Settings) -> None:
    """Bring a SQLite file to the latest migration; PostgreSQL is migrated before a release."""
    if settings.is_postgres:
        return
    from alembic import command
    from alembic.config import Config

    config = Config(HOME / "alembic.ini")
    config.attributes["settings"] = settings
    command.upgrade(config, "head")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _saved(row: Any) -> Saved:
    return Saved(row[0], row[1], row[2], row[3], json.loads(row[4]))
