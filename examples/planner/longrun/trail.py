"""The audit log: who did what with which figures, append-only and hash-chained.

All of it is `fairway_runtime.audit`: lines in PostgreSQL, in the same transaction as the row that
they tell of; beside a SQLite file, in a file of their own. Here is only where, and how to look.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from sqlalchemy import text

from fairway_runtime.audit import AuditLog, Event
from fairway_runtime.audit_chain import Head, Record, Report
from fairway_runtime.audit_file import FileLedger
from fairway_runtime.audit_postgres import PostgresLedger
from longrun.database import AWAY, Database, Unavailable
from longrun.settings import SQLITE, Settings
from longrun.spool import Entry

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Trail"]

Result = TypeVar("Result")
# Its row in the history says that a simulation was recorded; of all else, one of these.
ONCE = "insert into recorded (id) values (:id) on conflict (id) do nothing"
ROW = (
    "insert into simulation (id, ran_at, owner, client_id, plan, summary, flags)"
    " values (:id, :ran_at, :owner, :client_id, :plan, :summary, :flags)"
    " on conflict (id) do nothing"
)


class Trail:
    """One database's audit log. With AUDIT_KEY nobody without it can write one that verifies."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._key = settings.audit_key
        self._postgres: PostgresLedger | None = None
        if settings.is_postgres:
            self._postgres = PostgresLedger(settings.database_url)
            self.log = AuditLog(self._postgres, key=self._key)
        else:
            file = Path(settings.database_url.removeprefix(SQLITE) + ".audit.jsonl")
            self.log = AuditLog(FileLedger(file), key=self._key)

    def put(self, connection: "Connection", entries: Sequence[Entry]) -> None:
        """Rows and records of these, in the one transaction of `connection`, which then is over.

        Those whose rows are there were recorded before, and are left.
        """
        if self._postgres is None:
            for entry in entries:
                statement, values = _row(entry)
                if connection.execute(text(statement), values).rowcount:
                    self.log.append_all([_event(entry)])
            return
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        log = AuditLog(self._postgres.within(driver), key=self._key)
        # Two round trips: rows, turn and last record; then the new records and the commit.
        with driver.pipeline():
            rows: list[tuple[Entry, psycopg.Cursor[Any]]] = []
            for entry in entries:
                statement, values = _row(entry)
                rows.append((entry, driver.execute(_for_psycopg(statement), values)))
            log.append_all(_event(entry) for entry, row in rows if row.rowcount)
            driver.execute("commit")

    def verify(self, holding: Head | None = None) -> Report:
        """Read all of it and say what is wrong. Raises `Unavailable`."""
        return self._asked(lambda: self.log.verify(holding))

    def recent(self, target: str = "", most: int = 200) -> list[Record]:
        """The last records, newest first; of one target, or of all. Raises `Unavailable`."""
        return self._asked(lambda: list(self._recent(target, most)))

    def _recent(self, target: str, most: int) -> Iterator[Record]:
        if self._postgres is None:
            found = [one for one in self.log.records() if target in ("", one.target)]
            yield from reversed(found[-most:])
            return
        # The migrations' index is on this very expression.
        wanted = " where (line::jsonb ->> 'target') = :target" if target else ""
        statement = f"select line from audit_log{wanted} order by sequence desc limit :most"
        values = {"target": target, "most": most} if target else {"most": most}
        for (line,) in self._database.read(lambda c: list(c.execute(text(statement), values))):
            record = self.log.chain.read(line.encode())
            if record is not None:
                yield record

    def _asked(self, question: Callable[[], Result]) -> Result:
        try:
            return question()
        except (psycopg.OperationalError, OSError) as error:
            raise Unavailable(AWAY) from error


def _row(entry: Entry) -> tuple[str, dict[str, Any]]:
    if entry.simulation is None:
        return ONCE, {"id": entry.id}
    return ROW, {"id": entry.id, **entry.simulation}


@cache
def _for_psycopg(statement: str) -> bytes:
    return re.sub(r":(\w+)", r"%(\1)s", statement).encode()


def _event(entry: Entry) -> Event:
    return Event(
        entry.action,
        actor=entry.actor,
        target=entry.target,
        detail={"record": entry.id, "at": entry.at, **entry.detail},
        correlation_id=entry.correlation_id,
    )
