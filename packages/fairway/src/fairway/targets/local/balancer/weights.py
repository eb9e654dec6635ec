"""Traffic shares as endpoint weights, and the order in which endpoints come and go. Pure.

Revisions of a service share one cluster, so that a share is nothing but the weights of its
replicas: changing it renames one small file, and a sticky session may cross revisions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from fairway.targets.local.balancer.model import Endpoint

__all__ = ["newcomers", "steps", "weigh"]

# Envoy's sum is 32 bits. A hundredth of a percent, split over a hundred replicas, is 1,000 of this:
# rounded to whole numbers it is met within 0.05 %.
LARGEST_TOTAL = 1_000_000_000


def weigh(
    shares: Mapping[str, float], replicas: Mapping[str, Sequence[Endpoint]]
) -> tuple[Endpoint, ...]:
    """Endpoints whose weights give each revision its share of the traffic, in percent.

    A revision's share is split evenly over its replicas that do not drain:
    `weight = share / replicas x c`, with one `c` for all that makes every weight a whole number.
    Exact for shares in whole percent, within 1 % of the share otherwise. A revision with no
    share, or not in `shares`, drains. A share without replicas goes to the others, in
    proportion. Raises ValueError where shares are negative or do not total 100.
    """
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 100) > 1e-6:
        msg = f"shares must be positive and total 100: {dict(shares)}"
        raise ValueError(msg)
    exact: dict[str, Fraction] = {}
    for revision, endpoints in replicas.items():
        serving = sum(not endpoint.draining for endpoint in endpoints)
        share = Fraction(shares.get(revision, 0)).limit_denominator(1000)
        if serving and share:
            exact[revision] = share / serving
    weights = _whole(exact, counts={name: len(replicas[name]) for name in exact})
    return tuple(
        replace(endpoint, weight=weights[revision])
        if revision in weights
        else replace(endpoint, weight=1, draining=True)
        for revision in sorted(replicas)
        for endpoint in replicas[revision]
    )


def newcomers(before: Sequence[Endpoint], after: Sequence[Endpoint]) -> frozenset[tuple[str, int]]:
    """Keys of the endpoints that get traffic after, and did not before."""
    return _serving(after) - _serving(before)


def steps(
    before: Sequence[Endpoint], after: Sequence[Endpoint]
) -> tuple[tuple[Endpoint, ...], ...]:
    """The lists to apply one after the other on the way from `before` to `after`.

    Make before break: where some endpoints arrive and others leave, the leaving ones serve on
    until the arriving ones have passed their check, so that there is always somebody to answer.
    """
    leaving = _serving(before) - _serving(after)
    if not leaving or not newcomers(before, after):
        return (tuple(after),)
    kept = [endpoint for endpoint in after if endpoint.key not in leaving]
    kept.extend(endpoint for endpoint in before if endpoint.key in leaving)
    return (tuple(kept), tuple(after))


def _serving(endpoints: Sequence[Endpoint]) -> frozenset[tuple[str, int]]:
    return frozenset(endpoint.key for endpoint in endpoints if not endpoint.draining)


def _whole(exact: Mapping[str, Fraction], counts: Mapping[str, int]) -> dict[str, int]:
    """The smallest whole numbers in the given proportions; rounded where they grow too large."""
    if not exact:
        return {}
    scale = Fraction(math.lcm(*(weight.denominator for weight in exact.values())))
    scale /= math.gcd(*(int(weight * scale) for weight in exact.values()))
    total = sum(exact[name] * counts[name] for name in exact)
    scale = min(scale, LARGEST_TOTAL / total)
    return {name: max(1, round(weight * scale)) for name, weight in exact.items()}
