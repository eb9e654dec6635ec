"""The inner loops: one block of paths, from deviates to wealth.

Purpose: what is done scenarios x months times, compiled. Nothing here allocates more than one
path's months; a block's wealth goes to a buffer that the caller reuses. Money is in the dollars
of its month. Withdraw at the month's start, then grow; wealth that a withdrawal takes to 0 or
below is ruin, and stays 0 whatever comes later.
"""

from typing import Any

import numpy as np

from longrun.engine.compiled import compiled
from longrun.engine.normals import fill_normals, fill_uniforms, stream_of

__all__ = [
    "BINS",
    "EARLY_MONTHS",
    "FIRST",
    "PER_OCTAVE",
    "SHIFT",
    "count_block",
    "walk_block",
]

EARLY_MONTHS = 120  # what counts as early for the risk of a bad sequence
PER_OCTAVE = 32
OCTAVES = 48  # from 2**-4 dollars on
# The first is for wealth below that, ruin included; an octave's bins are looked at together.
BINS = (OCTAVES + 1) * PER_OCTAVE
SHIFT = 23 - 5
FIRST = (127 - 4) << 5  # of float32 bits, shifted: of 2**-4


@compiled
def exponentiate(x: Any) -> None:
    """e**x of each number in place, without branches, so that the loop vectorises.

    Taylor's series to degree 6 at x / 16, where the remainder is below (x / 16)**7 / 7!, then
    four squarings, each of which doubles the relative error: below 1e-13 for |x| < 0.5, 2e-9 for
    |x| < 2. A month of 100 % volatility has |x| < 2 in all but one of 1e15.
    """
    for place in range(x.shape[0]):
        r = x[place] * 0.0625
        y = 1 / 120 + r * (1 / 720)
        y = 1 / 24 + r * y
        y = 1 / 6 + r * y
        y = 0.5 + r * y
        y = 1.0 + r * y
        y = 1.0 + r * y
        y = y * y
        y = y * y
        y = y * y
        x[place] = y * y


@compiled
def _bases(means: Any, weights: Any) -> Any:
    """What each asset's part of 1 grows to in each month where chance adds nothing, (3, months)."""
    bases = means.copy()
    for asset in range(3):
        exponentiate(bases[asset])
        for t in range(bases.shape[1]):
            bases[asset, t] *= weights[asset]
    return bases


@compiled
def grow_pair(
    deviates: Any, bases: Any, deviations: Any, mixing: Any, growth: Any, mirrored: Any
) -> None:
    """Each month's growth of two paths' portfolios, from deviates and from these mirrored at 0.

    `deviates` is (3, months), like `bases` and `deviations`, and used up. e**-x is 1 / e**x: the
    second path costs no powers, and the division of its three assets is one.
    """
    months = growth.shape[0]
    u, v, w = deviates[0], deviates[1], deviates[2]
    aa, ab, ac = mixing[0, 0], mixing[0, 1], mixing[0, 2]
    ba, bb, bc = mixing[1, 0], mixing[1, 1], mixing[1, 2]
    ca, cb, cc = mixing[2, 0], mixing[2, 1], mixing[2, 2]
    for t in range(months):
        x, y, z = u[t], v[t], w[t]
        u[t] = deviations[0, t] * (aa * x + ab * y + ac * z)
        v[t] = deviations[1, t] * (ba * x + bb * y + bc * z)
        w[t] = deviations[2, t] * (ca * x + cb * y + cc * z)
    exponentiate(u)
    exponentiate(v)
    exponentiate(w)
    a, b, c = bases[0], bases[1], bases[2]
    for t in range(months):
        x, y, z = u[t], v[t], w[t]
        growth[t] = a[t] * x + b[t] * y + c[t] * z
        mirrored[t] = (a[t] * (y * z) + b[t] * (x * z) + c[t] * (x * y)) / (x * y * z)


@compiled
def draw_years(
    stream: Any,
    first: int,
    run_years: float,
    years_growth: Any,
    years_prices: Any,
    draws: Any,
    growth: Any,
    prices: Any,
) -> None:
    """Years of history in runs of `run_years` on average, from month `first` on."""
    count = years_growth.shape[0]
    fill_uniforms(stream, draws)
    year = 0
    level = prices[first]
    place = 0
    for t in range(first, growth.shape[0]):
        if (t - first) % 12 == 0:
            if t == first or draws[place] * run_years < 1.0:
                year = int(draws[place + 1] * count)
            else:
                year = (year + 1) % count
            place += 2
        growth[t] = years_growth[year]
        level *= years_prices[year]
        prices[t + 1] = level


