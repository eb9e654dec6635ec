"""`database` for threads: the same, without async.

with Database.from_environment() as database:
    rows = database.fetch("SELECT * FROM plans WHERE owner = %s", ("ada",))
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fairway_runtime.database_parts import LIMITS, Parameters, Parts, Row
from fairway_runtime.database_policy import Policy
from fairway_runtime.database_routing import Routing
from fairway_runtime.database_settings import DatabaseSettings, Pool

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

    from fairway_runtime.database_parts import Query

__all__ = ["Database"]

Result = TypeVar("Result")


class Database:
    """For threads; open it once a process (`with`)."""

    def __init__(
        self, settings: DatabaseSettings, *, name: str = "main", policy: Policy | None = None
    ) -> None:
        self._parts = Parts(settings, name, policy, self._stats)
        self._routing: Routing[ConnectionPool[Connection[Any]], Connection[Any]] = Routing(
            self._parts,
            connect=lambda pool: pool.connection(),
            begin=_begin,
            lost=lambda pool: pool.check(),
        )
        self.pool: Pool | None = None  # once it is open

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ, *, name: str = "main") -> Self:
        """As `DatabaseSettings.from_environment` reads it."""
        return cls(DatabaseSettings.from_environment(env), name=name)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Pool:
        """As `AsyncDatabase.open`."""
        from psycopg import Connection, OperationalError

        try:
            with Connection.connect(
                self._parts.settings.url, **self._parts.options(is_reading=False)
            ) as one:
                row = one.execute(LIMITS).fetchone()
            self.pool = self._parts.plan(row or (self._parts.settings.pool_size,))
        except OperationalError as error:
            self.pool = self._parts.unasked(error)
        self._routing.primary = self._open(
            self._parts.settings.url, self.pool.size, is_reading=False
        )
        if self._parts.settings.read_url:
            self._routing.replica = self._open(
                self._parts.settings.read_url, self.pool.size, is_reading=True
            )
        return self.pool

    def close(self) -> None:
        """Close every connection (R225)."""
        for pool in self._routing.take():
            pool.close()

    def fetch(
        self, query: "Query", parameters: Parameters = None, *, is_fresh: bool = False
    ) -> list[Row]:
        """As `AsyncDatabase.fetch`."""
        from psycopg.rows import dict_row

        def read(connection: "Connection[Any]") -> list[Row]:
            with connection.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(query, parameters).fetchall()

        return self._routing.read(read, is_fresh=is_fresh)

    def execute(self, query: "Query", parameters: Parameters = None) -> int:
        """As `AsyncDatabase.execute`."""
        return self.transact(lambda connection: connection.execute(query, parameters).rowcount)

    def transact(self, work: "Callable[[Connection[Any]], Result]") -> Result:
        """As `AsyncDatabase.transact`."""
        return self._routing.transact(work)

    @contextmanager
    def connection(self) -> "Generator[Connection[Any]]":
        """As `AsyncDatabase.connection`."""
        pool = self._routing.open_primary()
        with self._parts.policy.breaker.guard(), pool.connection() as connection:
            yield connection

    def _open(self, url: str, size: int, *, is_reading: bool) -> "ConnectionPool[Connection[Any]]":
        from psycopg_pool import ConnectionPool

        pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            url,
            kwargs=self._parts.options(is_reading=is_reading),
            min_size=min(2, size),
            max_size=size,
            timeout=self._parts.settings.wait_seconds,
            reconnect_timeout=self._parts.settings.wait_seconds,  # then the next caller tries
            open=False,
            name=f"{self._parts.name}{'-read' if is_reading else ''}",
        )
        pool.open(wait=False)
        return pool

    def _stats(self) -> list[dict[str, int]]:
        return [pool.get_stats() for pool in self._routing.sources]


@contextmanager
def _begin(pool: "ConnectionPool[Connection[Any]]") -> "Generator[Connection[Any]]":
    with pool.connection() as connection, connection.transaction():
        yield connection
