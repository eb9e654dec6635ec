"""`database` for threads: the same, without async.

with Database.from_environment() as database:
    rows = database.fetch("SELECT * FROM plans WHERE owner = %s", ("ada",))
"""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, Self, TypeVar

from fairway_runtime.database_parts import LIMITS, Parts
from fairway_runtime.database_policy import Kind, Policy, Work, kind_of
from fairway_runtime.database_settings import DatabaseSettings, Pool

if TYPE_CHECKING:
    from psycopg import Connection, sql
    from psycopg_pool import ConnectionPool

    Query = LiteralString | sql.SQL | sql.Composed

__all__ = ["Database"]

Result = TypeVar("Result")
Parameters = Sequence[object] | Mapping[str, object] | None
Row = dict[str, Any]


class Database:
    """For threads; open it once a process (`with`)."""

    def __init__(
        self, settings: DatabaseSettings, *, name: str = "main", policy: Policy | None = None
    ) -> None:
        self._parts = Parts(settings, name, policy, self._stats)
        self._primary: ConnectionPool[Connection[Any]] | None = None
        self._replica: ConnectionPool[Connection[Any]] | None = None
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
        self._primary = self._open(self._parts.settings.url, self.pool.size, is_reading=False)
        if self._parts.settings.read_url:
            self._replica = self._open(
                self._parts.settings.read_url, self.pool.size, is_reading=True
            )
        return self.pool

    def close(self) -> None:
        """Close every connection (R225)."""
        pools, self._primary, self._replica = (self._primary, self._replica), None, None
        for pool in pools:
            if pool is not None:
                pool.close()

    def fetch(
        self, query: "Query", parameters: Parameters = None, *, is_fresh: bool = False
    ) -> list[Row]:
        """As `AsyncDatabase.fetch`."""
        from psycopg.rows import dict_row

        def read(connection: "Connection[Any]") -> list[Row]:
            with connection.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(query, parameters).fetchall()

        if self._replica is not None and not is_fresh:
            try:
                return self._use(self._parts.read_policy, self._replica, read)
            except Exception as error:
                if not self._parts.must_fall_back(error):
                    raise
        return self._use(self._parts.policy, self._open_primary(), read)

    def execute(self, query: "Query", parameters: Parameters = None) -> int:
        """As `AsyncDatabase.execute`."""
        return self.transact(lambda connection: connection.execute(query, parameters).rowcount)

    def transact(self, work: "Callable[[Connection[Any]], Result]") -> Result:
        """As `AsyncDatabase.transact`."""
        pool = self._open_primary()

        def attempt(state: Work) -> Result:
            with pool.connection() as connection, connection.transaction():
                result = work(connection)
                state.may_have_happened = True
            return result

        return self._call(self._parts.policy, pool, attempt)

    @contextmanager
    def connection(self) -> "Generator[Connection[Any]]":
        """As `AsyncDatabase.connection`."""
        with self._parts.policy.breaker.guard(), self._open_primary().connection() as connection:
            yield connection

    def _use(
        self,
        policy: Policy,
        pool: "ConnectionPool[Connection[Any]]",
        work: "Callable[[Connection[Any]], Result]",
    ) -> Result:
        def attempt(_: Work) -> Result:
            with pool.connection() as connection:
                return work(connection)

        return self._call(policy, pool, attempt)

    def _call(
        self,
        policy: Policy,
        pool: "ConnectionPool[Connection[Any]]",
        attempt: Callable[[Work], Result],
    ) -> Result:
        def checked(state: Work) -> Result:
            try:
                return attempt(state)
            except Exception as error:
                if kind_of(error) is Kind.LOST:
                    pool.check()
                raise

        return policy.call(checked)

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

    def _open_primary(self) -> "ConnectionPool[Connection[Any]]":
        if self._primary is None:
            raise RuntimeError(f"database {self._parts.name} is not open: use `with`, or open()")
        return self._primary

    def _stats(self) -> list[dict[str, int]]:
        return [pool.get_stats() for pool in (self._primary, self._replica) if pool is not None]
