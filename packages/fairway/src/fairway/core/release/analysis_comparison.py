"""The five questions about a canary: what is compared, how, and when a difference matters.

Place in the flow: `analysis.py` makes one verdict of the answers. Against the baseline that ran at
the same time, by Fisher's exact test: errors, and answers slower than about the median and than
about p95. Against the limits (R189-R190), by the exact binomial test: errors, and slow answers.
Pure. Must not: know the time.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

from fairway.core.release.analysis_exact import binomial_at_least, fisher_at_least
from fairway.core.release.analysis_sample import Sample, Share

__all__ = [
    "Comparison",
    "Limits",
    "against_baseline",
    "against_limits",
    "errors_matter",
    "slowness_matters",
]

COMPARISONS = 5  # of one analysis; they share its alpha
EARLY_SHARE = 0.1  # of alpha, for all looks before the end
# What one threshold costs when looked at without end while the sample grows a thousandfold: the
# chance that a standardised Brownian motion crosses z is about z * phi(z) / 2 * ln(1000), which
# at z = 4.8 is 83 times the chance of a single look (Siegmund, Sequential Analysis, 1985, ch. IV).
LOOKS = 83.0
P50, P95 = 0.5, 0.95
MEDIAN, SLOWEST = 1.0 - P50, 0.05  # the shares of slow answers that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a canary is bad, and how certain that must be.

    `minimum` requests of each side before anything passes: no error in 300 shows, with 95 %
    confidence, a rate under 1 %. `analyses`: how many holds of this release are analysed.
    `alpha`: how often, at most, a whole release of a good canary may be turned back.
    """

    error_rate: float | None = 0.01  # R189; None: no absolute limit
    p95_ms: float | None = 2000.0  # R190; None: no absolute limit
    minimum: int = 300
    least: int = 10  # bad answers before the end: fewer may all be one client's
    analyses: int = 3
    alpha: float = 0.01
    worse_ratio: float = 1.2  # a smaller rise of error rate or p95 does not matter
    worse_rate: float = 0.0025  # nor does a smaller rise of the error rate
    worse_ms: float = 5.0  # nor does a smaller rise of p95

    @property
    def final(self) -> float:
        """The p-value at or under which a comparison fails at the end of a step."""
        return (1.0 - EARLY_SHARE) * self.alpha / (COMPARISONS * self.analyses)

    @property
    def early(self) -> float:
        """The same at every look before the end: the evidence must be overwhelming."""
        return EARLY_SHARE * self.alpha / (COMPARISONS * self.analyses * LOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One question about the canary. It fails if it `matters` and `p_value <= threshold`.

    `against` is the baseline's share, or the share that the limit allows. `note` says in words
    what else was looked at.
    """

    what: str
    canary: Share
    against: Share | float
    test: Literal["Fisher", "binomial"]
    p_value: float
    threshold: float
    matters: bool
    note: str = ""

    @property
    def fails(self) -> bool:
        """Whether chance does not explain a difference that matters."""
        return self.matters and self.is_sure

    @property
    def is_sure(self) -> bool:
        """Whether chance hardly explains the difference, be it large or small."""
        return self.p_value <= self.threshold


def against_baseline(
    canary: Sample, baseline: Sample, limits: Limits, threshold: float
) -> tuple[Comparison, ...]:
    """Errors, and slow answers where both sides were timed; see `analyse` for bounds."""
    ours, theirs = canary.failed, baseline.failed
    matters = errors_matter(ours, theirs, limits)
    errors = more_often("error rate", ours, theirs, threshold, matters=matters)
    if not (canary.timed and baseline.timed):
        return (errors,)
    if [bound for bound, _ in canary.latency] != [bound for bound, _ in baseline.latency]:
        raise ValueError("the histograms of canary and baseline must have the same bounds")
    slow = (
        more_often(
            f"slower than {bound_ms:,g} ms",
            canary.slower(bound_ms),
            baseline.slower(bound_ms),
            threshold,
            matters=all(slowness_matters(canary, baseline, limits, each) for each in quantiles),
            note="; ".join(quantile_in_words(canary, baseline, each) for each in quantiles),
        )
        for bound_ms, quantiles in bounds_to_compare(canary, baseline)
    )
    return (errors, *slow)


def more_often(
    what: str, ours: Share, theirs: Share, threshold: float, *, matters: bool, note: str = ""
) -> Comparison:
    return Comparison(
        what=what,
        canary=ours,
        against=theirs,
        test="Fisher",
        p_value=fisher_at_least(ours.count, ours.of, theirs.count, theirs.of),
        threshold=threshold,
        matters=matters,
        note=note,
    )


def errors_matter(ours: Share, theirs: Share, limits: Limits) -> bool:
    """Whether the canary's error rate is so much higher that it matters, chance or not."""
    return (
        ours.rate >= theirs.rate + limits.worse_rate
        and ours.rate >= theirs.rate * limits.worse_ratio
    )


def bounds_to_compare(
    canary: Sample, baseline: Sample
) -> tuple[tuple[float, tuple[float, ...]], ...]:
    """The bounds nearest to the median and to p95 of both sides together, ascending.

    They are chosen from both together, so that the choice favours neither and the test that
    follows stays exact. Empty where all answers lie in one bucket. Beside each, the quantiles
    that must be worse for it to matter: a median that moved a little is soon certain, and one
    noisy reading of p95 beside it proves nothing, so there the median must have moved as far.
    """
    timed = canary.timed + baseline.timed
    slower = [
        (bound, timed - ours - theirs)
        for (bound, ours), (_, theirs) in zip(canary.latency, baseline.latency, strict=True)
        if 0 < ours + theirs < timed
    ]
    if not slower:
        return ()
    middle, high = (
        min(slower, key=lambda each: abs(log(each[1] / (timed * wanted))))[0]
        for wanted in (MEDIAN, SLOWEST)
    )
    if middle == high:
        return ((high, (P95,)),)
    return ((middle, (P50, P95)), (high, (P95,)))


def slowness_matters(canary: Sample, baseline: Sample, limits: Limits, quantile: float) -> bool:
    """Whether the canary's quantile is so much longer that it matters, chance or not."""
    ours, theirs = canary.percentile_ms(quantile), baseline.percentile_ms(quantile)
    if ours is None or theirs is None:
        return False
    return ours >= theirs * limits.worse_ratio and ours >= theirs + limits.worse_ms


def quantile_in_words(canary: Sample, baseline: Sample, quantile: float) -> str:
    ours, theirs = canary.percentile_ms(quantile), baseline.percentile_ms(quantile)
    return f"p{100 * quantile:g} {ours or 0:,.0f} ms, baseline {theirs or 0:,.0f} ms"


def against_limits(canary: Sample, limits: Limits, threshold: float) -> tuple[Comparison, ...]:
    """The canary by itself: whether more errors or slow answers than allowed are no chance."""
    found: list[Comparison] = []
    if limits.error_rate is not None:
        what = f"errors over {100 * limits.error_rate:g}%"
        found.append(over_limit(what, canary.failed, limits.error_rate, threshold))
    if limits.p95_ms is not None and canary.timed:
        what = f"p95 over {limits.p95_ms:,g} ms"
        found.append(over_limit(what, canary.slower(limits.p95_ms), SLOWEST, threshold))
    return tuple(found)


def over_limit(what: str, ours: Share, allowed: float, threshold: float) -> Comparison:
    return Comparison(
        what=what,
        canary=ours,
        against=allowed,
        test="binomial",
        p_value=binomial_at_least(ours.count, ours.of, allowed),
        threshold=threshold,
        matters=ours.rate > allowed,
    )
