"""Percentiles of each month from counts, so that no path need be kept.

Pure. Wealth is counted in bins, 32 between a number and its double; within a bin it is taken to
be spread evenly. A percentile is then off by less than a bin, 3.1 % of itself, and usually by a
tenth of that; ruin is exact, because only wealth below 6 cents shares its bin.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longrun.engine.compiled import compiled
from longrun.engine.kernel import BINS, FIRST, PER_OCTAVE, SHIFT
from longrun.engine.scratch import Counts

__all__ = ["PERCENTILES", "percentiles"]

PERCENTILES = (10, 25, 50, 75, 90)


def percentiles(counts: Counts, most: int) -> NDArray[np.float64]:
    """`counts` (months + 1, BINS) of `most` paths to wealth (months + 1, 5) at `PERCENTILES`."""
    found = np.empty((len(counts), len(PERCENTILES)))
    ranks = np.array(PERCENTILES) / 100 * most
    _read(counts, ranks, _edges(), found)
    return found


@cache
def _edges() -> NDArray[np.float64]:
    """The lower edge of each bin, and the upper one of the last."""
    places = np.arange(BINS, dtype=np.int32) - 1 + FIRST
    edges = np.empty(BINS + 1)
    edges[1:-1] = (places[1:] << SHIFT).view(np.float32)
    edges[0] = 0.0
    edges[-1] = float(((places[-1:] + 1) << SHIFT).view(np.float32)[0])
    return edges


@compiled
def _read(counts: Any, ranks: Any, edges: Any, found: Any) -> None:
    """An octave at a time; only one that holds a percentile is looked at bin by bin."""
    for t in range(counts.shape[0]):
        seen = 0
        wanted = 0
        for first in range(0, counts.shape[1], PER_OCTAVE):
            here = 0
            for place in range(first, first + PER_OCTAVE):
                here += counts[t, place]
            if here == 0 or seen + here < ranks[wanted]:
                seen += here
                continue
            for place in range(first, first + PER_OCTAVE):
                count = counts[t, place]
                while wanted < ranks.shape[0] and count and seen + count >= ranks[wanted]:
                    part = (ranks[wanted] - seen) / count
                    width = edges[place + 1] - edges[place]
                    found[t, wanted] = 0.0 if place == 0 else edges[place] + part * width
                    wanted += 1
                seen += count
            if wanted == ranks.shape[0]:
                break
