"""Saved scenarios and the history of simulations, in PostgreSQL or SQLite: whose they are.

An adviser's questions find what is hers; compliance's find everything. A database that is away is
`Unavailable`; the next call tries again.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longrun.database import Database
from longrun.people import Person
from longrun.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Saved", "Simulation", "Store", "make_sqlite_schema", "now"]

HOME = Path(__file__).parent.parent
MOST = 200  # rows of one list
SCENARIO = "id, saved_at, name, client_id, plan, owner, shared"
SIMULATION = "id, ran_at, client_id, plan, summary, flags, owner"
# Whose rows a question finds: `:owner` is empty where it finds everybody's.
OWNED = "(:owner = '' or owner = :owner)"


@dataclass(frozen=True, slots=True)
class Saved:
    """A scenario by the address that it can be shared by."""

    id: str
    saved_at: str
    name: str
    client_id: str
    plan: dict[str, Any]
    owner: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Simulation:
    """One simulation that was run, newest first in lists."""

    id: str
    ran_at: str
    client_id: str
    plan: dict[str, Any]
    summary: dict[str, Any]
    flags: list[str]
    owner: str


class Store:
    """One process's scenarios and history. Simulations come in through the recorder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        name: str,
        client_id: str,
        plan: dict[str, Any],
        *,
        owner: Person,
        key: str = "",
        is_shared: bool = False,
    ) -> str:
        """Keep a scenario, in place of the one with this key; its id can't be guessed.

        A shared one opens for everybody who is signed in and has its id.
        """
        from sqlalchemy import text

        row = {
            "id": key or secrets.token_urlsafe(12),
            "at": now(),
            "name": name,
            "client": client_id,
            "plan": json.dumps(plan),
            "owner": owner.id,
            "shared": int(is_shared),
        }
        statement = "insert into scenario (id, saved_at, name, client_id, plan, owner, shared)"
        values = "values (:id, :at, :name, :client, :plan, :owner, :shared)"

        def write(connection: "Connection") -> None:
            connection.execute(text("delete from scenario where id = :id and owner = :owner"), row)
            connection.execute(text(f"{statement} {values}"), row)

        self._database.transact(write)
        return str(row["id"])

    def scenario(self, key: str, viewer: Person) -> Saved | None:
        """The scenario of an id, if `viewer` may see it."""
        found = self._database.rows(f"select {SCENARIO} from scenario where id = :id", id=key)
        saved = _saved(found[0]) if found else None
        if saved is None or not (saved.is_shared or viewer.may_see(saved.owner)):
            return None
        return saved

    def scenarios(self, client_id: str, viewer: Person) -> list[Saved]:
        """A client's scenarios that are the viewer's, newest first."""
        found = self._database.rows(
            f"select {SCENARIO} from scenario where client_id = :client and {OWNED}"
            f" order by saved_at desc, id limit {MOST}",
            client=client_id,
            owner=_owner(viewer),
        )
        return [_saved(row) for row in found]

    def simulations(self, client_id: str, viewer: Person) -> list[Simulation]:
        """A client's simulations that are the viewer's, newest first."""
        found = self._database.rows(
            f"select {SIMULATION} from simulation where client_id = :client and {OWNED}"
            f" order by ran_at desc, id limit {MOST}",
            client=client_id,
            owner=_owner(viewer),
        )
        return [
            Simulation(
                *(row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4])),
                *(json.loads(row[5]), row[6]),
            )
            for row in found
        ]


def make_sqlite_schema(settings: Settings) -> None:
    """Bring a SQLite file to the latest migration; PostgreSQL is migrated before a release."""
    if settings.is_postgres:
        return
    from alembic import command
    from alembic.config import Config

    config = Config(HOME / "alembic.ini")
    config.attributes["settings"] = settings
    command.upgrade(config, "head")


def now() -> str:
    """The time as rows have it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _owner(viewer: Person) -> str:
    return "" if viewer.sees_everything else viewer.id


def _saved(row: Any) -> Saved:
    return Saved(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5], bool(row[6]))
