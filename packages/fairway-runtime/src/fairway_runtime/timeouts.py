"""`within`: a deadline for a piece of work, by name (R231-R235).

    async with within("monte carlo", MONTE_CARLO_SECONDS):
        result = await asyncio.to_thread(simulate)

What asyncio can cancel is cancelled; a thread runs on, and nobody waits for it. Unhandled, the
client gets 504.
"""

import asyncio
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from fairway_runtime.figures import Figure, roll

__all__ = [
    "CACHE_LOOKUP_SECONDS",
    "DATABASE_QUERY_SECONDS",
    "MONTE_CARLO_SECONDS",
    "PDF_SECONDS",
    "REQUEST_SECONDS",
    "TimedOut",
    "within",
]

CACHE_LOOKUP_SECONDS = 0.1  # R231
DATABASE_QUERY_SECONDS = 5.0  # R232
MONTE_CARLO_SECONDS = 5.0  # R233, 1,000 scenarios
PDF_SECONDS = 30.0  # R234
REQUEST_SECONDS = 60.0  # R235, what FAIRWAY_REQUEST_SECONDS is by default
_MOST_NAMES = 100


class TimedOut(TimeoutError):
    """`name` took longer than its `seconds`."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} took longer than {seconds:g} s")
        self.name = name
        self.seconds = seconds


class within:  # noqa: N801 (reads as a statement: `async with within("query", 5.0):`)
    """Cancels the block after `seconds`, and raises `TimedOut`, counted in `timeouts_total`.

    Cancellation from elsewhere, and the block's own `TimeoutError`s, go on their way.
    """

    __slots__ = ("_name", "_seconds", "_timeout")

    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            _counts.add(self._name)
            raise TimedOut(self._name, self._seconds) from late


class _Counts:
    """How often each name was late."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        roll.add(self)

    def add(self, name: str) -> None:
        if name not in self._counts and len(self._counts) >= _MOST_NAMES:
            name = "other"
        self._counts[name] = self._counts.get(name, 0) + 1

    def figures(self) -> Iterator[Figure]:
        for name, count in sorted(self._counts.items()):
            yield Figure("timeouts_total", "counter", "Late work.", (("name", name),), count)


_counts = _Counts()
