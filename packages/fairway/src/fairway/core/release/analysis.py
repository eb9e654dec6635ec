"""Whether a canary is as good as the baseline that ran at the same time: pass, fail or unknown.

Place in the flow: during a hold the engine calls `analyse` every few seconds with what both sides
answered since the step began, and gives the verdict to the machine as `Judged`. Pure. Why these
tests, and how often they are wrong: docs/concepts/canary-analysis.md.

A comparison (`analysis_comparison.py`; R152, R189-R190) fails if chance hardly explains it (p at
or under a threshold) *and* it is large enough to matter. One that fails turns the canary back.

Looking often finds chance often. So there is one real look, at the end of the step, with the
threshold `Limits.final`; every look before it needs `Limits.early`, hundreds of times smaller.
All looks, comparisons and steps of a release share `Limits.alpha`. No traffic is not success:
with fewer than `Limits.minimum` requests on either side the verdict is unknown, or fail.
"""

from dataclasses import dataclass, replace
from typing import Literal

from fairway.core.release.analysis_comparison import (
    Comparison,
    Limits,
    against_baseline,
    against_limits,
)
from fairway.core.release.analysis_sample import Sample, Share

__all__ = ["Comparison", "Limits", "Outcome", "Sample", "Share", "Verdict", "analyse", "rounded"]

Outcome = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, why, and every comparison that led to it."""

    verdict: Outcome
    reason: str
    comparisons: tuple[Comparison, ...]


def analyse(
    canary: Sample,
    baseline: Sample | None,
    limits: Limits,
    *,
    elapsed_seconds: float,
    total_seconds: float,
) -> Verdict:
    """Judge what both sides answered since the step began.

    `baseline` None: the step leaves it no traffic, so only the absolute limits are compared.
    Pass is said only at the step's end and with enough requests; fail at any time. Both
    histograms have the same bounds; others raise ValueError.
    """
    lacking = missing(canary, baseline, limits)
    at_end = elapsed_seconds >= total_seconds
    is_last = at_end and not lacking
    threshold = limits.final if is_last else limits.early
    least = 1 if is_last else limits.least
    comparisons = tuple(
        replace(each, matters=each.matters and each.canary.count >= least)
        for each in (
            *(() if baseline is None else against_baseline(canary, baseline, limits, threshold)),
            *against_limits(canary, limits, threshold),
        )
    )
    failed = [each for each in comparisons if each.fails]
    if failed:
        return Verdict("fail", blame(failed[0]), comparisons)
    if lacking:
        return Verdict("unknown", lacking, comparisons)
    if not at_end:
        left = (
            f"nothing is certain yet; {total_seconds - elapsed_seconds:.0f} s of the step are left"
        )
        return Verdict("unknown", left, comparisons)
    return Verdict("pass", praise(canary, baseline), comparisons)


def missing(canary: Sample, baseline: Sample | None, limits: Limits) -> str:
    """Which side has answered too little to be judged, in words; empty if none."""
    for name, sample in (("canary", canary), ("baseline", baseline)):
        if sample is None:
            continue
        if sample.requests < limits.minimum:
            return f"too little traffic: the {name} had {sample.requests:,} of {limits.minimum:,}"
        if sample.timed < limits.minimum:
            return f"too few times: the {name} has {sample.timed:,} of {limits.minimum:,}"
    return ""


def blame(worst: Comparison) -> str:
    """Why the canary is turned back, in one line with its numbers."""
    ours = f"{worst.canary.rate:.2%} ({worst.canary.count:,} of {worst.canary.of:,})"
    if isinstance(worst.against, Share):
        theirs = f"{worst.against.rate:.2%} ({worst.against.count:,} of {worst.against.of:,})"
        against = f"against the baseline's {theirs}"
    else:
        against = f"where {worst.against:.2%} are allowed"
    note = f"; {worst.note}" if worst.note else ""
    return f"{worst.what}: {ours} {against}, p {rounded(worst.p_value)}{note}"


def rounded(probability: float) -> str:
    """Two digits are more than anybody needs; under 1e-300 none are known."""
    if probability == 0.0:
        return "< 1e-300"
    return f"= {probability:.3f}" if probability >= 0.001 else f"= {probability:.1e}"


def praise(canary: Sample, baseline: Sample | None) -> str:
    if baseline is None:
        return f"within the limits over {canary.requests:,} requests"
    return f"no worse than the baseline: {canary.requests:,} against {baseline.requests:,} requests"
