"""SQLAlchemy 2 engines with the same behaviour as `database`; SQLite too, for development (R69).

    engines = Engines.from_environment()
    with engines:
        engines.transact(lambda connection: connection.execute(insert(plans).values(owner="ada")))

For the ORM, bind a session to the connection: `Session(connection)`. SQLAlchemy, and psycopg for
PostgreSQL, are imported when engines are opened.
"""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fairway_runtime.database_parts import LIMITS, Parts
from fairway_runtime.database_policy import Kind, Policy, Work, kind_of
from fairway_runtime.database_settings import DatabaseSettings, Pool

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Engines", "engine_options", "engine_url"]

Result = TypeVar("Result")
_RECYCLE_SECONDS = 1800


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
        self.primary: Engine | None = None
        self.replica: Engine | None = None

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
        self.primary = create_engine(url, **engine_options(parts, self.pool.size))
        if settings.read_url:
            options = engine_options(parts, self.pool.size, is_reading=True)
            self.replica = create_engine(engine_url(settings.read_url), **options)
        return self.pool

    def close(self) -> None:
        """Close every connection (R225)."""
        engines, self.primary, self.replica = (self.primary, self.replica), None, None
        for engine in engines:
            if engine is not None:
                engine.dispose()

    def read(self, work: "Callable[[Connection], Result]", *, is_fresh: bool = False) -> Result:
        """`work` that changes nothing, and may be done several times; see `database`'s `fetch`."""
        if self.replica is not None and not is_fresh:
            try:
                return self._use(self.parts.read_policy, self.replica, work)
            except Exception as error:
                if not self.parts.must_fall_back(error):
                    raise
        return self._use(self.parts.policy, self._open_primary(), work)

    def transact(self, work: "Callable[[Connection], Result]") -> Result:
        """`work` in one transaction, committed when it returns; see `database`'s `transact`."""
        engine = self._open_primary()

        def attempt(state: Work) -> Result:
            with engine.connect() as connection, connection.begin():
                result = work(connection)
                state.may_have_happened = True
            return result

        return self._call(self.parts.policy, engine, attempt)

    def _use(
        self, policy: Policy, engine: "Engine", work: "Callable[[Connection], Result]"
    ) -> Result:
        def attempt(_: Work) -> Result:
            with engine.connect() as connection:
                return work(connection)

        return self._call(policy, engine, attempt)

    def _call(self, policy: Policy, engine: "Engine", attempt: Callable[[Work], Result]) -> Result:
        def checked(state: Work) -> Result:
            try:
                return attempt(state)
            except Exception as error:
                if kind_of(error) is Kind.LOST:
                    engine.dispose()  # the others of that server are dead too
                raise

        return policy.call(checked)

    def _open_primary(self) -> "Engine":
        if self.primary is None:
            raise RuntimeError(f"database {self.parts.name} is not open: use `with`, or open()")
        return self.primary

    def _stats(self) -> list[dict[str, int]]:
        """In psycopg's words; only a pool that counts can be asked."""
        found: list[dict[str, int]] = []
        for engine in (self.primary, self.replica):
            pool: Any = None if engine is None else engine.pool
            if hasattr(pool, "checkedin") and hasattr(pool, "checkedout"):
                idle = pool.checkedin()
                found.append({"pool_size": idle + pool.checkedout(), "pool_available": idle})
        return found
