"""Two exact tests for counts: Fisher's on a 2 x 2 table, and the binomial one.

Place in the flow: `analysis.py` asks how likely it is that chance alone made a canary look as bad
as it does. Both are sums over the very distribution of the counts, so they hold for three errors
as for three million: no normal curve is assumed. Must not: know what is counted.

Terms are found through log-gamma and summed by their ratios, largest first, so that neither large
tables nor tiny probabilities lose digits; below about 1e-300 the result is 0.0.
"""

from collections.abc import Callable
from math import exp, lgamma, log, log1p

__all__ = ["binomial_at_least", "fisher_at_least"]

NEGLIGIBLE = 1e-17  # of the sum: more terms would not change a digit


def fisher_at_least(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """How likely so many hits, or more, fall to the first group if both groups are alike.

    Fisher's exact test, one-sided: given all hits of both groups, the first group's are
    hypergeometric. Invariant: 0 <= hits <= of, and so for the other.
    """
    check(hits, of)
    check(other_hits, other_of)
    marked, everything = hits + other_hits, of + other_of
    unmarked = everything - marked
    least, most = max(0, of - unmarked), min(marked, of)

    def log_term(x: int) -> float:
        return log_choose(marked, x) + log_choose(unmarked, of - x) - log_choose(everything, of)

    def grow(x: int) -> float:
        """The term at x + 1 over the term at x."""
        return (marked - x) * (of - x) / ((x + 1) * (unmarked - of + x + 1))

    middle = of * marked / everything if everything else 0.0
    return tail(hits, (least, most), middle, log_term, grow)


def binomial_at_least(hits: int, of: int, share: float) -> float:
    """How likely `hits` or more of `of` are if each is one with the chance `share`, 0 < share < 1.

    The exact binomial test, one-sided.
    """
    check(hits, of)
    if not 0.0 < share < 1.0:
        raise ValueError(f"a share lies between 0 and 1, not at {share!r}")
    odds = share / (1.0 - share)

    def log_term(x: int) -> float:
        return log_choose(of, x) + x * log(share) + (of - x) * log1p(-share)

    def grow(x: int) -> float:
        """The term at x + 1 over the term at x."""
        return (of - x) / (x + 1) * odds

    return tail(hits, (0, of), of * share, log_term, grow)


def tail(
    start: int,
    support: tuple[int, int],
    middle: float,
    log_term: Callable[[int], float],
    grow: Callable[[int], float],
) -> float:
    """The sum of the terms from `start` up, of a distribution with one peak near `middle`."""
    least, most = support
    if start <= least:
        return 1.0
    if start > most:
        return 0.0
    if start > middle:  # the terms fall from here on: sum them
        total = term = 1.0
        for x in range(start, most):
            term *= grow(x)
            total += term
            if term < NEGLIGIBLE * total:
                break
        return min(1.0, exp(log_term(start) + log(total)))
    total = term = 1.0  # else sum what lies below, and take it from one
    for x in range(start - 2, least - 1, -1):
        term /= grow(x)
        total += term
        if term < NEGLIGIBLE * total:
            break
    return max(0.0, 1.0 - exp(log_term(start - 1) + log(total)))


def log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def check(hits: int, of: int) -> None:
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is not a count of hits")
