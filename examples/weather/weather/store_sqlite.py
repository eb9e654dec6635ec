"""SQLite as the jobs use it: one writer, one transaction a file."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict

from weather.files import FileVersion
from weather.lines import MISSING, Batch
from weather.schema import make_sqlite_schema
from weather.settings import Settings
from weather.sql import (
    ADD_FILE,
    ADD_STATION,
    COVER_STATION,
    COVER_YEAR,
    FILE_IS_LOADED,
    QUARANTINE,
    YEAR_IN_SQLITE,
    statistics,
)
from weather.store import Loaded, Loader, Params, now, state_of

__all__ = ["SqliteStore"]

BUSY_SECONDS = 60.0

STORED = "select day from observation where station = :station"
INSERT = "insert into observation (station, day, tmax, tmin, prcp) values (?, ?, ?, ?, ?)"


class SqliteStore:
    """A file, one connection, one writer at a time."""

    workers = 1

    def __init__(self, path: str, control: sqlite3.Connection) -> None:
        self._path = path
        self._control = control

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Generator["SqliteStore"]:
        make_sqlite_schema(settings)
        with _connect(settings.sqlite_path) as control:
            _write_ahead(control)
            yield cls(settings.sqlite_path, control)

    @contextmanager
    def alone(self, waiting: Callable[[], None]) -> Generator[None]:
        """Keep nobody out: SQLite has no such lock, and its transactions are one at a time."""
        yield

    def run(self, statement: str, params: Params) -> int:
        return self._control.execute(statement, dict(params)).rowcount

    def loaded(self, versions: Iterable[FileVersion]) -> set[FileVersion]:
        rows = self._control.execute("select key, etag from loaded_file")
        return {FileVersion(*row) for row in rows}.intersection(versions)

    @contextmanager
    def loader(self) -> Generator[Loader]:
        with _connect(self._path) as connection:
            connection.execute("pragma synchronous = normal")
            yield SqliteLoader(connection)

    def tidy(self) -> None:
        self._control.execute("analyze observation")

    def calculate(self) -> int:
        return self.run(statistics(YEAR_IN_SQLITE), {})


class SqliteLoader:
    """Stores files, each in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._days: dict[bytes, str] = {}

    def load(
        self, version: FileVersion, station_id: str | None, job: str, batches: Iterable[Batch]
    ) -> Loaded | None:
        with _transaction(self._connection) as run:
            file: dict[str, object] = {"key": version.key, "etag": version.etag}
            if run(FILE_IS_LOADED, file).fetchone():
                return None
            station = 0
            if station_id:
                params = {"station_id": station_id, "state": state_of(station_id)}
                station = int(run(ADD_STATION, params).fetchone()[0])
            stored = {row[0] for row in run(STORED, {"station": station})}
            added: Counter[int] = Counter()
            good = rejected = 0
            for batch in batches:
                added += self._insert(station, batch, stored)
                good += batch.rows
                rejected += len(batch.rejects)
                self._connection.executemany(
                    QUARANTINE,
                    [
                        {**file, "line": reject.line, "reason": reject.reason, "raw": reject.raw}
                        for reject in batch.rejects
                    ],
                )
            if added:
                for year, count in sorted(added.items()):
                    run(COVER_YEAR, {"station": station, "year": year, "added": count})
                run(COVER_STATION, {"station": station, "added": added.total()})
            loaded = Loaded(added.total(), good - added.total(), rejected)
            run(ADD_FILE, file | {"job": job, "loaded_at": now()} | asdict(loaded))
            return loaded

    def _insert(self, station: int, batch: Batch, stored: set[str]) -> Counter[int]:
        """Insert the days that are not stored, and count them by year."""
        fields = batch.fields()
        new = [
            (station, day, _value(tmax), _value(tmin), _value(prcp))
            for token, tmax, tmin, prcp in zip(
                fields[0::4], fields[1::4], fields[2::4], fields[3::4], strict=True
            )
            if (day := self._day(token)) not in stored
        ]
        self._connection.executemany(INSERT, new)
        return batch.years if len(new) == batch.rows else Counter(int(row[1][:4]) for row in new)

    def _day(self, token: bytes) -> str:
        day = self._days.get(token)
        if day is None:
            digits = token.decode()
            day = self._days[token] = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
        return day


def _value(token: bytes) -> int | None:
    value = int(token)
    return None if value == MISSING else value


@contextmanager
def _connect(path: str) -> Generator[sqlite3.Connection]:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        yield connection
    finally:
        connection.close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have writers keep no reader waiting.

    SQLite's own waiting does not cover this: of two that change the mode of a new file at once,
    one is refused at once.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _transaction(
    connection: sqlite3.Connection,
) -> Generator[Callable[[str, Params], sqlite3.Cursor]]:
    connection.execute("begin immediate")
    try:
        yield lambda statement, params: connection.execute(statement, dict(params))
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
