"""The audit log's lines in PostgreSQL: one table that the server itself lets nobody change.

Needs psycopg 3 (`fairway-runtime[postgres]`), imported when a connection is made. Writers take
turns by an advisory lock of their transaction; one that dies leaves nothing behind.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

from fairway_runtime.audit_chain import GENESIS, AuditBroken, Chain, Head, split_lines

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresLedger"]

_QUERY_MS = 5000  # R232

_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    sequence bigint PRIMARY KEY,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    line text NOT NULL
);
CREATE OR REPLACE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE OR REPLACE TRIGGER no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {refuse}();
CREATE OR REPLACE TRIGGER no_truncation BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {refuse}();
"""
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_LAST = "SELECT line FROM {table} ORDER BY sequence DESC LIMIT 1"
_ADD = "INSERT INTO {table} (sequence, line) VALUES (%s, %s)"


class PostgresLedger:
    """Lines in `table` of the database at `url`, over one connection a process.

    `prepare` makes the table, with triggers that refuse UPDATE, DELETE and TRUNCATE. Its owner
    could drop them: let the app's role have INSERT and SELECT alone. Every statement ends within
    5 s (R232); errors are psycopg's.
    """

    def __init__(self, url: str, *, table: str = "audit_log") -> None:
        self._url = url
        self._table = table
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._process = 0

    def prepare(self) -> None:
        """Make the table and its triggers, where they are not there yet."""
        with self._connect() as connection, connection.transaction():
            self._take_turn(connection)
            connection.execute(self._sql(_TABLE))

    def extend(self, chain: Chain, write: Callable[[Head, bytes], bytes]) -> None:
        with self._lock:
            connection = self._here()
            try:
                with connection.transaction():
                    self.add(connection, chain, write)
            except BaseException:
                if connection.closed or connection.broken:
                    self._connection = None
                raise

    def within(self, connection: "psycopg.Connection[Any]") -> "_Within":
        """A ledger that adds in the transaction of `connection`: both are kept, or neither.

        Other writers wait until that transaction ends: append last. In a pipeline of the
        connection (`connection.pipeline()`) the lines are sent with what follows them, as a commit.
        """
        return _Within(self, connection)

    def lines(self) -> Iterator[bytes]:
        """Every line of one snapshot, fetched 1,000 at a time."""
        with (
            self._connect() as connection,
            connection.transaction(),
            connection.cursor(name="audit") as cursor,
        ):
            cursor.itersize = 1000
            cursor.execute(self._sql("SELECT line FROM {table} ORDER BY sequence"))
            for (line,) in cursor:
                yield line.encode()

    def close(self) -> None:
        """Close the connection (R225); a later append opens another."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def add(
        self,
        connection: "psycopg.Connection[Any]",
        chain: Chain,
        write: Callable[[Head, bytes], bytes],
    ) -> None:
        """`extend` within the transaction that `connection` is in."""
        with _together(connection):  # a turn is waited for once, not once a question
            self._take_turn(connection)
            row = connection.execute(self._sql(_LAST)).fetchone()
        line = b"" if row is None else row[0].encode()
        record = chain.read(line) if line else None
        if line and record is None:  # a transaction leaves nothing torn: somebody changed it
            raise AuditBroken
        added = write(GENESIS if record is None else record.head, b"")
        sequence = 0 if record is None else record.sequence
        for number, made in enumerate(split_lines(added), sequence + 1):
            connection.execute(self._sql(_ADD), (number, made.decode()))

    def _take_turn(self, connection: "psycopg.Connection[Any]") -> None:
        """Wait for the writer before; its transaction's end is our turn."""
        connection.execute(_TURN, (f"fairway {self._table}",))

    def _here(self) -> "psycopg.Connection[Any]":
        """This process's connection: one that was inherited by fork is its parent's."""
        if self._process != os.getpid():
            self._connection = None
            self._process = os.getpid()
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> "psycopg.Connection[Any]":
        import psycopg

        options = f"-c statement_timeout={_QUERY_MS}"
        return psycopg.connect(self._url, autocommit=True, connect_timeout=5, options=options)

    def _sql(self, text: str) -> bytes:
        return _named(text, self._table)


@cache
def _named(text: str, table: str) -> bytes:
    """The statement of this table; names are quoted."""
    from psycopg import sql

    names = {"table": sql.Identifier(table), "refuse": sql.Identifier(f"{table}_refuse")}
    return sql.SQL(text).format(**names).as_bytes()  # pyright: ignore[reportArgumentType] (constants above)


def _together(connection: "psycopg.Connection[Any]") -> AbstractContextManager[object]:
    """Statements in one round trip, each of which sees what the ones before it waited for."""
    import psycopg

    if not psycopg.Pipeline.is_supported() or connection.pgconn.pipeline_status:
        return nullcontext()  # there is none, or it is the caller's
    return connection.pipeline()


class _Within:
    """A `PostgresLedger` in somebody's transaction."""

    def __init__(self, ledger: PostgresLedger, connection: "psycopg.Connection[Any]") -> None:
        self._ledger = ledger
        self._connection = connection

    def extend(self, chain: Chain, write: Callable[[Head, bytes], bytes]) -> None:
        self._ledger.add(self._connection, chain, write)

    def lines(self) -> Iterator[bytes]:
        return self._ledger.lines()
