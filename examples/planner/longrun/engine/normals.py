"""Random bits and normal deviates: splitmix64, counted, and a ziggurat of 256 layers.

Purpose: each path draws from a stream of its own, which is named by the plan's seed and the path's
number. So a path is the same in whichever block, thread or run it is computed. A word depends on
its place alone, not on the word before it: a compiler makes eight at once.

splitmix64: G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014. Ziggurat: G. Marsaglia and W. W. Tsang, "The ziggurat method for
generating random variables", J. Stat. Software 5 (2000), with 53-bit deviates.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longrun.engine.compiled import compiled

__all__ = ["fill_normals", "fill_uniforms", "stream_of"]

LAYERS = 256
RIGHT = 3.654152885361009  # where the tail begins
AREA = 0.00492867323399  # of each layer
SCALE = 2.0**52


def _tables() -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]]:
    """Acceptance bounds, widths and heights of the layers, from the outermost inwards."""
    bounds = np.zeros(LAYERS, dtype=np.uint64)
    widths = np.zeros(LAYERS)
    heights = np.zeros(LAYERS)
    edge = outer = RIGHT
    whole = AREA / math.exp(-0.5 * edge * edge)
    bounds[0] = np.uint64(edge / whole * SCALE)
    widths[0], widths[-1] = whole / SCALE, edge / SCALE
    heights[0], heights[-1] = 1.0, math.exp(-0.5 * edge * edge)
    for layer in range(LAYERS - 2, 0, -1):
        edge = math.sqrt(-2.0 * math.log(AREA / edge + math.exp(-0.5 * edge * edge)))
        bounds[layer + 1] = np.uint64(edge / outer * SCALE)
        outer = edge
        heights[layer] = math.exp(-0.5 * edge * edge)
        widths[layer] = edge / SCALE
    return bounds, widths, heights


BOUNDS, WIDTHS, HEIGHTS = _tables()
SIGNED_WIDTHS = np.concatenate((WIDTHS, -WIDTHS))
WITH_SIGN = np.uint64(0x1FF)

U1, U11, U12, U27, U30, U31 = (np.uint64(bits) for bits in (1, 11, 12, 27, 30, 31))
LOW_BYTE = np.uint64(0xFF)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)
UNIT = 2.0**-53


@compiled
def _mixed(word: Any) -> Any:
    """The output function of splitmix64."""
    word = (word ^ (word >> U30)) * MIX_A
    word = (word ^ (word >> U27)) * MIX_B
    return word ^ (word >> U31)


@compiled
def stream_of(seed: Any, path: int) -> Any:
    """Where the stream of one path begins."""
    return _mixed(_mixed(seed + GOLDEN) ^ _mixed(np.uint64(path) * GOLDEN + MIX_A))


@compiled
def _word(stream: Any, place: int) -> Any:
    """The random bits at one place of a stream."""
    return _mixed(stream + np.uint64(place) * GOLDEN)


@compiled
def _uniform(stream: Any, place: int) -> float:
    """The number at one place of a stream, even in [0, 1)."""
    return (_word(stream, place) >> U11) * UNIT


@compiled
def fill_uniforms(stream: Any, out: Any) -> None:
    """Fill `out` with the first numbers of a stream, even in [0, 1)."""
    for place in range(out.shape[0]):
        out[place] = _uniform(stream, place)


@compiled
def fill_normals(stream: Any, words: Any, out: Any) -> None:
    """Fill `out` with standard normal deviates; `words` is as long, and used up.

    One in a hundred needs more than its word: it draws from behind those of all.
    """
    for place in range(out.shape[0]):
        words[place] = _word(stream, place)
    behind = out.shape[0]
    for place in range(out.shape[0]):
        word = words[place]
        size = word >> U12
        out[place] = np.int64(size) * SIGNED_WIDTHS[word & WITH_SIGN]
        if size >= BOUNDS[word & LOW_BYTE]:
            out[place], behind = _outside(stream, behind, word)


@compiled
def _outside(stream: Any, behind: int, word: Any) -> tuple[float, int]:
    """The deviate of a word that fell outside of its layer's rectangle; the next place to draw."""
    while True:
        layer = word & LOW_BYTE
        size = word >> U12
        value: Any = np.int64(size) * SIGNED_WIDTHS[word & WITH_SIGN]
        if size < BOUNDS[layer]:
            return value, behind
        if layer == 0:
            return _tail(stream, behind, value < 0.0)
        height = HEIGHTS[layer] + _uniform(stream, behind) * (HEIGHTS[layer - U1] - HEIGHTS[layer])
        if height < math.exp(-0.5 * value * value):
            return value, behind + 1
        word = _word(stream, behind + 1)
        behind += 2


@compiled
def _tail(stream: Any, behind: int, is_left: bool) -> tuple[float, int]:
    """A deviate beyond `RIGHT`, by Marsaglia's method."""
    while True:
        beyond = -math.log1p(-_uniform(stream, behind)) / RIGHT
        depth = -2.0 * math.log1p(-_uniform(stream, behind + 1))
        behind += 2
        if depth > beyond * beyond:
            return (-(RIGHT + beyond) if is_left else RIGHT + beyond), behind
