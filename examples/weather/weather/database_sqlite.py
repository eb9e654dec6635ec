"""SQLite as the API uses it: a connection per statement, in a thread."""

import asyncio
import sqlite3
from datetime import date

from weather.database import DEADLINE_SECONDS, NOT_MIGRATED, Unavailable
from weather.settings import Settings
from weather.sql import YEAR_IN_SQLITE
from weather.store import Params, Row

__all__ = ["SqliteDatabase"]


class SqliteDatabase:
    """Opening a file costs less than sharing a connection."""

    year_of_day = YEAR_IN_SQLITE

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def rows(
        self, statement: str, params: Params, seconds: float = DEADLINE_SECONDS
    ) -> list[Row]:
        return (await asyncio.to_thread(self._answer, statement, params, seconds))[1]

    async def run(self, statement: str, params: Params, seconds: float = DEADLINE_SECONDS) -> int:
        return (await asyncio.to_thread(self._answer, statement, params, seconds))[0]

    async def close(self) -> None:
        pass

    def _answer(self, statement: str, params: Params, seconds: float) -> tuple[int, list[Row]]:
        said = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in params.items()
        }
        try:
            connection = sqlite3.connect(
                self._settings.sqlite_path, timeout=seconds, isolation_level=None
            )
            try:
                cursor = connection.execute(statement, said)
                return cursor.rowcount, cursor.fetchall()
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                raise Unavailable(NOT_MIGRATED) from error
            raise Unavailable(f"SQLite: {error}") from error
