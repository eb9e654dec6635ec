"""What happens to database work that fails: again, at once refused, or told as it is.

A breaker stops asking a server that is gone (R227); retries repeat what certainly did not happen
(R230). Any driver's errors are told by their SQLSTATE. No driver is imported here.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TypeVar

from fairway_runtime.breaker import Breaker
from fairway_runtime.retry import Retry

__all__ = ["Kind", "Policy", "kind_of"]

Result = TypeVar("Result")


class Kind(Enum):
    """What an error says about the server, and about the work."""

    LOST = "lost"  # the server or the connection is gone: repeat, and count against the server
    BUSY = "busy"  # no connection was free in time: count, don't repeat
    AGAIN = "again"  # the server undid it, and asks for it again
    ANSWER = "answer"  # an error like any other: the server works


# https://www.postgresql.org/docs/16/errcodes-appendix.html, read in November 2026.
_LOST_CLASS = "08"
_LOST_CODES = ("57P01", "57P02", "57P03")
_AGAIN_CODES = ("40001", "40P01")
_FULL_CODES = ("53300",)


def kind_of(error: BaseException) -> Kind:
    """What kind a psycopg or SQLAlchemy error is; errors of others are answers."""
    original = getattr(error, "orig", None)
    if isinstance(original, BaseException):  # SQLAlchemy's wrapping
        return kind_of(original)
    name = type(error).__name__
    if not type(error).__module__.startswith(("psycopg", "sqlalchemy")):
        return Kind.ANSWER
    if name in {"PoolTimeout", "TooManyRequests"} or (
        name == "TimeoutError" and type(error).__module__.startswith("sqlalchemy")
    ):
        return Kind.BUSY
    code: object = getattr(error, "sqlstate", None)
    if code is None:  # the driver's own: it lost the connection, or never had one
        return Kind.LOST if name in {"OperationalError", "ConnectionTimeout"} else Kind.ANSWER
    text = str(code)
    if text in _AGAIN_CODES:
        return Kind.AGAIN
    if text in _FULL_CODES:
        return Kind.BUSY
    return Kind.LOST if text.startswith(_LOST_CLASS) or text in _LOST_CODES else Kind.ANSWER


class _Failed(Exception):
    """Carries an error through breaker and retry, which tell it by its class."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


class _Lost(_Failed): ...


class _Busy(_Failed): ...


class _Again(_Failed): ...


class _LostForGood(_Failed):
    """Lost where nobody knows whether the work happened: never repeated."""


_CLASSES = {Kind.LOST: _Lost, Kind.BUSY: _Busy, Kind.AGAIN: _Again}


class Work:
    """One attempt's own state: set `may_have_happened` right before a commit is sent."""

    __slots__ = ("may_have_happened",)

    def __init__(self) -> None:
        self.may_have_happened = False


class Policy:
    """Retry around breaker around one attempt; the error that comes out is the driver's own.

    `retry` (by default R230's: 3 times, up to 1, 2 and 4 s) is asked for its waits; `breaker`
    opens after 5 losses in a row for 30 s, and raises `BreakerOpen`.
    """

    def __init__(
        self,
        name: str,
        *,
        retry: Callable[[str, tuple[type[Exception], ...]], Retry] | None = None,
        open_seconds: float = 30.0,
    ) -> None:
        label = f"database-{name}"
        self.breaker = Breaker(
            label, open_seconds=open_seconds, counts=(_Lost, _Busy, _LostForGood)
        )
        make = retry or _retry
        again = make(label, (_Lost, _Again))
        self._call = again(self.breaker(_attempt))
        self._call_async = again(self.breaker(_attempt_async))

    def call(self, work: Callable[[Work], Result]) -> Result:
        """`work` until it succeeds, or its error."""
        try:
            return self._call(work)
        except _Failed as failed:
            raise failed.error from failed.error.__cause__

    async def call_async(self, work: Callable[[Work], Awaitable[Result]]) -> Result:
        """`call` for async work."""
        try:
            return await self._call_async(work)
        except _Failed as failed:
            raise failed.error from failed.error.__cause__


def _retry(name: str, on: tuple[type[Exception], ...]) -> Retry:
    return Retry(name, on=on)


def _attempt(work: Callable[[Work], Result]) -> Result:
    state = Work()
    try:
        return work(state)
    except Exception as error:
        _sort(error, state)
        raise


async def _attempt_async(work: Callable[[Work], Awaitable[Result]]) -> Result:
    state = Work()
    try:
        return await work(state)
    except Exception as error:
        _sort(error, state)
        raise


def _sort(error: Exception, state: Work) -> None:
    """Raise what breaker and retry understand; return where the error is to be raised as it is."""
    kind = kind_of(error)
    if kind is Kind.LOST and state.may_have_happened:
        raise _LostForGood(error) from error
    if kind in _CLASSES:
        raise _CLASSES[kind](error) from error
