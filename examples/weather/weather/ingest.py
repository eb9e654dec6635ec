"""Loads what is new among the station files: `python -m weather.ingest`.

Purpose: decide which files are loaded, by whom, and what becomes of the load when something
fails. How a line is judged is in `weather.lines`, how a row is stored in the stores.

Each file is one transaction, together with the note that this version of it is loaded. So a load
may be killed at any point: what was committed stays, what was not is done by the next load, and
nothing is stored twice. SIGTERM stops between two chunks and exits with 143.
"""

import argparse
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from weather.files import FileVersion, Source, Unreadable, open_source
from weather.jobs import Counts, JobRecord
from weather.lines import Batch, Judge, Reject, station_of, whole_lines
from weather.settings import Settings, log_to_stderr
from weather.store import Loaded, Store, database_errors, open_store

__all__ = ["Outcome", "ingest", "main"]

log = logging.getLogger("weather.ingest")

PROGRESS_SECONDS = 0.5
BEAT_SECONDS = 10.0
MANY_ROWS = 50_000  # worth a vacuum at once; fewer wait for the database's own
EXIT_TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a load ended: `succeeded`, `failed` (some files, or all) or `interrupted`."""

    job: str
    status: str
    counts: Counts
    seconds: float
    error: str | None

    @property
    def exit_code(self) -> int:
        return {"succeeded": 0, "failed": 1, "interrupted": EXIT_TERMINATED}[self.status]


class Interrupted(Exception):
    """The load was asked to stop in the middle of a file, whose transaction is given up."""


@dataclass
class Tally:
    """What the loading threads report, and where they look whether to go on."""

    stop: threading.Event
    counts: Counts
    errors: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, loaded: Loaded | None) -> None:
        """Count a file; none is a file that another load stored meanwhile."""
        with self._lock:
            old = self.counts
            self.counts = Counts(
                old.files_found,
                old.files_unchanged + (loaded is None),
                old.files_loaded + (loaded is not None),
                old.rows_added + (loaded.rows_added if loaded else 0),
                old.rows_known + (loaded.rows_known if loaded else 0),
                old.lines_rejected + (loaded.lines_rejected if loaded else 0),
            )

    def fail(self, error: str) -> None:
        log.error("%s", error)
        with self._lock:
            self.errors.append(error)


def ingest(store: Store, source: Source, job: str, stop: threading.Event) -> Outcome:
    """Load every file version that was not loaded before, and keep the job's row up to date."""
    started = time.monotonic()
    record = JobRecord(store, job)
    tally = Tally(stop, Counts())
    status = "failed"
    try:
        with store.alone(waiting=_patience(record, stop)):
            record.begin()
            _load_new_files(store, source, record, tally)
            if tally.counts.rows_added >= MANY_ROWS and not stop.is_set():
                store.tidy()
            status = "failed" if tally.errors else "succeeded"
    except Interrupted:
        status = "interrupted"
    except Unreadable as error:
        tally.fail(str(error))
    except BaseException as error:
        with suppress(Exception):  # the database may be what is broken
            record.finish("failed", f"{type(error).__name__}: {error}")
        raise
    error = "; ".join(tally.errors[:5]) or None
    record.progress(tally.counts)
    record.finish(status, error)
    return Outcome(job, status, tally.counts, time.monotonic() - started, error)


def _load_new_files(store: Store, source: Source, record: JobRecord, tally: Tally) -> None:
    versions = source.versions()
    done = store.loaded(versions)
    tally.counts = Counts(files_found=len(versions), files_unchanged=len(done))
    record.progress(tally.counts)
    todo: queue.SimpleQueue[FileVersion] = queue.SimpleQueue()
    new = [version for version in versions if version not in done]
    for version in new:
        todo.put(version)
    log.info("%d files, %d of them new", len(versions), len(new))
    workers = [
        Worker(store, source, record.id, todo, tally) for _ in range(min(store.workers, len(new)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(PROGRESS_SECONDS)
            record.progress(tally.counts)
    for worker in workers:
        if worker.broken_by:
            raise worker.broken_by
    if not todo.empty():
        raise Interrupted


class Worker(threading.Thread):
    """Takes files until none is left. What the database raises ends it, and the whole load."""

    def __init__(
        self,
        store: Store,
        source: Source,
        job: str,
        todo: "queue.SimpleQueue[FileVersion]",
        tally: Tally,
    ) -> None:
        super().__init__(daemon=True)
        self._store, self._source, self._job = store, source, job
        self._todo, self._tally = todo, tally
        self.broken_by: BaseException | None = None

    def run(self) -> None:
        try:
            self._take_files()
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self.broken_by = error
            while not self._todo.empty():  # nothing is left for the other workers
                self._next()

    def _take_files(self) -> None:
        judge = Judge(datetime.now(UTC).date())
        with self._store.loader() as loader:
            while (version := self._next()) and not self._tally.stop.is_set():
                station = station_of(version.key)
                batches = self._judged(judge, version) if station else _no_station()
                try:
                    self._tally.add(loader.load(version, station, self._job, batches))
                except Unreadable as error:
                    self._tally.fail(str(error))

    def _next(self) -> FileVersion | None:
        try:
            return self._todo.get_nowait()
        except queue.Empty:
            return None

    def _judged(self, judge: Judge, version: FileVersion) -> Iterator[Batch]:
        judge.begin()
        for text in whole_lines(self._source.read(version)):
            if self._tally.stop.is_set():
                raise Interrupted
            yield judge.judge(text)


def _no_station() -> Iterator[Batch]:
    yield Batch(b"", Counter(), (Reject(0, "malformed: the file's name is no station's id", ""),))


def _patience(record: JobRecord, stop: threading.Event) -> Callable[[], None]:
    """What to do while another load is at it: keep the queued job alive, and heed SIGTERM."""
    beats_at = 0.0

    def waiting() -> None:
        nonlocal beats_at
        if stop.is_set():
            raise Interrupted
        if time.monotonic() >= beats_at:
            beats_at = time.monotonic() + BEAT_SECONDS
            log.info("waiting: another load is at work")
            record.beat()

    return waiting


def _stop(stop: threading.Event, *_: object) -> None:
    stop.set()


def main(arguments: list[str] | None = None) -> int:
    """Load, print the outcome as one line of JSON, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m weather.ingest", description=__doc__)
    parser.add_argument("--job", default=str(uuid.uuid4()), help="the id of a queued load")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment(os.environ)
    log_to_stderr(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, stop))
    try:
        with open_store(settings) as store:
            outcome = ingest(store, open_source(settings), options.job, stop)
    except database_errors(settings) as error:
        print(f"the database: {str(error).strip()}", file=sys.stderr)
        return 1
    print(
        json.dumps(
            {
                "job": outcome.job,
                "status": outcome.status,
                "seconds": round(outcome.seconds, 2),
                **outcome.counts.params(),
                "error": outcome.error,
            }
        )
    )
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
