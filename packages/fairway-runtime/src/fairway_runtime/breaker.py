"""A circuit breaker: stops asking what keeps failing, and tries again with one request (R227-R229).

    payments = Breaker("payments")

    @payments
    async def charge(order): ...

    with payments.guard():  # or `async with`
        ...

It decides and counts; it never waits and never retries. Thread-safe, and safe between tasks.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from fairway_runtime.calls import Rejected, is_async
from fairway_runtime.figures import Figure, roll

__all__ = ["Breaker", "BreakerOpen", "State"]

P = ParamSpec("P")
R = TypeVar("R")


class State(Enum):
    """Where a breaker stands; the value is what the metric `breaker_state` shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


_CLOSED = State.CLOSED  # on the path of every call, where Python 3.11 looks members up slowly


class BreakerOpen(Rejected):
    """The call was not made; `retry_seconds` until the next one may be (0: one is trying now)."""

    def __init__(self, name: str, retry_seconds: float) -> None:
        self.name = name
        self.retry_seconds = retry_seconds
        super().__init__(f"breaker {name} is open; try again in {retry_seconds:.1f} s")


class Breaker:
    """Opens after `failures` failed calls in a row, for `open_seconds`; then one call decides.

    CLOSED: every call is made; `failures` (5) in a row open it (R227). OPEN: each call raises
    `BreakerOpen` at once for `open_seconds` (30; R228). HALF-OPEN: the first call after that is
    made, the others are rejected until it ends: success closes, failure opens for another
    `open_seconds` (R229).

    A failure is an exception that is one of `counts` and none of `ignores`. Any other `Exception`
    proves that somebody answered, and counts as success. A call that was cancelled, or ended by
    Ctrl-C, proves nothing: so put a timeout *inside* the guarded call, where it is an exception.

    The outcome of a call that began before the last change of state counts no more.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        open_seconds: float = 30.0,
        counts: tuple[type[Exception], ...] = (Exception,),
        ignores: tuple[type[Exception], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if failures < 1 or open_seconds < 0:
            raise ValueError(f"breaker {name}: failures from 1 and open_seconds from 0")
        self.name = name
        self._most = failures
        self._open_seconds = open_seconds
        self._counts = counts
        self._ignores = ignores
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._epoch = 0  # changes with the state: an outcome belongs to the epoch it began in
        self._in_a_row = 0
        self._opened_at = 0.0
        self._is_trying = False
        self._rejections = 0
        self._failures = 0
        self._openings = 0
        roll.add(self)

    @property
    def state(self) -> State:
        """The state; an open breaker whose time is over is HALF-OPEN, though nobody tried yet."""
        with self._lock:
            self._let_time_pass()
            return self._state

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """`function`, sync or async, guarded by this breaker."""
        if is_async(function):
            awaited = cast("Callable[P, Any]", function)

            @functools.wraps(function)
            async def call_async(*args: P.args, **kwargs: P.kwargs) -> object:
                permit = self.admit()
                try:
                    result = await awaited(*args, **kwargs)
                except BaseException as error:
                    self.settle(permit, error)
                    raise
                self.settle(permit, None)
                return result

            return cast("Callable[P, R]", call_async)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            permit = self.admit()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                self.settle(permit, error)
                raise
            if self._in_a_row or self._state is not _CLOSED:
                self.settle(permit, None)
            return result

        return call

    def guard(self) -> "Guard":
        """One guarded block: `with breaker.guard():` or `async with breaker.guard():`."""
        return Guard(self)

    def admit(self) -> int:
        """Ask for one call: a permit for `settle`, or `BreakerOpen`."""
        epoch = self._epoch  # before the state: an old epoch with a new state is only ignored
        state = self._state
        if state is _CLOSED:
            return epoch
        with self._lock:
            now = self._let_time_pass()
            if self._state is State.CLOSED:
                return self._epoch
            if self._state is State.HALF_OPEN and not self._is_trying:
                self._is_trying = True
                return self._epoch
            self._rejections += 1
            left = 0.0
            if self._state is State.OPEN:
                left = self._opened_at + self._open_seconds - now
        raise BreakerOpen(self.name, left)

    def settle(self, permit: int, error: BaseException | None) -> None:
        """Say how the call of `permit` ended: with `error`, or well."""
        if error is None and not self._in_a_row and self._state is _CLOSED:
            return
        with self._lock:
            is_failure = isinstance(error, self._counts) and not isinstance(error, self._ignores)
            self._failures += is_failure
            if permit != self._epoch or self._state is State.OPEN:
                return
            if error is not None and not isinstance(error, Exception):
                self._is_trying = False  # cut, not failed: the next call tries
            elif not is_failure:
                self._in_a_row = 0
                if self._state is State.HALF_OPEN:
                    self._change(State.CLOSED)
            else:
                self._in_a_row += 1
                if self._state is State.HALF_OPEN or self._in_a_row >= self._most:
                    self._opened_at = self._clock()
                    self._openings += 1
                    self._change(State.OPEN)

    def figures(self) -> Iterator[Figure]:
        labels = (("breaker", self.name),)
        state = self.state.value
        yield Figure("breaker_state", "gauge", "0 closed, 1 half-open, 2 open.", labels, state)
        for name, about, value in (
            ("breaker_rejections_total", "Calls that were not made.", self._rejections),
            ("breaker_failures_total", "Calls that failed.", self._failures),
            ("breaker_openings_total", "Times that it opened.", self._openings),
        ):
            yield Figure(name, "counter", about, labels, value)

    def _let_time_pass(self) -> float:
        now = self._clock()
        if self._state is State.OPEN and now - self._opened_at >= self._open_seconds:
            self._change(State.HALF_OPEN)
        return now

    def _change(self, state: State) -> None:
        self._state = state
        self._epoch += 1
        self._in_a_row = 0
        self._is_trying = False


class Guard:
    """One block's permit; made by `Breaker.guard`, used once."""

    __slots__ = ("_breaker", "_permit")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._permit = 0

    def __enter__(self) -> Self:
        self._permit = self._breaker.admit()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._breaker.settle(self._permit, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._breaker.settle(self._permit, error)
