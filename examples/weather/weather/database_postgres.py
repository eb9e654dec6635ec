"""PostgreSQL as the API uses it: psycopg's asynchronous connections, opened on demand.

A pool that heals itself in the background would make each caller wait out its time while the
database is away, and then wait for the next attempt. Here the caller is the attempt: it fails as
fast as the connection is refused, and succeeds as soon as there is one to be had.
"""

import asyncio
import re
from collections import deque

import psycopg

from weather.database import DEADLINE_SECONDS, NOT_MIGRATED, Unavailable
from weather.settings import Settings
from weather.sql import YEAR_IN_POSTGRES, pyformat
from weather.store import Params, Row

__all__ = ["PostgresDatabase"]

Connection = psycopg.AsyncConnection[Row]
Answer = tuple[int, list[Row]]


class PostgresDatabase:
    """At most DB_POOL_SIZE connections; the one that was used last is used first."""

    year_of_day = YEAR_IN_POSTGRES

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._idle: deque[Connection] = deque()
        self._free = asyncio.Semaphore(settings.pool_size)
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def rows(
        self, statement: str, params: Params, seconds: float = DEADLINE_SECONDS
    ) -> list[Row]:
        return (await self._within(seconds, statement, params))[1]

    async def run(self, statement: str, params: Params, seconds: float = DEADLINE_SECONDS) -> int:
        return (await self._within(seconds, statement, params))[0]

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _within(self, seconds: float, statement: str, params: Params) -> Answer:
        """Answer in time. What is late is cancelled, but its cancelling isn't waited for."""
        task = asyncio.ensure_future(self._answer(statement, params))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            raise Unavailable(f"the database gave no answer within {seconds:g} s")
        try:
            return task.result()
        except psycopg.errors.UndefinedTable as error:
            raise Unavailable(NOT_MIGRATED) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable(_reason(error)) from error

    def _forget(self, task: asyncio.Task[Answer]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of a task that was late nobody else asks

    async def _answer(self, statement: str, params: Params) -> Answer:
        async with self._free:
            if self._idle:
                connection = self._idle.pop()
                try:
                    return await self._use(connection, statement, params)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    if not connection.closed:
                        raise
                    # The server closed it while it lay here; so it did with the others.
                    await self.close()
            return await self._use(await self._open(), statement, params)

    async def _use(self, connection: Connection, statement: str, params: Params) -> Answer:
        """Run the statement, and keep the connection only if it is still good for another."""
        try:
            cursor = await connection.execute(pyformat(statement).encode(), params)
            rows = await cursor.fetchall() if cursor.description else []
        except psycopg.errors.ReadOnlySqlTransaction as error:
            # A standby: after a failover the name leads to another server.
            await connection.close()
            raise psycopg.OperationalError(str(error)) from error
        except psycopg.Error:
            if not connection.broken and not connection.closed:
                self._idle.append(connection)
            raise
        except BaseException:
            await connection.close()
            raise
        self._idle.append(connection)
        return cursor.rowcount, rows

    async def _open(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=2, application_name="weather"
        )


def _reason(error: Exception) -> str:
    """The first line of what libpq says, without the address that it repeats."""
    text = str(error).strip().partition("\n")[0]
    return "the database: " + re.sub(r"^connection failed: .*?failed: ", "", text)
