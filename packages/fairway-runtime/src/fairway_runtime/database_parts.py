"""What the databases for tasks and for threads share: policies, limits, options, figures.

Opens nothing itself, and imports no driver.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from fairway_runtime.calls import Rejected
from fairway_runtime.database_policy import Kind, Policy, kind_of
from fairway_runtime.database_settings import DatabaseSettings, Pool, fit
from fairway_runtime.figures import Figure, roll
from fairway_runtime.retry import Retry

if TYPE_CHECKING:
    from psycopg import sql

    Query = LiteralString | sql.SQL | sql.Composed

__all__ = ["LIMITS", "Parameters", "Parts", "Row"]

Parameters = Sequence[object] | Mapping[str, object] | None
Row = dict[str, Any]

_LOG = logging.getLogger("fairway.database")

# What is left for one role in one database: -1 in the catalogues means no limit.
LIMITS = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0),
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database())
"""


class Parts:
    """One database's parts; `stats` gives psycopg's own numbers of each pool that is open."""

    def __init__(
        self,
        settings: DatabaseSettings,
        name: str,
        policy: Policy | None,
        stats: Callable[[], Iterable[Mapping[str, int]]],
    ) -> None:
        self.settings = settings
        self.name = name
        self.policy = policy or Policy(name)
        self.read_policy = Policy(f"{name}-read", retry=_once, open_seconds=5.0)
        self._stats = stats
        self._fallbacks = 0
        roll.add(self)

    def figures(self) -> Iterator[Figure]:
        labels = (("database", self.name),)
        all_stats = list(self._stats())
        for figure, about, key in (
            ("database_connections", "Connections open.", "pool_size"),
            ("database_connections_idle", "Connections that nobody uses.", "pool_available"),
            ("database_waiting", "Calls that wait for a connection.", "requests_waiting"),
        ):
            value = sum(stats.get(key, 0) for stats in all_stats)
            yield Figure(figure, "gauge", about, labels, value)
        yield Figure(
            "database_read_fallbacks_total",
            "counter",
            "Reads that the primary did, because the replica was lost.",
            labels,
            self._fallbacks,
        )

    def plan(self, limits: Sequence[int]) -> Pool:
        """The pool that fits; an operator reads at boot how."""
        available = min(limit for limit in limits if limit >= 0)
        pool = fit(self.settings, available)
        for warning in pool.warnings:
            _LOG.warning("database %s: %s", self.name, warning)
        _LOG.info(
            "database %s: %d connections a process, %d processes, %d for all",
            *(self.name, pool.size, self.settings.processes, available),
        )
        return pool

    def unasked(self, error: Exception) -> Pool:
        """The pool for a server that can't be asked: what was wanted."""
        _LOG.warning(
            "database %s: can't be asked for its limits, pools of %d: %s",
            *(self.name, self.settings.pool_size, error),
        )
        return Pool(self.settings.pool_size)

    def options(self, *, is_reading: bool) -> dict[str, Any]:
        """How each connection is made; the server ends queries (R232), the kernel dead peers."""
        milliseconds = int(self.settings.query_seconds * 1000)
        options = f"-c statement_timeout={milliseconds}"
        if is_reading:
            options += " -c default_transaction_read_only=on"
        return {
            "autocommit": True,
            "connect_timeout": max(2, round(self.settings.wait_seconds)),
            "options": options,
            "tcp_user_timeout": milliseconds,
            "keepalives_idle": 30,
        }

    def must_fall_back(self, error: Exception) -> bool:
        """Whether the primary should do what the read replica could not."""
        is_gone = isinstance(error, Rejected) or kind_of(error) in (Kind.LOST, Kind.BUSY)
        self._fallbacks += is_gone
        return is_gone


def _once(name: str, on: tuple[type[Exception], ...]) -> Retry:
    """For the read replica: the primary is its second try."""
    return Retry(name, on=on, retries=0)
