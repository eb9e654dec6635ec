"""SQLAlchemy 2 engines with the same behaviour as `database`; SQLite too, for development (R69).

    engines = Engines.from_environment()
    with engines:
        engines.transact(lambda connection: connection.execute(insert(plans).values(owner="ada")))

For the ORM, bind a session to the connection: `Session(connection)`. SQLAlchemy, and psycopg for
PostgreSQL, are imported when engines are opened.
"""

import math
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fairway_runtime.database_parts import LIMITS, Parts
from fairway_runtime.database_policy import Policy
from fairway_runtime.database_routing import Routing
from fairway_runtime.database_settings import DatabaseSettings, Pool

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["Engines", "engine_options", "engine_url"]

Result = TypeVar("Result")
_RECYCLE_SECONDS = 1800
_IDLE_SECONDS = 1.0
_GIVEN_BACK = "fairway_given_back"  # when, in a pooled connection's notes


def engine_url(url: str) -> str:
    """`url` with psycopg 3 as the driver where it names none."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return f"postgresql+psycopg://{url.removeprefix(scheme)}"
    return url


def engine_options(parts: Parts, size: int, *, is_reading: bool = False) -> dict[str, Any]:
    """What `create_engine` or `create_async_engine` is given for a pool of `size`."""
    url = parts.settings.read_url if is_reading else parts.settings.url
    if url.startswith("sqlite"):
        return {}
    arguments = parts.options(is_reading=is_reading)
    del arguments["autocommit"]  # SQLAlchemy's own to decide
    return {
        "connect_args": arguments,
        "max_overflow": 0,
        "pool_pre_ping": True,
        "pool_recycle": _RECYCLE_SECONDS,
        "pool_size": size,
        "pool_timeout": parts.settings.wait_seconds,
    }


class Engines:
    """A primary and, where there is one, a read replica; open them once a process (`with`)."""

    def __init__(
        self, settings: DatabaseSettings, *, name: str = "main", policy: Policy | None = None
    ) -> None:
        self.parts = Parts(settings, name, policy, self._stats)
        self.pool: Pool | None = None  # once it is open
        self._routing: Routing[Engine, Connection] = Routing(
            self.parts,
            connect=lambda engine: engine.connect(),
            begin=_begin,
            lost=lambda engine: engine.dispose(),
        )

    @property
    def primary(self) -> "Engine | None":
        """The engine of the primary; None before `open`."""
        return self._routing.primary

    @property
    def replica(self) -> "Engine | None":
        """The engine of the read replica, where there is one."""
        return self._routing.replica

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
        """Ask the server for its limits and make the engines; they connect when they are used."""
        from sqlalchemy import NullPool, create_engine, text
        from sqlalchemy.exc import OperationalError

        settings, parts = self.parts.settings, self.parts
        url = engine_url(settings.url)
        if url.startswith("sqlite"):
            self.pool = Pool(settings.pool_size)
        else:
            once = create_engine(
                url, poolclass=NullPool, connect_args=engine_options(parts, 1)["connect_args"]
            )
            try:
                with once.connect() as connection:
                    self.pool = parts.plan(connection.execute(text(LIMITS)).one())
            except OperationalError as error:
                self.pool = parts.unasked(error)
        self._routing.primary = _engine(url, engine_options(parts, self.pool.size))
        if settings.read_url:
            options = engine_options(parts, self.pool.size, is_reading=True)
            self._routing.replica = _engine(engine_url(settings.read_url), options)
        return self.pool

    def close(self) -> None:
        """Close every connection (R225)."""
        for engine in self._routing.take():
            engine.dispose()

    def read(self, work: "Callable[[Connection], Result]", *, is_fresh: bool = False) -> Result:
        """`work` that changes nothing, and may be done several times; see `database`'s `fetch`."""
        return self._routing.read(work, is_fresh=is_fresh)

    def transact(self, work: "Callable[[Connection], Result]") -> Result:
        """`work` in one transaction, committed when it returns; see `database`'s `transact`."""
        return self._routing.transact(work)

    def _stats(self) -> list[dict[str, int]]:
        """In psycopg's words; only a pool that counts can be asked."""
        found: list[dict[str, int]] = []
        for engine in self._routing.sources:
            pool: Any = engine.pool
            if hasattr(pool, "checkedin") and hasattr(pool, "checkedout"):
                idle = pool.checkedin()
                found.append({"pool_size": idle + pool.checkedout(), "pool_available": idle})
        return found


def _engine(url: str, options: Mapping[str, Any]) -> "Engine":
    """An engine that asks a connection whether it lives where nobody used it for a second.

    SQLAlchemy's own `pool_pre_ping` asks at each checkout, a round trip each. One that died within
    its last second is a connection that is lost before the work happened, which is made again.
    """
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import InvalidatePoolError

    engine = create_engine(url, **{**options, "pool_pre_ping": False})
    dialect = engine.dialect
    if dialect.name == "sqlite":
        return engine

    def given_back(_: object, record: "ConnectionPoolEntry") -> None:
        record.info[_GIVEN_BACK] = time.monotonic()

    def taken(connection: "DBAPIConnection", record: "ConnectionPoolEntry", _: object) -> None:
        if time.monotonic() - record.info.get(_GIVEN_BACK, math.inf) < _IDLE_SECONDS:
            return  # a new one was never given back, and lives
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", taken)
    return engine


@contextmanager
def _begin(engine: "Engine") -> "Generator[Connection]":
    with engine.connect() as connection, connection.begin():
        yield connection
