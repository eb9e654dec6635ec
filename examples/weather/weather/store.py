"""What the jobs need of a database, whichever it is.

Purpose: the protocol between `ingest` and `statistics`, which decide what is loaded, and the two
databases that can hold it. The API reads by `weather.database`, without these.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from weather.files import FileVersion
from weather.lines import STATES, Batch
from weather.settings import Settings

__all__ = [
    "Loaded",
    "Loader",
    "Params",
    "Row",
    "Store",
    "database_errors",
    "now",
    "open_store",
    "state_of",
]

Row = tuple[Any, ...]
Params = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file's lines: stored, there before, put aside."""

    rows_added: int = 0
    rows_known: int = 0
    lines_rejected: int = 0


class Loader(Protocol):
    """One connection that stores files, each in one transaction: wholly or not at all."""

    def load(
        self, version: FileVersion, station_id: str | None, job: str, batches: Iterable[Batch]
    ) -> Loaded | None:
        """Store the batches; none if this version of the file was stored before.

        Without a station, what is put aside is all that is stored.
        """
        ...


class Store(Protocol):
    """A database. `loader` may be called from several threads, the rest from one."""

    @property
    def workers(self) -> int:
        """How many files are worth loading at once."""
        ...

    def alone(self, waiting: Callable[[], None]) -> AbstractContextManager[None]:
        """Keep other loads out, everywhere; `waiting` is called while one is still at it."""
        ...

    def run(self, statement: str, params: Params) -> int:
        """Run a statement of `weather.sql` or `weather.jobs`, and count the rows it touched."""
        ...

    def loaded(self, versions: Iterable[FileVersion]) -> set[FileVersion]: ...
    def loader(self) -> AbstractContextManager[Loader]: ...
    def tidy(self) -> None:
        """Tell the planner about many new rows, and spare readers the visibility checks."""
        ...

    def calculate(self) -> int:
        """Compute the statistics anew, and count the stations' years."""
        ...


def open_store(settings: Settings) -> AbstractContextManager[Store]:
    """Open the database that the settings name. psycopg is imported only if it is PostgreSQL."""
    if settings.is_postgres:
        from weather.store_postgres import PostgresStore

        return PostgresStore.open(settings)
    from weather.store_sqlite import SqliteStore

    return SqliteStore.open(settings)


def database_errors(settings: Settings) -> tuple[type[Exception], ...]:
    """What the database's driver raises, to be told from our own faults."""
    if settings.is_postgres:
        import psycopg

        return (psycopg.Error,)
    import sqlite3

    return (sqlite3.Error,)


def now() -> str:
    """The time in UTC, as both databases take it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def state_of(station_id: str) -> str | None:
    """The state, from the first two digits of a COOP number (characters 6 and 7)."""
    return STATES.get(station_id[5:7]) if station_id.startswith("USC") else None
