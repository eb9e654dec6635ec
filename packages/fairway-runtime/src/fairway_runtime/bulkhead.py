"""A bulkhead: at most so many calls at once, so that one slow dependency can't take every worker.

    reports = Bulkhead("reports", most=4, waiting=8)

    @reports
    def render(): ...

    async with reports:  # or `with`
        ...

First come, first served, over threads and event loops alike.
"""

import asyncio
import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Self, TypeVar, cast

from fairway_runtime.calls import Rejected, is_async
from fairway_runtime.figures import Figure, roll

__all__ = ["Bulkhead", "BulkheadFull"]

P = ParamSpec("P")
R = TypeVar("R")


class BulkheadFull(Rejected):
    """The call was not made: all places were taken, and those to wait in too."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"bulkhead {name} is full")


class _Waiter:
    """One caller in the queue; `wake` returns False where nobody is left to wake."""

    __slots__ = ("has_place", "wake")

    def __init__(self, wake: Callable[[], bool]) -> None:
        self.has_place = False
        self.wake = wake


class Bulkhead:
    """At most `most` calls run and `waiting` wait, each up to `wait_seconds`; others are rejected.

    A place that comes free is handed to the one who has waited longest. Rejection raises
    `BulkheadFull`. A task that is cancelled while it waits leaves the queue.
    """

    def __init__(
        self, name: str, *, most: int, waiting: int = 0, wait_seconds: float = 1.0
    ) -> None:
        if most < 1 or waiting < 0:
            raise ValueError(f"bulkhead {name}: most from 1 and waiting from 0")
        self.name = name
        self._most = most
        self._waiting = waiting
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._running = 0
        self._rejections = 0
        self._queue: deque[_Waiter] = deque()
        roll.add(self)

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """`function`, sync or async, within this bulkhead."""
        if is_async(function):
            awaited = cast("Callable[P, Any]", function)

            @functools.wraps(function)
            async def call_async(*args: P.args, **kwargs: P.kwargs) -> object:
                async with self:
                    return await awaited(*args, **kwargs)

            return cast("Callable[P, R]", call_async)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return call

    def __enter__(self) -> Self:
        if self._take():
            return self
        woken = threading.Event()

        def wake() -> bool:
            woken.set()
            return True

        waiter = self._enter(wake)
        if waiter is None:
            return self
        try:
            woken.wait(self._wait_seconds)
        except BaseException:  # Ctrl-C
            self._abandon(waiter)
            raise
        self._settle(waiter)
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    async def __aenter__(self) -> Self:
        if self._take():
            return self
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> bool:
            try:
                loop.call_soon_threadsafe(lambda: woken.done() or woken.set_result(None))
            except RuntimeError:  # its loop is closed
                return False
            return True

        waiter = self._enter(wake)
        if waiter is None:
            return self
        try:
            await asyncio.wait((woken,), timeout=self._wait_seconds)
        except BaseException:
            self._abandon(waiter)
            raise
        self._settle(waiter)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def figures(self) -> Iterator[Figure]:
        labels = (("bulkhead", self.name),)
        with self._lock:
            running, waiting, rejections = self._running, len(self._queue), self._rejections
        yield Figure("bulkhead_running", "gauge", "Calls that run.", labels, running)
        yield Figure("bulkhead_waiting", "gauge", "Calls that wait.", labels, waiting)
        yield Figure(
            "bulkhead_rejections_total", "counter", "Calls that were not made.", labels, rejections
        )

    def _take(self) -> bool:
        """Take a place if one is free: the quick way in."""
        with self._lock:
            if self._running >= self._most:
                return False
            self._running += 1
            return True

    def _enter(self, wake: Callable[[], bool]) -> _Waiter | None:
        """Take a place (None) or a place in the queue, or be rejected."""
        with self._lock:
            if self._running < self._most:
                self._running += 1
                return None
            if len(self._queue) < self._waiting:
                waiter = _Waiter(wake)
                self._queue.append(waiter)
                return waiter
            self._rejections += 1
        raise BulkheadFull(self.name)

    def _settle(self, waiter: _Waiter) -> None:
        """The wait is over: with a place, or rejected."""
        with self._lock:
            if waiter.has_place:
                return
            self._queue.remove(waiter)
            self._rejections += 1
        raise BulkheadFull(self.name)

    def _abandon(self, waiter: _Waiter) -> None:
        """The waiter was cut: give back what it has."""
        with self._lock:
            if not waiter.has_place:
                self._queue.remove(waiter)
                return
        self._leave()

    def _leave(self) -> None:
        """Hand the place to the longest waiter, or free it."""
        with self._lock:
            while self._queue:
                waiter = self._queue.popleft()
                waiter.has_place = True
                if waiter.wake():
                    return
            self._running -= 1
