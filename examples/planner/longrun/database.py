"""The database, which may be away at any time: the runtime's engines, and one error for it.

Pools, deadlines (5 s a statement, R232), retries (R230) and the breaker (R227 to R229) are
`fairway_runtime.database_engines`'s. Here its errors become `Unavailable`, fit for a user.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from fairway_runtime.breaker import BreakerOpen
from fairway_runtime.database_engines import Engines
from fairway_runtime.database_policy import Policy
from fairway_runtime.database_settings import DatabaseSettings
from fairway_runtime.retry import Retry
from longrun.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Database", "Unavailable"]

# What retries may take beyond the time of a statement.
RETRYING = 15.0
AWAY = "the database does not answer; try again in a moment"
Result = TypeVar("Result")


class Unavailable(Exception):
    """The database did not answer. Its text is fit for a user."""


class Database:
    """One pool of a process. Opens no connection before it is asked something.

    A patient one tries again up to three times, waiting up to 1, 2 and 4 s: for what a person
    waits for. An impatient one says at once that the database is away: for what has another way.

    The server ends a statement after 5 s, the kernel a connection whose peer is gone. A server
    that hangs does neither: so questions are asked by threads of this pool, which are left to
    themselves when they are late, and while all of them are, nobody else waits.
    """

    def __init__(
        self, settings: Settings, name: str, *, connections: int, is_patient: bool = True
    ) -> None:
        policy = Policy(
            name, retry=None if is_patient else _once, open_seconds=settings.breaker_seconds
        )
        wanted = DatabaseSettings(
            settings.database_url,
            pool_size=connections,
            processes=settings.processes,
            query_seconds=settings.query_seconds,
        )
        self._engines = Engines(wanted, name=name, policy=policy)
        self._opening, self._lock = threading.Lock(), threading.Lock()
        self._seconds = settings.query_seconds + (RETRYING if is_patient else 0.0)
        self._threads = ThreadPoolExecutor(connections, f"database-{name}")
        self._most_late, self._late = connections, 0
        self.is_away = False  # as of the last question

    def read(self, work: "Callable[[Connection], Result]") -> Result:
        """`work` that changes nothing. Raises `Unavailable`."""
        return self._ask(lambda: self._engines.read(work))

    def transact(self, work: "Callable[[Connection], Result]") -> Result:
        """`work` in one transaction. Raises `Unavailable`."""
        return self._ask(lambda: self._engines.transact(work))

    def rows(self, statement: str, **values: object) -> list[Any]:
        """The rows of one query."""
        from sqlalchemy import text

        return self.read(lambda connection: list(connection.execute(text(statement), values)))

    def is_there(self, seconds: float) -> bool:
        """Whether it answers within `seconds`."""
        from sqlalchemy import text

        try:
            self._ask(
                lambda: self._engines.read(lambda c: c.execute(text("select 1")).close()), seconds
            )
        except Unavailable:
            return False
        return True

    def close(self) -> None:
        """Give all connections back."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engines.close()

    def _ask(self, question: Callable[[], Result], seconds: float = 0.0) -> Result:
        """The answer of a thread of ours, if it comes in time."""
        if self._late >= self._most_late:
            self.is_away = True
            raise Unavailable(AWAY)
        asked = self._threads.submit(copy_context().run, self._answer, question)
        try:
            return asked.result(seconds or self._seconds)
        except FutureTimeout:
            if asked.cancel():  # it was never begun: others are late
                raise Unavailable(AWAY) from None
            self.is_away = True
            with self._lock:
                self._late += 1
            asked.add_done_callback(self._is_late_no_more)
            raise Unavailable(AWAY) from None

    def _is_late_no_more(self, _: "Future[Any]") -> None:
        with self._lock:
            self._late -= 1

    def _answer(self, question: Callable[[], Result]) -> Result:
        from psycopg import Error as DriverError  # of who talks to the driver itself
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.exc import TimeoutError as PoolTimeout

        try:
            if self._engines.primary is None:
                with self._opening:
                    if self._engines.primary is None:
                        self._engines.open()
            found = question()
        except (DBAPIError, DriverError, PoolTimeout, BreakerOpen) as error:
            self.is_away = True
            raise Unavailable(AWAY) from error
        self.is_away = False
        return found


def _once(name: str, on: tuple[type[Exception], ...]) -> Retry:
    return Retry(name, on=on, retries=0)