@compiled
def _spend_down(
    wealth: float,
    rule: int,
    rate: float,
    band: float,
    step: float,
    spending: Any,
    flows: Any,
    net: Any,
    prices: Any,
    growth: Any,
    deflators: Any,
    kept: Any,
) -> tuple[float, int, float]:
    """Walk one path, and keep each month's wealth: what is left, month of ruin or -1, scale."""
    months = growth.shape[0]
    scale = 1.0  # of the spending, under guardrails
    for t in range(months):
        kept[t] = wealth * deflators[t]
        if rule == 0:
            wealth += net[t]
        elif rule == 1:
            wealth = wealth - wealth * rate / 12.0 + flows[t] * prices[t]
        else:
            if t > 0 and t % 12 == 0:
                asked = scale * spending[t] * 12.0 * prices[t]
                if asked > rate * (1.0 + band) * wealth:
                    scale *= 1.0 - step
                elif asked < rate * (1.0 - band) * wealth:
                    scale *= 1.0 + step
            wealth += (flows[t] - scale * spending[t]) * prices[t]
        if wealth <= 0.0:
            for rest in range(t + 1, months):
                kept[rest] = 0.0
            return 0.0, t, scale
        wealth *= growth[t]
    return wealth, -1, scale


@compiled
def _spend_four_down(
    wealth: float, net: Any, growth: Any, deflators: Any, kept: Any, left: Any, ruined: Any
) -> None:
    """`_spend_down` with fixed spending for four paths side by side: none waits for another.

    `growth` is (4, months), `kept` (months + 1, 4); `left` and `ruined` take a number a path.
    Wealth of 0 is ruin, which has no way back; above it a path is alive.
    """
    a = b = c = d = wealth
    in_a = in_b = in_c = in_d = -1
    for t in range(net.shape[0]):
        spent, level = net[t], deflators[t]
        kept[t, 0], kept[t, 1], kept[t, 2], kept[t, 3] = a * level, b * level, c * level, d * level
        new_a, new_b, new_c, new_d = a + spent, b + spent, c + spent, d + spent
        in_a = t if (a > 0.0) & (new_a <= 0.0) else in_a
        in_b = t if (b > 0.0) & (new_b <= 0.0) else in_b
        in_c = t if (c > 0.0) & (new_c <= 0.0) else in_c
        in_d = t if (d > 0.0) & (new_d <= 0.0) else in_d
        a = new_a * growth[0, t] if (a > 0.0) & (new_a > 0.0) else 0.0
        b = new_b * growth[1, t] if (b > 0.0) & (new_b > 0.0) else 0.0
        c = new_c * growth[2, t] if (c > 0.0) & (new_c > 0.0) else 0.0
        d = new_d * growth[3, t] if (d > 0.0) & (new_d > 0.0) else 0.0
    left[0], left[1], left[2], left[3] = a, b, c, d
    ruined[0], ruined[1], ruined[2], ruined[3] = in_a, in_b, in_c, in_d


@compiled
def _add_up(flows: Any, spending: Any, prices: Any, net: Any) -> None:
    """What each month brings, in its own money."""
    for t in range(net.shape[0]):
        net[t] = (flows[t] - spending[t]) * prices[t]


