"""How often the canary analysis is wrong: good canaries turned back, bad ones let through.

Simulated traffic with fixed seeds, so the same figures on every machine. `false_rollback_percent`
is the worst of the ways in which good canaries were released: whole releases (10 % for 15
minutes, 25 % and 50 % for 5), judged every 5 seconds. `detected_*` is the share of bad canaries
that the last look of one step at 10 % finds; looks before it and later steps can only add to it.
A full run rewrites the table in docs/concepts/canary-analysis.md and the figures beside it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from math import exp, sqrt
from pathlib import Path
from random import Random

from bench.analysis_traffic import BASE, Side, Times, hits, slowed, tail_slowed
from bench.project import is_short, say
from bench.result import Result
from fairway.core.release.analysis import Outcome, analyse
from fairway.core.release.analysis_comparison import (
    Limits,
    against_limits,
    errors_matter,
    slowness_matters,
)
from fairway.core.release.analysis_sample import Sample

REQUIREMENTS = ("R152",)

PAGE = Path(__file__).parent.parent / "docs/concepts/canary-analysis.md"
FIGURES = PAGE.with_suffix(".json")
BEGIN, END = "<!-- bench analysis: begin -->\n", "<!-- bench analysis: end -->\n"

STEPS = ((0.10, 900), (0.25, 300), (0.50, 300))  # the defaults of `fairway.toml`
LOOK_SECONDS = 5
PROCESSES = 2
RELEASES = 1000
CANARIES = 1000
RELATIVE = Limits(error_rate=None, p95_ms=None)  # the baseline alone decides
DOUBLED = (0.005, 0.01, 0.02, 0.05)
NEEDED_ERRORS = 70  # expected of a good canary: then a doubled rate is found
NEEDED_TIMES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A way of releasing a canary that is as good as its baseline."""

    name: str
    per_second: float = 10.0
    growth: float = 1.0  # traffic at the end of each step over that at its begin
    error_rate: float = 0.005
    times: Times = BASE
    outage: bool = False  # a dependency of both sides fails a fifth of all requests for a minute
    spread: float = 0.0  # the canary's replicas are by chance so much slower or faster (sigma)
    limits: Limits = Limits()


GOOD = (
    Good(name="steady, 0.5% errors"),
    Good(name="steady, 2% errors", error_rate=0.02, limits=RELATIVE),
    Good(name="steady, 0.9% errors, limit 1%", error_rate=0.009),
    Good(name="widely spread times", times=Times(((0.8, 40.0, 0.8), (0.2, 400.0, 1.0)))),
    Good(name="traffic grows tenfold", per_second=4.0, growth=10.0),
    Good(name="outage of a dependency", outage=True, limits=RELATIVE),
)
UNEVEN = Good(name="replicas 10% uneven", spread=0.1)


def run() -> Result:
    """Simulate, print the table, and write it down unless this is a rehearsal."""
    releases = RELEASES // 20 if is_short() else RELEASES
    canaries = CANARIES // 20 if is_short() else CANARIES
    figures = {**rolled_back(releases), **errors_found(canaries), **slowness_found(canaries)}
    figures = {name: round(value, 4) for name, value in figures.items()}
    say("\n" + table(figures))
    if not is_short():
        FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
        PAGE.write_text(with_table(PAGE.read_text(), table(figures)))
    return Result(figures, goals(figures))


def goals(figures: Iterable[str]) -> dict[str, str]:
    """One for good canaries, and one for each kind of bad ones at its stated sample size."""
    needed = {name: ">= 99.0" for name in figures if name.endswith(" needed_percent")}
    return {"false_rollback_percent": "<= 1.0", **needed}


def rolled_back(releases: int) -> dict[str, float]:
    """How often good canaries fail, by the way of releasing them."""
    figures: dict[str, float] = {}
    ways = (*GOOD, UNEVEN)
    with ProcessPoolExecutor(max_workers=PROCESSES) as pool:
        for way, failed in zip(ways, pool.map(failures, ways, repeat(releases)), strict=True):
            figures[f"rolled back: {way.name}"] = 100 * failed / releases
            say(f"{way.name}: {failed} of {releases} good canaries turned back")
    worst = max(figures[f"rolled back: {way.name}"] for way in GOOD)
    return {"false_rollback_percent": worst, **figures}


def failures(way: Good, releases: int) -> int:
    """How many of so many releases fail; each way has chances of its own."""
    chance = Random(f"good {way.name}")
    return sum(verdict(way, chance) == "fail" for _ in range(releases))


def verdict(way: Good, chance: Random) -> Outcome:
    """The end of one whole release; unknown if a step had too little traffic."""
    canary, baseline = Side(chance), Side(chance)
    theirs = way.times.shares()
    ours = slowed(way.times, exp(chance.gauss(0.0, way.spread))).shares() if way.spread else theirs
    limits = replace(way.limits, analyses=len(STEPS))
    said: Outcome = "unknown"
    for weight, seconds in STEPS:
        canary.forget()
        baseline.forget()
        outage = chance.randrange(seconds - 60)
        for now in range(LOOK_SECONDS, seconds + 1, LOOK_SECONDS):
            rate = way.per_second * way.growth ** (now / seconds)
            requests = round(rate * LOOK_SECONDS)
            to_canary = hits(chance, requests, weight)
            is_out = way.outage and outage <= now < outage + 60
            errors = 0.2 if is_out else way.error_rate
            canary.answer(to_canary, errors, ours)
            baseline.answer(requests - to_canary, errors, theirs)
            said = look(canary.sample(), baseline.sample(), limits, now, seconds)
            if said == "fail":
                return said
        if said == "unknown":
            return said
    return said


