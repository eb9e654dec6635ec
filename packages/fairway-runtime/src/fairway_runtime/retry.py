"""Retries: a failed call again after 1, 2 and 4 s, within a budget and a deadline (R230, C2).

    @Retry("prices", on=(TimeoutError, ConnectionError))
    async def prices(): ...

Only for what may safely be done twice. Time, sleep and chance arrive as arguments.
"""

import asyncio
import functools
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

from fairway_runtime.calls import Rejected, is_async
from fairway_runtime.figures import Figure, roll

__all__ = ["Budget", "Retry"]

P = ParamSpec("P")
R = TypeVar("R")


class Budget:
    """How many retries may happen: at most `reserve` + `ratio` x calls, ever.

    A bucket of `reserve` tokens, full at first: each call adds `ratio` (0.2) of a token, each
    retry takes one. When everything fails, retries so add 20 % of load and not 300 %; the
    reserve (10) lets a quiet process retry at all. Thread-safe; several `Retry` may share one.
    """

    def __init__(self, ratio: float = 0.2, reserve: float = 10.0) -> None:
        if ratio < 0 or reserve < 0:
            raise ValueError("a retry budget's ratio and reserve are 0 or more")
        self._ratio = ratio
        self._reserve = reserve
        self._tokens = reserve
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call was made."""
        if self._tokens >= self._reserve:  # full: nothing to add, the common case
            return
        with self._lock:
            self._tokens = min(self._reserve, self._tokens + self._ratio)

    def spend(self) -> bool:
        """Take one retry; False where none is left."""
        with self._lock:
            if self._tokens < 1.0 - 1e-9:  # five fifths make one
                return False
            self._tokens -= 1.0
            return True


class Retry:
    """Calls again after an exception named in `on`; the last one is raised as it is.

    The wait before retry n (from 1) is min(`ceiling_seconds`, `first_seconds` x 2^(n-1)): 1, 2,
    4 s for the 3 `retries` of C2; more retries would wait 8 s each. With `jitter` (the default)
    each wait is drawn evenly from 0 to that, or all replicas that lost the same server would come
    back to it in step; `jitter=False` waits exactly.

    No retry is made that could begin only after `deadline_seconds` since the first attempt, none
    that `budget` does not allow, and none for a `Rejected` call. Attempts themselves are not cut:
    a timeout belongs inside the function.
    """

    def __init__(  # noqa: PLR0913 (keywords with defaults, each of which an app may tune)
        self,
        name: str,
        *,
        on: tuple[type[Exception], ...],
        retries: int = 3,
        first_seconds: float = 1.0,
        ceiling_seconds: float = 8.0,
        jitter: bool = True,
        deadline_seconds: float | None = None,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        async_sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if retries < 0 or first_seconds < 0 or ceiling_seconds < 0:
            raise ValueError(f"retry {name}: retries and seconds are 0 or more")
        self.name = name
        self._on = on
        self._waits = tuple(min(ceiling_seconds, first_seconds * 2**n) for n in range(retries))
        self._jitter = jitter
        self._deadline = float("inf") if deadline_seconds is None else deadline_seconds
        self._budget = Budget() if budget is None else budget
        self._clock = clock
        self._sleep = sleep
        self._async_sleep = async_sleep
        self._chance = chance
        self._lock = threading.Lock()
        self._counts = {"retried": 0, "gave_up": 0, "over_budget": 0}
        roll.add(self)

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """`function`, sync or async, tried again as this policy says."""
        clock, earn, on = self._clock, self._budget.earn, self._on
        if is_async(function):
            awaited = cast("Callable[P, Any]", function)

            @functools.wraps(function)
            async def call_async(*args: P.args, **kwargs: P.kwargs) -> object:
                earn()
                began = clock()
                retried = 0
                while True:
                    try:
                        return await awaited(*args, **kwargs)
                    except on as error:
                        wait = self._wait(error, retried, began)
                        if wait is None:
                            raise
                    retried += 1
                    await self._async_sleep(wait)

            return cast("Callable[P, R]", call_async)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            earn()
            began = clock()
            retried = 0
            while True:
                try:
                    return function(*args, **kwargs)
                except on as error:
                    wait = self._wait(error, retried, began)
                    if wait is None:
                        raise
                retried += 1
                self._sleep(wait)

        return call

    def figures(self) -> Iterator[Figure]:
        labels = (("retry", self.name),)
        for key, about in (
            ("retried", "Calls made again."),
            ("gave_up", "Calls that failed for good."),
            ("over_budget", "Retries that the budget did not allow."),
        ):
            yield Figure(f"retry_{key}_total", "counter", about, labels, self._counts[key])

    def _wait(self, error: Exception, retried: int, began: float) -> float | None:
        """Seconds until the next attempt, or None: give up."""
        word = "gave_up"
        if retried < len(self._waits) and not isinstance(error, Rejected):
            wait = self._waits[retried] * (self._chance() if self._jitter else 1.0)
            if self._clock() - began + wait <= self._deadline:
                if self._budget.spend():
                    with self._lock:
                        self._counts["retried"] += 1
                    return wait
                word = "over_budget"
        with self._lock:
            self._counts["gave_up"] += 1
            self._counts["over_budget"] += word == "over_budget"
        return None