@compiled
def _walk_fours(
    seed: Any,
    first_path: int,
    wealth: float,
    bases: Any,
    deviations: Any,
    mixing: Any,
    prices: Any,
    net: Any,
    deflators: Any,
    block: Any,
    ending: Any,
    ruined_in: Any,
    early: Any,
    scales: Any,
) -> None:
    """Paths of one course of prices with fixed spending, four at a time; see `walk_block`."""
    months = net.shape[0]
    flat = np.empty(3 * months)
    deviates: Any = flat.reshape(3, months)
    growth = np.empty((4, months))
    words = np.empty(3 * months, np.uint64)
    for first in range(0, block.shape[1], 4):
        these = slice(first, first + 4)
        for lane in range(0, 4, 2):
            fill_normals(stream_of(seed, (first_path + first + lane) // 2), words, flat)
            grow_pair(deviates, bases, deviations, mixing, growth[lane], growth[lane + 1])
        for lane in range(4):
            early[first + lane] = _early_growth(growth[lane], prices)
        _spend_four_down(
            wealth, net, growth, deflators, block[:, these], ending[these], ruined_in[these]
        )
        for path in range(first, first + 4):
            scales[path] = 1.0
            ending[path] *= deflators[months]
            block[months, path] = ending[path]


@compiled
def walk_block(
    seed: Any,
    first_path: int,
    months_fixed: int,
    run_years: float,
    wealth_at_start: float,
    is_real: bool,
    rule: int,
    rate: float,
    band: float,
    step: float,
    weights: Any,
    means: Any,
    deviations: Any,
    mixing: Any,
    course_prices: Any,
    years_growth: Any,
    years_prices: Any,
    spending: Any,
    flows: Any,
    block: Any,
    ending: Any,
    ruined_in: Any,
    early: Any,
    scales: Any,
) -> None:
    """Walk `block.shape[1]` paths, the first of which is path `first_path`, an even number.

    Log-normal paths are antithetic pairs: of paths 2k and 2k + 1 the second has the first one's
    deviates with the other sign. Years of history are drawn for each path by itself.
    Writes `block` (months + 1, paths) in float32: wealth at each month's start before the
    withdrawal, and at the end; and a number a path: `ending`, `ruined_in` (month, or -1), `early`
    (real growth of the first years), `scales` (of the spending under guardrails, in the last
    month). Wealth is in dollars of its month, or with `is_real` in today's.
    """
    months = spending.shape[0]
    flat = np.empty(3 * months)
    deviates: Any = flat.reshape(3, months)
    draws = np.empty(2 * (months // 12 + 1))
    pair = np.empty((2, months))
    growth = pair[0]
    net = np.empty(months)
    prices = course_prices.copy()
    deflators = 1.0 / prices if is_real else np.ones(months + 1)
    words = np.empty(3 * months, np.uint64)
    is_drawn = years_growth.shape[0] > 0
    bases = _bases(means, weights)
    if months_fixed > 0:
        deviates[:] = 0.0
        grow_pair(deviates, bases, deviations, mixing, growth, pair[1])
    done = 0
    if rule == 0 and not is_drawn:  # the same course of prices and spending for all paths
        _add_up(flows, spending, prices, net)
        done = block.shape[1] // 4 * 4
    if done > 0:
        _walk_fours(
            seed,
            first_path,
            wealth_at_start,
            bases,
            deviations,
            mixing,
            prices,
            net,
            deflators,
            block[:, :done],
            ending,
            ruined_in,
            early,
            scales,
        )
    for path in range(done, block.shape[1]):
        if is_drawn:
            stream = stream_of(seed, first_path + path)
            draw_years(
                stream, months_fixed, run_years, years_growth, years_prices, draws, growth, prices
            )
        else:
            growth = pair[path % 2]
            if path % 2 == 0:
                fill_normals(stream_of(seed, (first_path + path) // 2), words, flat)
                grow_pair(deviates, bases, deviations, mixing, growth, pair[1])
        if rule == 0:
            _add_up(flows, spending, prices, net)
        if is_drawn and is_real:
            for t in range(months + 1):
                deflators[t] = 1.0 / prices[t]
        wealth, ruined, scales[path] = _spend_down(
            wealth_at_start,
            rule,
            rate,
            band,
            step,
            spending,
            flows,
            net,
            prices,
            growth,
            deflators,
            block[:, path],
        )
        wealth *= deflators[months]
        block[months, path] = wealth
        ending[path] = wealth
        ruined_in[path] = ruined
        early[path] = _early_growth(growth, prices)


@compiled
def _early_growth(growth: Any, prices: Any) -> float:
    """By what factor the first years grew what was there, in today's money."""
    horizon = min(growth.shape[0], EARLY_MONTHS)
    a = b = c = d = 1.0  # none waits for another
    for t in range(0, horizon - 3, 4):
        a *= growth[t]
        b *= growth[t + 1]
        c *= growth[t + 2]
        d *= growth[t + 3]
    for t in range(horizon // 4 * 4, horizon):
        a *= growth[t]
    return a * b * c * d / prices[horizon]


@compiled
def count_block(bits: Any, counts: Any) -> None:
    """Add a block's wealth to `counts` (months + 1, BINS); `bits` is the block's, as int32.

    The upper bits of a positive float32 are its logarithm in steps of a 32nd of an octave.
    """
    for t in range(bits.shape[0]):
        row = counts[t]
        for path in range(bits.shape[1]):
            place = (bits[t, path] >> SHIFT) - FIRST + 1
            row[min(max(place, 0), BINS - 1)] += 1
