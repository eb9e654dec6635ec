"""Records what was done before its answer goes out: in the database, or on disk until that can.

One thread writes for all requests of a process: those that wait together go in one transaction,
the history's row and the audit log's record at once. While the database is away they go to the
spool, and from there to the database, in order, each exactly once, when it is back. So the log
has no gap. Where neither can take a record, `NotRecorded` says that the work must not count.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from fairway_runtime.audit_chain import AuditBroken
from fairway_runtime.business import count, level
from longrun.database import Database, Unavailable
from longrun.spool import Entry, Spool, SpoolFull
from longrun.trail import Trail

__all__ = ["NotRecorded", "Recorder"]

log = logging.getLogger(__name__)

MOST_AT_ONCE = 100
WAIT_SECONDS = 2.0  # then the disk takes it: the database hangs
AGAIN_SECONDS = 0.5
END_SECONDS = 5.0


class NotRecorded(Exception):
    """Neither the database nor the disk took the record. Its text is fit for a user."""


class Recorder:
    """One process's way into history and audit log; its thread begins with the first record."""

    def __init__(self, database: Database, trail: Trail, spool: Spool) -> None:
        self._database = database
        self._trail = trail
        self._spool = spool
        self._wakes = threading.Condition()
        self._waiting: list[tuple[Entry, Future[bool]]] = []
        self._is_over = False
        self._is_broken = False  # as of the last try: said once
        self._thread: threading.Thread | None = None

    @property
    def backlog(self) -> int:
        """How many records wait on this machine's disk."""
        return len(self._spool)

    def begin(self) -> None:
        """Start, and take over what other processes left behind."""
        self._submit(None)

    def keep(self, entry: Entry) -> bool:
        """Record; True: the audit log has it, False: it will. Raises `NotRecorded`."""
        kept = self._submit(entry)
        try:
            return kept.result(WAIT_SECONDS)
        except FutureTimeout:
            return self._keep_on_disk(entry)

    async def keep_async(self, entry: Entry) -> bool:
        """`keep` for tasks."""
        kept = asyncio.wrap_future(self._submit(entry))
        try:
            return await asyncio.wait_for(asyncio.shield(kept), WAIT_SECONDS)
        except TimeoutError:
            kept.add_done_callback(_seen)
            return await asyncio.to_thread(self._keep_on_disk, entry)

    def close(self) -> None:
        """Write what waits, for up to 5 s; what is left stays on disk for the next process."""
        with self._wakes:
            self._is_over = True
            self._wakes.notify()
        if self._thread is not None:
            self._thread.join(END_SECONDS)
        self._spool.close()

    def _keep_on_disk(self, entry: Entry) -> bool:
        try:
            self._spool.add([entry])
        except (SpoolFull, OSError) as error:
            raise _not_recorded(error) from error
        return False

    def _submit(self, entry: Entry | None) -> "Future[bool]":
        kept: Future[bool] = Future()
        with self._wakes:
            if entry is not None:
                self._waiting.append((entry, kept))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
                self._thread.start()
            self._wakes.notify()
        return kept

    def _run(self) -> None:
        self._adopt()
        while True:
            with self._wakes:
                if not self._waiting and not self._is_over:
                    self._wakes.wait(AGAIN_SECONDS if self._spool else None)
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                is_over = self._is_over and not self._waiting
            try:
                self._drain()
                self._write(batch)
            except Exception as error:  # the thread must live: everybody waits for it
                log.exception("recording failed")
                for _, kept in batch:
                    if not kept.done():
                        kept.set_exception(_not_recorded(error))
            level("records_waiting", len(self._spool))
            if is_over:
                return

    def _adopt(self) -> None:
        try:
            found = self._spool.adopt()
        except (SpoolFull, OSError):
            log.exception("what another process left behind can't be read")
            return
        if found:
            log.warning("%d records of a process that ended go to the audit log now", found)

    def _write(self, batch: Sequence[tuple[Entry, "Future[bool]"]]) -> None:
        """To the database, after what waited on disk; or to the disk."""
        if not batch:
            return
        entries = [entry for entry, _ in batch]
        is_there = False
        if not self._spool:
            is_there = self._try(entries)
        error: Exception | None = None
        if not is_there:
            try:
                self._spool.add(entries)
                count("records_spooled_total", len(entries))
            except (SpoolFull, OSError) as full:
                error = _not_recorded(full)
        for _, kept in batch:
            if error is None:
                kept.set_result(is_there)
            else:
                kept.set_exception(error)

    def _drain(self) -> None:
        began = time.monotonic()
        while self._spool and time.monotonic() - began < AGAIN_SECONDS:
            entries = self._spool.oldest(MOST_AT_ONCE)
            if not self._try(entries):
                return
            self._spool.drop(len(entries))
            if not self._spool:
                log.warning("the database is back: the audit log has what waited for it")
                self._adopt()

    def _try(self, entries: Sequence[Entry]) -> bool:
        try:
            self._database.transact(lambda connection: self._trail.put(connection, entries))
        except Unavailable:
            if not self._spool:
                log.warning("the database is away: records go to this machine's disk")
            return False
        except (AuditBroken, OSError) as error:
            if not self._is_broken:
                log.error("the audit log takes no record: %s", error)  # noqa: TRY400 (its text says all)
            self._is_broken = True
            return False
        self._is_broken = False
        return True


def _not_recorded(error: Exception) -> NotRecorded:
    return NotRecorded(
        str(error)
        if isinstance(error, SpoolFull)
        else "this can't be recorded now, so it does not count; try again in a moment"
    )


def _seen(kept: "asyncio.Future[bool]") -> None:
    """Nobody waits for it any more: what it says is not told twice."""
    if not kept.cancelled():
        kept.exception()