def look(ours: Sample, theirs: Sample, limits: Limits, now: int, seconds: int) -> Outcome:
    """What `analyse` says; where nothing matters before the end, without asking it how likely."""
    if now < seconds and not (
        errors_matter(ours.failed, theirs.failed, limits)
        or slowness_matters(ours, theirs, limits, 0.95)
        or any(each.matters for each in against_limits(ours, limits, 0.0))
    ):
        return "unknown"
    return analyse(ours, theirs, limits, elapsed_seconds=now, total_seconds=seconds).verdict


def errors_found(canaries: int) -> dict[str, float]:
    """How often a doubled error rate is found, by the rate and the canary's requests."""
    figures: dict[str, float] = {}
    for rate in DOUBLED:
        needed = round(NEEDED_ERRORS / rate)
        for name, requests in (("300", 300), ("half", needed // 2), ("needed", needed)):
            chance = Random(f"errors {rate} {name}")
            found = 0
            for _ in range(canaries):
                bad = flat(requests, hits(chance, requests, 2 * rate))
                good = flat(9 * requests, hits(chance, 9 * requests, rate))
                found += at_the_end(bad, good) == "fail"
            figures[f"detected: errors {rate:.1%} {name}_percent"] = 100 * found / canaries
            say(f"errors {rate:.1%} doubled, {requests:,} requests: {found} of {canaries}")
    return figures


def flat(requests: int, errors: int) -> Sample:
    """A sample whose times tell nothing."""
    return Sample(requests, errors, ((100.0, requests),))


def slowness_found(canaries: int) -> dict[str, float]:
    """How often a p95 that is half as long again is found, and how often by ranks alone."""
    figures: dict[str, float] = {}
    bad_ones = {"all slower": slowed(BASE, 1.5), "a tenth slower": tail_slowed(BASE, 1.5)}
    for kind, bad in bad_ones.items():
        for name, requests in (("300", 300), ("half", 500), ("needed", NEEDED_TIMES)):
            chance = Random(f"times {kind} {name}")
            found = by_ranks = 0
            for _ in range(canaries):
                ours, theirs = taken(chance, requests, bad), taken(chance, 9 * requests, BASE)
                found += at_the_end(ours, theirs) == "fail"
                by_ranks += mann_whitney(ours, theirs) >= 3.24  # one-sided, p = 0.0006
            figures[f"detected: {kind} {name}_percent"] = 100 * found / canaries
            figures[f"by ranks: {kind} {name}"] = 100 * by_ranks / canaries
            say(f"{kind}, {requests} requests: {found} of {canaries}, by ranks {by_ranks}")
    return figures


def taken(chance: Random, requests: int, times: Times) -> Sample:
    """A sample without errors whose times tell everything."""
    side = Side(chance)
    side.answer(requests, 0.0, times.shares())
    return side.sample()


def at_the_end(canary: Sample, baseline: Sample) -> Outcome:
    """What the last look of a step says."""
    said = analyse(canary, baseline, RELATIVE, elapsed_seconds=900, total_seconds=900)
    return said.verdict


def mann_whitney(canary: Sample, baseline: Sample) -> float:
    """Z of the rank sum of two histograms, with the correction for ties."""
    ours = theirs = ties = rank_sum = 0.0
    for (_, first), (_, second) in zip(canary.latency, baseline.latency, strict=True):
        tied = first - ours + second - theirs
        rank_sum += (first - ours) * (ours + theirs + (tied + 1) / 2)
        ties += tied**3 - tied
        ours, theirs = first, second
    everything = ours + theirs
    above = rank_sum - ours * (ours + 1) / 2 - ours * theirs / 2 - 0.5
    variance = ours * theirs / 12 * (everything + 1 - ties / (everything * (everything - 1)))
    return above / sqrt(variance) if variance else 0.0


def table(figures: Mapping[str, float]) -> str:
    """The figures as the page shows them."""

    def percent(name: str) -> str:
        return f"{figures[name]:.4g}%"

    lines = ["| a good canary | turned back |", "|---|---|"]
    lines += [f"| {way.name} | {percent(f'rolled back: {way.name}')} |" for way in GOOD]
    lines += [f"| *{UNEVEN.name}* | {percent(f'rolled back: {UNEVEN.name}')} |", ""]
    lines += ["| a bad canary | canary's requests | found |", "|---|---|---|"]
    for rate in DOUBLED:
        needed = round(NEEDED_ERRORS / rate)
        for name, requests in (("300", 300), ("half", needed // 2), ("needed", needed)):
            found = percent(f"detected: errors {rate:.1%} {name}_percent")
            lines.append(f"| errors {rate:.1%} → {2 * rate:.1%} | {requests:,} | {found} |")
    lines += ["", "| p95 half as long again | canary's requests | found | by ranks |"]
    lines += ["|---|---|---|---|"]
    for kind in ("all slower", "a tenth slower"):
        for name, requests in (("300", 300), ("half", 500), ("needed", NEEDED_TIMES)):
            found = percent(f"detected: {kind} {name}_percent")
            ranks = percent(f"by ranks: {kind} {name}")
            lines.append(f"| {kind} | {requests:,} | {found} | {ranks} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, text: str) -> str:
    """The page with `text` between its two marks."""
    between = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
    return between.sub(lambda _: text, page)
