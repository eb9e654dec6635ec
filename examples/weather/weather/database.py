"""The database as the API uses it: short statements, each with a deadline.

Purpose: the protocol between the queries and the two databases. Each answers or says quickly that
it can't: `Unavailable` is raised within the deadline when the database is away, hangs, or has no
tables; the next call tries afresh, so the API recovers the moment the database does. Whatever is
sent through here may be repeated.
"""

from typing import Protocol

from weather.settings import Settings
from weather.store import Params, Row

__all__ = ["DEADLINE_SECONDS", "NOT_MIGRATED", "Database", "Unavailable", "connect"]

DEADLINE_SECONDS = 2.0
NOT_MIGRATED = "the database has no tables yet: run `alembic upgrade head`"


class Unavailable(Exception):
    """The database gave no answer; the message says why, in one line, without secrets."""


class Database(Protocol):
    """Runs one statement at a time, each a transaction of its own."""

    @property
    def year_of_day(self) -> str:
        """The expression for the year of the column `day`."""
        ...

    async def rows(
        self, statement: str, params: Params, seconds: float = DEADLINE_SECONDS
    ) -> list[Row]: ...
    async def run(
        self, statement: str, params: Params, seconds: float = DEADLINE_SECONDS
    ) -> int: ...
    async def close(self) -> None: ...


def connect(settings: Settings) -> Database:
    """Prepare the database that the settings name; nothing is opened before the first call."""
    if settings.is_postgres:
        from weather.database_postgres import PostgresDatabase

        return PostgresDatabase(settings)
    from weather.database_sqlite import SqliteDatabase

    return SqliteDatabase(settings)
