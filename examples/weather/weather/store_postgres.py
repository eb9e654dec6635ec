"""PostgreSQL as the jobs use it: COPY, one transaction a file, an advisory lock.

A file's text goes to the server nearly as it is: it is judged (`weather.lines`), and COPY reads
`YYYYMMDD` as a date and `-9999` as null. Only the station's number is put before each line, by
one `replace` over the whole chunk. No value becomes a Python object on its way.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict

import psycopg

from weather.files import FileVersion
from weather.lines import Batch
from weather.settings import Settings
from weather.sql import (
    ADD_FILE,
    ADD_STATION,
    COVER_STATION,
    COVER_YEAR,
    FILE_IS_LOADED,
    QUARANTINE,
    YEAR_IN_POSTGRES,
    pyformat,
    statistics,
)
from weather.store import Loaded, Loader, Params, Row, now, state_of

__all__ = ["PostgresStore"]

Connection = psycopg.Connection[Row]

LOAD_LOCK = 7_361_002
LOCK_POLL_SECONDS = 0.25

# Of a machine that vanished, the server keeps the lock no longer than a minute.
SESSION = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"

COPY = "copy observation (station, day, tmax, tmin, prcp) from stdin (null '-9999')"
FRESH = """
create temporary table if not exists fresh
(day date, tmax smallint, tmin smallint, prcp integer) on commit delete rows
"""
COPY_FRESH = "copy fresh from stdin (null '-9999')"
MERGE_FRESH = f"""
with added as (
    insert into observation (station, day, tmax, tmin, prcp)
    select %(station)s, day, tmax, tmin, prcp from fresh
    where not exists (
        select from observation o where o.station = %(station)s and o.day = fresh.day
    )
    on conflict do nothing
    returning day
)
select {YEAR_IN_POSTGRES}, count(*) from added group by 1
"""


class PostgresStore:
    """One control connection, which holds the lock and the job's row, and one per loader."""

    def __init__(self, url: str, control: Connection, workers: int) -> None:
        self._url = url
        self._control = control
        self.workers = workers

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Generator["PostgresStore"]:
        workers = max(1, min(2, os.cpu_count() or 1, settings.pool_size - 1))
        with _connect(settings.database_url) as control:
            control.autocommit = True
            yield cls(settings.database_url, control, workers)

    @contextmanager
    def alone(self, waiting: Callable[[], None]) -> Generator[None]:
        lock, unlock = (
            f"select pg_{verb}({LOAD_LOCK})" for verb in ("try_advisory_lock", "advisory_unlock")
        )
        while not self._one(lock, {})[0]:
            waiting()
            time.sleep(LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            if not self._control.broken:
                self._control.execute(unlock.encode())

    def run(self, statement: str, params: Params) -> int:
        return self._control.execute(pyformat(statement).encode(), params).rowcount

    def loaded(self, versions: Iterable[FileVersion]) -> set[FileVersion]:
        wanted = list(versions)
        rows = self._control.execute(
            "select key, etag from loaded_file join"
            " unnest(%(keys)s::text[], %(etags)s::text[]) as wanted (key, etag) using (key, etag)",
            {"keys": [v.key for v in wanted], "etags": [v.etag for v in wanted]},
        )
        return {FileVersion(*row) for row in rows}

    @contextmanager
    def loader(self) -> Generator[Loader]:
        with _connect(self._url) as connection:
            # A commit need not wait for the disk: if the server falls, a file's rows and the note
            # that it is loaded are lost together, and the next load repeats it.
            connection.execute("set synchronous_commit = off")
            connection.commit()
            yield PostgresLoader(connection)

    def tidy(self) -> None:
        self._control.execute("vacuum (analyze) observation")

    def calculate(self) -> int:
        return self.run(statistics(YEAR_IN_POSTGRES), {})

    def _one(self, statement: str, params: Params) -> Row:
        row = self._control.execute(statement.encode(), params).fetchone()
        assert row is not None
        return row


class PostgresLoader:
    """Stores files, each in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def load(
        self, version: FileVersion, station_id: str | None, job: str, batches: Iterable[Batch]
    ) -> Loaded | None:
        with self._connection.transaction():
            station, is_new = self._station(station_id) if station_id else (0, True)
            file: dict[str, object] = {"key": version.key, "etag": version.etag}
            if self._run(FILE_IS_LOADED, file).fetchone():
                return None
            added: Counter[int] = Counter()
            good = rejected = 0
            for batch in batches:
                if batch.rows:
                    added += (self._copy if is_new else self._merge)(station, batch)
                good += batch.rows
                rejected += len(batch.rejects)
                self._put_aside(file, batch)
            self._cover(station, added)
            loaded = Loaded(added.total(), good - added.total(), rejected)
            self._run(ADD_FILE, file | {"job": job, "loaded_at": now()} | asdict(loaded))
            return loaded

    def _station(self, station_id: str) -> tuple[int, bool]:
        """Number the station, lock it, and say whether it has no rows yet."""
        row = self._run(
            ADD_STATION, {"station_id": station_id, "state": state_of(station_id)}
        ).fetchone()
        assert row is not None
        return int(row[0]), row[1] == 0

    def _copy(self, station: int, batch: Batch) -> Counter[int]:
        """Copy straight into the table: the station is locked and new, no date comes twice."""
        prefix = b"%d\t" % station
        text = batch.text.replace(b"\n", b"\n" + prefix)
        with self._connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.write(prefix)
            copy.write(text[: -len(prefix)])
        return batch.years

    def _merge(self, station: int, batch: Batch) -> Counter[int]:
        """Copy beside the table, take over the days that are not there, and count those."""
        self._connection.execute(FRESH)
        self._connection.execute("truncate fresh")
        with self._connection.cursor() as cursor, cursor.copy(COPY_FRESH) as copy:
            copy.write(batch.text)
        years = self._connection.execute(MERGE_FRESH.encode(), {"station": station})
        return Counter({int(year): int(count) for year, count in years})

    def _put_aside(self, file: Params, batch: Batch) -> None:
        if batch.rejects:
            with self._connection.cursor() as cursor:
                cursor.executemany(
                    pyformat(QUARANTINE).encode(),
                    [
                        {**file, "line": reject.line, "reason": reject.reason, "raw": reject.raw}
                        for reject in batch.rejects
                    ],
                )

    def _cover(self, station: int, added: Counter[int]) -> None:
        if not added:
            return
        with self._connection.cursor() as cursor:
            cursor.executemany(
                pyformat(COVER_YEAR).encode(),
                [
                    {"station": station, "year": year, "added": count}
                    for year, count in sorted(added.items())
                ],
            )
        self._run(COVER_STATION, {"station": station, "added": added.total()})

    def _run(self, statement: str, params: Params) -> psycopg.Cursor[Row]:
        return self._connection.execute(pyformat(statement).encode(), params)


def _connect(url: str) -> Connection:
    return psycopg.connect(url, connect_timeout=10, options=SESSION, application_name="weather")
