"""Memory for blocks and counts that outlives a run.

The first touch of a page costs microseconds, on a virtual machine several: more than a run of
1,000 scenarios does with it. So what a run has touched waits for the next one.
"""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from longrun.engine.kernel import BINS

__all__ = ["Counts", "Scratch", "scratches"]

Counts = NDArray[np.uint16] | NDArray[np.uint32]

MOST_SPARE = 4  # as many threads as have run at once, up to this; each holds up to 5 MB


class Scratch:
    """What one thread writes to; it grows to the longest plan that it has seen."""

    def __init__(self) -> None:
        self._counts = np.empty(0, np.uint32)
        self._block = np.empty(0, np.float32)

    def counts(self, months: int, most: int) -> Counts:
        """Zeros (months + 1, BINS) that count up to `most`, in half the memory where that does."""
        size = (months + 1) * BINS
        if self._counts.size < size:
            self._counts = np.empty(size, np.uint32)
        is_small = most <= np.iinfo(np.uint16).max
        counts = (self._counts.view(np.uint16) if is_small else self._counts)[:size]
        counts.fill(0)
        return counts.reshape(months + 1, BINS)

    def block(self, months: int, paths: int) -> NDArray[np.float32]:
        """Whatever was there (months + 1, at least `paths`)."""
        # Lines of memory in odd steps: even ones would fall on few places of the cache.
        width = 16 * ((paths + 15) // 16 | 1)
        size = (months + 1) * width
        if self._block.size < size:
            self._block = np.empty(size, np.float32)
        return self._block[:size].reshape(months + 1, width)


_spare: list[Scratch] = []


@contextmanager
def scratches(count: int) -> Generator[list[Scratch]]:
    """One for each of `count` threads; nothing of them may be used afterwards."""
    taken: list[Scratch] = []
    try:
        while len(taken) < count:
            taken.append(_take())
        yield taken
    finally:
        _spare.extend(taken[: max(0, MOST_SPARE - len(_spare))])


def _take() -> Scratch:
    try:
        return _spare.pop()  # of several threads, one gets it
    except IndexError:
        return Scratch()
