"""What this process costs: CPU, memory, and how late its event loop runs."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from fairway_runtime import contract
from fairway_runtime.metrics import family

__all__ = ["LoopLag", "process_metrics"]

_WINDOW_SECONDS = 15.0
_STATM = Path("/proc/self/statm")
_STARTED = time.time() - time.process_time()


class LoopLag:
    """How late the event loop was at each look, and at worst lately.

    The worst covers the current window of 15 s and the one before, so a scrape every 15 s sees
    every stall once at least.
    """

    def __init__(self, now: float) -> None:
        self.last = 0.0
        self._worst = 0.0
        self._worst_before = 0.0
        self._window_ends = now + _WINDOW_SECONDS

    @property
    def worst(self) -> float:
        return max(self._worst, self._worst_before)

    def observe(self, now: float, due: float) -> None:
        """The loop meant to look at `due` and did at `now`."""
        self.last = max(0.0, now - due)
        if now >= self._window_ends:
            self._worst_before, self._worst = self._worst, 0.0
            self._window_ends = now + _WINDOW_SECONDS
        self._worst = max(self._worst, self.last)

    def collect(self) -> Iterator[str]:
        yield from family(
            contract.LOOP_LAG_METRIC,
            "gauge",
            "Seconds the event loop ran late at the last look.",
            [((), self.last)],
        )
        yield from family(
            contract.LOOP_LAG_MAX_METRIC,
            "gauge",
            "The worst of the last 15 to 30 seconds.",
            [((), self.worst)],
        )


def process_metrics() -> Iterator[str]:
    """CPU seconds since the start, resident memory, and when it started."""
    yield from family(
        contract.CPU_METRIC, "counter", "CPU seconds, user and system.", [((), time.process_time())]
    )
    yield from family(
        contract.MEMORY_METRIC, "gauge", "Resident memory in bytes.", [((), resident_bytes())]
    )
    yield from family(
        contract.STARTED_METRIC, "gauge", "When the process started, Unix time.", [((), _STARTED)]
    )


def resident_bytes() -> int:
    """Memory that the process holds now; at its highest, where the system has no /proc."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
