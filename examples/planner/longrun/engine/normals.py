"""Random bits and normal deviates: xoshiro256++ and a ziggurat of 256 layers.

Purpose: each path draws from a generator of its own, seeded by the plan's seed and the path's
number. So a path is the same in whichever block, thread or run it is computed.

xoshiro256++ and splitmix64: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number
generators", ACM TOMS 47 (2021). Ziggurat: G. Marsaglia and W. W. Tsang, "The ziggurat method for
generating random variables", J. Stat. Software 5 (2000), with 53-bit deviates.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longrun.engine.compiled import compiled

__all__ = ["fill_normals", "fill_uniforms", "seed_path"]

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

U1, U11, U12, U17, U19 = (np.uint64(bits) for bits in (1, 11, 12, 17, 19))
U23, U27, U30, U31, U41, U45 = (np.uint64(bits) for bits in (23, 27, 30, 31, 41, 45))
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
def seed_path(seed: Any, path: int, state: Any) -> None:
    """Set `state` (4 words) to the beginning of the stream of one path."""
    word = _mixed(seed + GOLDEN) ^ _mixed(np.uint64(path) * GOLDEN + MIX_A)
    for place in range(4):
        word = word + GOLDEN
        state[place] = _mixed(word)


@compiled
def fill_uniforms(state: Any, out: Any) -> None:
    """Fill `out` with numbers even in [0, 1)."""
    a, b, c, d = state[0], state[1], state[2], state[3]
    for place in range(out.shape[0]):
        total = a + d
        bits = ((total << U23) | (total >> U41)) + a
        shifted = b << U17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << U45) | (d >> U19)
        out[place] = (bits >> U11) * UNIT
    state[0], state[1], state[2], state[3] = a, b, c, d


@compiled
def fill_normals(state: Any, out: Any) -> None:
    """Fill `out` with standard normal deviates."""
    a, b, c, d = state[0], state[1], state[2], state[3]
    spare = np.empty(2)
    for place in range(out.shape[0]):
        while True:
            total = a + d
            bits = ((total << U23) | (total >> U41)) + a
            shifted = b << U17
            c ^= a
            d ^= b
            b ^= c
            a ^= d
            c ^= shifted
            d = (d << U45) | (d >> U19)
            layer = bits & LOW_BYTE
            size = bits >> U12
            value = size * SIGNED_WIDTHS[bits & WITH_SIGN]
            if size < BOUNDS[layer]:
                out[place] = value
                break
            state[0], state[1], state[2], state[3] = a, b, c, d
            is_taken = False
            if layer == 0:
                value = _tail(state, spare, value < 0.0)
                is_taken = True
            else:
                fill_uniforms(state, spare[:1])
                height = HEIGHTS[layer] + spare[0] * (HEIGHTS[layer - U1] - HEIGHTS[layer])
                is_taken = height < math.exp(-0.5 * value * value)
            a, b, c, d = state[0], state[1], state[2], state[3]
            if is_taken:
                out[place] = value
                break
    state[0], state[1], state[2], state[3] = a, b, c, d


@compiled
def _tail(state: Any, spare: Any, is_left: bool) -> float:
    """A deviate beyond `RIGHT`, by Marsaglia's method."""
    while True:
        fill_uniforms(state, spare)
        beyond = -math.log1p(-spare[0]) / RIGHT
        if -2.0 * math.log1p(-spare[1]) > beyond * beyond:
            return -(RIGHT + beyond) if is_left else RIGHT + beyond
