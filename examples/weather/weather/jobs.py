"""The record of loads: one row each, so that any replica can say how a load is doing.

Purpose: the statements and the rules of that row. `queued` is a load that the API asked for and
that has not begun; at most one is. A load says that it lives by its heartbeat; without one for
`STALE_SECONDS` it is taken for interrupted, whatever its row says.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from weather.store import Params, Store, now

__all__ = [
    "ACTIVE",
    "ENQUEUE",
    "FAIL_IF_ACTIVE",
    "GIVE_UP_STALE",
    "QUEUED",
    "REJECTS",
    "SELECT",
    "STALE_SECONDS",
    "Counts",
    "JobRecord",
    "is_stale",
    "stale_before",
]

STALE_SECONDS = 60
ACTIVE = ("queued", "running")

ENQUEUE = """
insert into job (id, status, created_at, heartbeat_at) values (:id, 'queued', :now, :now)
on conflict do nothing
"""
QUEUED = "select id from job where status = 'queued'"
GIVE_UP_STALE = """
update job set status = 'interrupted' where status = 'queued' and heartbeat_at < :before
"""
SELECT = """
select id, status, created_at, heartbeat_at, started_at, finished_at, files_found,
    files_unchanged, files_loaded, rows_added, rows_known, lines_rejected, error
from job where id = :id
"""
REJECTS = """
select key, line, reason, raw from quarantine join loaded_file using (key, etag)
where job = :id order by key, line limit 20
"""
FAIL_IF_ACTIVE = """
update job set status = 'failed', finished_at = :now, error = :error
where id = :id and status in ('queued', 'running')
"""

BEGIN = """
insert into job (id, status, created_at, heartbeat_at, started_at)
values (:id, 'running', :now, :now, :now)
on conflict (id) do update set status = 'running', heartbeat_at = :now, started_at = :now
"""
BEAT = "update job set heartbeat_at = :now where id = :id"
PROGRESS = """
update job set heartbeat_at = :now, files_found = :files_found,
    files_unchanged = :files_unchanged, files_loaded = :files_loaded, rows_added = :rows_added,
    rows_known = :rows_known, lines_rejected = :lines_rejected
where id = :id
"""
FINISH = "update job set status = :status, finished_at = :now, error = :error where id = :id"


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a load has come."""

    files_found: int = 0
    files_unchanged: int = 0
    files_loaded: int = 0
    rows_added: int = 0
    rows_known: int = 0
    lines_rejected: int = 0

    def params(self) -> Params:
        return {name: getattr(self, name) for name in self.__slots__}


class JobRecord:
    """The row of one load, as the process that does it writes it."""

    def __init__(self, store: Store, job: str) -> None:
        self._store = store
        self.id = job

    def beat(self) -> None:
        """Say that the load lives, while it waits; without a row, that it has none yet."""
        self._store.run(BEAT, {"id": self.id, "now": now()})

    def begin(self) -> None:
        self._store.run(BEGIN, {"id": self.id, "now": now()})

    def progress(self, counts: Counts) -> None:
        self._store.run(PROGRESS, {"id": self.id, "now": now(), **counts.params()})

    def finish(self, status: str, error: str | None) -> None:
        self._store.run(FINISH, {"id": self.id, "now": now(), "status": status, "error": error})


def is_stale(status: str, heartbeat_at: datetime) -> bool:
    """Whether a load that should be alive has not said so for too long."""
    if heartbeat_at.tzinfo is None:
        heartbeat_at = heartbeat_at.replace(tzinfo=UTC)
    age = datetime.now(UTC) - heartbeat_at
    return status in ACTIVE and age > timedelta(seconds=STALE_SECONDS)


def stale_before() -> str:
    """The time before which a heartbeat is too old."""
    moment = datetime.now(UTC) - timedelta(seconds=STALE_SECONDS)
    return moment.isoformat(timespec="milliseconds")
