"""PostgreSQL through psycopg 3, as an app in production needs it: pooled, bounded, tried again.

    database = AsyncDatabase.from_environment()
    async with database:
        rows = await database.fetch("SELECT * FROM plans WHERE owner = %s", ("ada",))

Needs `fairway-runtime[postgres]`, imported when a database is opened. `fetch` goes to the read
replica where there is one. `database_threads` has the same without async.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fairway_runtime.database_parts import LIMITS, Parameters, Parts, Row
from fairway_runtime.database_policy import Kind, Policy, Work, kind_of
from fairway_runtime.database_settings import DatabaseSettings, Pool

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from fairway_runtime.database_parts import Query

__all__ = ["AsyncDatabase"]

Result = TypeVar("Result")


class AsyncDatabase:
    """For async apps; open it in the app's lifespan (`async with`)."""

    def __init__(
        self, settings: DatabaseSettings, *, name: str = "main", policy: Policy | None = None
    ) -> None:
        self._parts = Parts(settings, name, policy, self._stats)
        self._primary: AsyncConnectionPool[AsyncConnection[Any]] | None = None
        self._replica: AsyncConnectionPool[AsyncConnection[Any]] | None = None
        self.pool: Pool | None = None  # once it is open

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ, *, name: str = "main") -> Self:
        """As `DatabaseSettings.from_environment` reads it."""
        return cls(DatabaseSettings.from_environment(env), name=name)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> Pool:
        """Ask the server for its limits, and open the pools; never waits for a server that is away.

        Connections are made in the background: readiness says when they work.
        """
        from psycopg import AsyncConnection, OperationalError

        try:
            one = await AsyncConnection.connect(
                self._parts.settings.url, **self._parts.options(is_reading=False)
            )
            async with one:
                row = await (await one.execute(LIMITS)).fetchone()
            self.pool = self._parts.plan(row or (self._parts.settings.pool_size,))
        except OperationalError as error:
            self.pool = self._parts.unasked(error)
        self._primary = await self._open(self._parts.settings.url, self.pool.size, is_reading=False)
        if self._parts.settings.read_url:
            self._replica = await self._open(
                self._parts.settings.read_url, self.pool.size, is_reading=True
            )
        return self.pool

    async def close(self) -> None:
        """Close every connection (R225)."""
        pools, self._primary, self._replica = (self._primary, self._replica), None, None
        for pool in pools:
            if pool is not None:
                await pool.close()

    async def fetch(
        self, query: "Query", parameters: Parameters = None, *, is_fresh: bool = False
    ) -> list[Row]:
        """The rows of a query that changes nothing; it may be made several times.

        From the read replica, which may be behind, unless `is_fresh`; from the primary where the
        replica is lost.
        """

        async def read(connection: "AsyncConnection[Any]") -> list[Row]:
            return await _rows(connection, query, parameters)

        if self._replica is not None and not is_fresh:
            try:
                return await self._use(self._parts.read_policy, self._replica, read)
            except Exception as error:
                if not self._parts.must_fall_back(error):
                    raise
        return await self._use(self._parts.policy, self._open_primary(), read)

    async def execute(self, query: "Query", parameters: Parameters = None) -> int:
        """Do one statement in a transaction; how many rows it touched."""

        async def change(connection: "AsyncConnection[Any]") -> int:
            return (await connection.execute(query, parameters)).rowcount

        return await self.transact(change)

    async def transact(self, work: "Callable[[AsyncConnection[Any]], Awaitable[Result]]") -> Result:
        """`work` in one transaction of the primary, committed when it returns.

        Made again where the server undid it (a deadlock, a serialisation failure) or was lost
        before the commit was sent. Lost during the commit nobody knows what happened: psycopg's
        error is raised. So `work` must do nothing else that can't be repeated.
        """
        pool = self._open_primary()

        async def attempt(state: Work) -> Result:
            async with pool.connection() as connection, connection.transaction():
                result = await work(connection)
                state.may_have_happened = True
            return result

        return await self._call(self._parts.policy, pool, attempt)

    @asynccontextmanager
    async def connection(self) -> "AsyncGenerator[AsyncConnection[Any]]":
        """A connection of the primary, for what is not here; no retry, and autocommit."""
        with self._parts.policy.breaker.guard():
            async with self._open_primary().connection() as connection:
                yield connection

    async def _use(
        self,
        policy: Policy,
        pool: "AsyncConnectionPool[AsyncConnection[Any]]",
        work: "Callable[[AsyncConnection[Any]], Awaitable[Result]]",
    ) -> Result:
        async def attempt(_: Work) -> Result:
            async with pool.connection() as connection:
                return await work(connection)

        return await self._call(policy, pool, attempt)

    async def _call(
        self,
        policy: Policy,
        pool: "AsyncConnectionPool[AsyncConnection[Any]]",
        attempt: Callable[[Work], Awaitable[Result]],
    ) -> Result:
        async def checked(state: Work) -> Result:
            try:
                return await attempt(state)
            except Exception as error:
                if kind_of(error) is Kind.LOST:
                    await pool.check()  # the others of a server that was restarted are dead too
                raise

        return await policy.call_async(checked)

    async def _open(
        self, url: str, size: int, *, is_reading: bool
    ) -> "AsyncConnectionPool[AsyncConnection[Any]]":
        from psycopg_pool import AsyncConnectionPool

        pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            kwargs=self._parts.options(is_reading=is_reading),
            min_size=min(2, size),
            max_size=size,
            timeout=self._parts.settings.wait_seconds,
            reconnect_timeout=self._parts.settings.wait_seconds,  # then the next caller tries
            open=False,
            name=f"{self._parts.name}{'-read' if is_reading else ''}",
        )
        await pool.open(wait=False)
        return pool

    def _open_primary(self) -> "AsyncConnectionPool[AsyncConnection[Any]]":
        if self._primary is None:
            raise RuntimeError(
                f"database {self._parts.name} is not open: use `async with`, or open()"
            )
        return self._primary

    def _stats(self) -> list[dict[str, int]]:
        return [pool.get_stats() for pool in (self._primary, self._replica) if pool is not None]


async def _rows(
    connection: "AsyncConnection[Any]", query: "Query", parameters: Parameters
) -> list[Row]:
    from psycopg.rows import dict_row

    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()
