"""The canary analysis: what passes, what fails, what holds, and how often it errs."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench import analysis as bench
from bench.analysis_traffic import BASE, slowed, tail_slowed
from fairway.core.release import machine
from fairway.core.release.analysis import Limits, Sample, Verdict, analyse
from fairway.core.release.analysis_report import describe
from fairway.core.release.analysis_sample import since
from fairway.core.release.machine import Judged, Observed, ReleaseState
from fairway.core.release.strategy import Hold, steps
from fairway.core.spec.model import Canary

LIMITS = Limits()
RELATIVE = replace(LIMITS, error_rate=None, p95_ms=None)


BOUNDS = (25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 600.0, 1000.0, 2000.0, 4000.0, math.inf)


def times(requests: int, p95_ms: float) -> tuple[tuple[float, int], ...]:
    """Half within a quarter of `p95_ms`, 95 % within it, all within ten times that."""
    points = ((0.0, 0.0), (p95_ms / 4, 0.5), (p95_ms, 0.95), (p95_ms * 10, 1.0))

    def within(bound: float) -> float:
        for (low, before), (high, after) in pairwise(points):
            if bound <= high:
                return before + (after - before) * (bound - low) / (high - low)
        return 1.0

    return tuple((bound, round(within(bound) * requests)) for bound in BOUNDS)


def sample(requests: int, errors: int = 0, p95_ms: float = 200.0) -> Sample:
    return Sample(requests, errors, times(requests, p95_ms))


def at_end(canary: Sample, baseline: Sample | None, limits: Limits = LIMITS) -> Verdict:
    return analyse(canary, baseline, limits, elapsed_seconds=900, total_seconds=900)


def early(canary: Sample, baseline: Sample | None, limits: Limits = LIMITS) -> Verdict:
    return analyse(canary, baseline, limits, elapsed_seconds=60, total_seconds=900)


CASES: dict[str, Callable[[], Verdict]] = {
    "good": lambda: at_end(sample(1000, 4), sample(9000, 36)),
    "good_so_far": lambda: early(sample(400, 2), sample(3600, 12)),
    "doubled_errors": lambda: at_end(sample(4000, 160), sample(36000, 720), RELATIVE),
    "slower": lambda: at_end(sample(1000, p95_ms=300.0), sample(9000)),
    "over_the_limits": lambda: at_end(sample(2000, 70, 5000.0), sample(18000, 630, 5000.0)),
    "broken_at_once": lambda: early(sample(25, 25), sample(225)),
    "silent": lambda: at_end(Sample(0, 0), Sample(0, 0)),
    "little_traffic": lambda: at_end(sample(120, 1), sample(1080, 4)),
    "too_little_to_matter": lambda: at_end(sample(10**6, 5500), sample(9 * 10**6, 45000)),
    "alone": lambda: at_end(sample(1000, 4), None),
}


@pytest.mark.parametrize("name", CASES)
def test_the_report_reads_as(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"analysis_{name}.txt", describe(CASES[name]()))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("good", "pass"),
        ("good_so_far", "unknown"),
        ("doubled_errors", "fail"),
        ("slower", "fail"),
        pytest.param(
            "over_the_limits", "fail", marks=pytest.mark.requirement("R189", "R190", "R152")
        ),
        ("broken_at_once", "fail"),
        ("silent", "unknown"),
        ("little_traffic", "unknown"),
        ("too_little_to_matter", "pass"),
        ("alone", "pass"),
    ],
)
def test_the_verdict_is(name: str, verdict: str) -> None:
    assert CASES[name]().verdict == verdict


@pytest.mark.requirement("R189")
def test_more_than_1_percent_errors_fail_even_if_the_baseline_is_as_bad() -> None:
    said = at_end(sample(3000, 60), sample(27000, 540))
    assert said.verdict == "fail"
    assert [each.what for each in said.comparisons if each.fails] == ["errors over 1%"]
    assert at_end(sample(3000, 30), sample(27000, 270)).verdict == "pass"


@pytest.mark.requirement("R190")
def test_a_p95_over_2000_ms_fails_even_if_the_baseline_is_as_slow() -> None:
    said = at_end(sample(3000, p95_ms=3000.0), sample(27000, p95_ms=3000.0))
    assert said.verdict == "fail"
    assert [each.what for each in said.comparisons if each.fails] == ["p95 over 2,000 ms"]
    assert at_end(sample(3000, p95_ms=1900.0), sample(27000, p95_ms=1900.0)).verdict == "pass"


def test_a_canary_that_mends_an_ailing_baseline_passes() -> None:
    assert at_end(sample(1000, 2), sample(9000, 900, 5000.0)).verdict == "pass"


def test_the_evidence_before_the_end_must_be_overwhelming() -> None:
    bad = (sample(1000, 45), sample(9000, 180))
    assert at_end(*bad, RELATIVE).verdict == "fail"
    assert early(*bad, RELATIVE).verdict == "unknown"
    worse = (sample(1000, 80), sample(9000, 180))
    assert early(*worse, RELATIVE).verdict == "fail"


def test_a_handful_of_bad_answers_is_not_enough_before_the_end() -> None:
    assert early(sample(9, 9), sample(81)).verdict == "unknown"
    assert early(sample(10, 10), sample(90)).verdict == "fail"


def test_below_the_minimum_only_overwhelming_evidence_counts_even_at_the_end() -> None:
    assert at_end(sample(200, 5), sample(1800, 2)).verdict == "unknown"
    assert at_end(sample(200, 100), sample(1800, 2)).verdict == "fail"


def test_times_that_were_not_taken_are_not_good_times() -> None:
    said = at_end(Sample(5000, 0), sample(45000))
    assert said.verdict == "unknown"
    assert "too few times" in said.reason


def test_a_baseline_without_traffic_proves_nothing() -> None:
    said = at_end(sample(5000), sample(100))
    assert said.verdict == "unknown"
    assert "the baseline had 100 of 300" in said.reason


def test_more_steps_ask_for_more_evidence_in_each() -> None:
    one, nine = replace(LIMITS, analyses=1), replace(LIMITS, analyses=9)
    assert one.final == pytest.approx(9 * nine.final)
    assert one.early == pytest.approx(9 * nine.early)
    assert LIMITS.final == pytest.approx(0.0006)
    assert LIMITS.early < 1e-6


def test_histograms_of_different_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="same bounds"):
        at_end(Sample(9, 0, ((5.0, 9),)), Sample(9, 0, ((7.0, 9),)))


@pytest.mark.parametrize(
    "bad",
    [
        (1, 2, ()),
        (1, -1, ()),
        (9, 0, ((5.0, 9), (10.0, 8))),
        (9, 0, ((10.0, 8), (5.0, 9))),
    ],
)
def test_counts_that_cannot_be_are_refused(bad: tuple[int, int, tuple[()]]) -> None:
    with pytest.raises(ValueError, match=r"errors of|ascending"):
        Sample(*bad)


def test_a_sample_since_the_step_began_is_the_difference_of_two_readings() -> None:
    begin = Sample(100, 5, ((10.0, 60), (20.0, 100)))
    now = Sample(150, 6, ((10.0, 70), (20.0, 150)))
    assert since(begin, now) == Sample(50, 1, ((10.0, 10), (20.0, 50)))
    assert since(Sample(0, 0), now) == now


def test_after_the_balancer_was_started_anew_everything_since_counts() -> None:
    begin = Sample(100, 5, ((10.0, 60), (20.0, 100)))
    for anew in (Sample(20, 1, ((10.0, 9), (20.0, 20))), Sample(200, 9, ((10.0, 9), (20.0, 200)))):
        assert since(begin, anew) == anew


def test_percentiles_are_linear_within_a_bucket() -> None:
    held = Sample(100, 0, ((10.0, 50), (20.0, 90), (math.inf, 100)))
    assert held.percentile_ms(0.5) == 10.0
    assert held.percentile_ms(0.7) == 15.0
    assert held.percentile_ms(0.95) == 20.0  # of what lies over the last bound, no more is known
    assert Sample(0, 0).percentile_ms(0.5) is None


# -- Properties --------------------------------------------------------------------------------

ORDER = {"pass": 0, "unknown": 1, "fail": 2}
counts = some.lists(some.integers(0, 300), min_size=len(BOUNDS), max_size=len(BOUNDS))


@some.composite
def samples(draw: some.DrawFn) -> Sample:
    buckets = draw(counts)
    total, cumulative = 0, list[tuple[float, int]]()
    for bound, count in zip(BOUNDS, buckets, strict=True):
        total += count
        cumulative.append((bound, total))
    return Sample(total, draw(some.integers(0, total)), tuple(cumulative))


@given(samples(), samples(), some.integers(0, 1000))
def test_one_more_error_never_makes_a_verdict_better(
    canary: Sample, baseline: Sample, elapsed: int
) -> None:
    if canary.errors == canary.requests:
        return
    worse = replace(canary, errors=canary.errors + 1)
    before, after = (
        analyse(each, baseline, LIMITS, elapsed_seconds=elapsed, total_seconds=900)
        for each in (canary, worse)
    )
    assert ORDER[after.verdict] >= ORDER[before.verdict]


@given(samples(), some.integers(1, 20))
def test_a_canary_just_like_its_baseline_never_fails(canary: Sample, times_as_many: int) -> None:
    baseline = Sample(
        canary.requests * times_as_many,
        canary.errors * times_as_many,
        tuple((bound, count * times_as_many) for bound, count in canary.latency),
    )
    assert at_end(canary, baseline, RELATIVE).verdict != "fail"


@given(samples(), samples())
def test_nothing_passes_before_the_end_or_without_enough_requests(
    canary: Sample, baseline: Sample
) -> None:
    assert early(canary, baseline).verdict != "pass"
    if min(canary.requests, baseline.requests) < LIMITS.minimum:
        assert at_end(canary, baseline).verdict != "pass"


@given(samples(), samples(), some.integers(2, 5))
def test_the_same_difference_in_more_requests_is_surer(
    canary: Sample, baseline: Sample, more: int
) -> None:
    def scaled(side: Sample) -> Sample:
        latency = tuple((bound, count * more) for bound, count in side.latency)
        return Sample(side.requests * more, side.errors * more, latency)

    few, many = (
        at_end(canary, baseline, RELATIVE),
        at_end(scaled(canary), scaled(baseline), RELATIVE),
    )
    if few.verdict == "fail":
        assert many.verdict == "fail"


@given(samples(), samples())
def test_a_failure_names_what_failed_with_its_numbers(canary: Sample, baseline: Sample) -> None:
    said = at_end(canary, baseline)
    failed = [each for each in said.comparisons if each.fails]
    assert bool(failed) == (said.verdict == "fail")
    if failed:
        assert any(said.reason.startswith(each.what) for each in failed)
        assert said.reason in describe(said)


# -- A whole release ---------------------------------------------------------------------------


def released(canary_error_rate: float, per_second: float) -> tuple[ReleaseState, list[float]]:
    """A canary with the default steps, judged every 5 s; how it ended, and its shares."""
    walk = steps(Canary(), 3, first=False, migrates=False)
    state = machine.begin(
        service="api",
        old="one",
        new="two",
        replicas=3,
        walk=walk,
        now=0.0,
        step_deadline_seconds=120.0,
    )
    now, percents = 0.0, list[float]()
    while not state.over and now < 7200:
        counts = (state.new_count, state.new_count, state.old_count, state.old_count)
        state = machine.step(state, Observed(now, *counts))
        current = state.current
        if isinstance(current, Hold):
            if state.new_percent not in percents:
                percents.append(state.new_percent)
            elapsed = now - state.step_since
            share = state.new_percent / 100
            canary = round(elapsed * per_second * share)
            baseline = round(elapsed * per_second * (1 - share))
            said = analyse(
                sample(canary, round(canary * canary_error_rate)),
                sample(baseline, round(baseline * 0.002)),
                LIMITS,
                elapsed_seconds=elapsed,
                total_seconds=current.seconds,
            )
            state = machine.step(state, Judged(now, said.verdict, said.reason))
        now += 5.0
    return replace(state, step_since=now), percents


@pytest.mark.requirement("R151", "R152", "R153", "C18")
def test_a_good_canary_is_watched_15_minutes_at_10_percent_and_raised_to_100() -> None:
    state, percents = released(canary_error_rate=0.002, per_second=20)
    assert state.phase == "promoted"
    assert percents == [10.0, 25.0, 50.0]
    assert state.new_percent == 100.0
    assert 1500 <= state.step_since <= 1560  # 15 + 5 + 5 minutes, and no longer


@pytest.mark.requirement("R152")
def test_a_bad_canary_never_gets_more_than_10_percent_and_goes_back_within_two_minutes() -> None:
    state, percents = released(canary_error_rate=0.2, per_second=20)
    assert state.phase == "rolled_back"
    assert percents == [10.0]
    assert state.step_since < 120
    assert state.reason.startswith(("error rate: ", "errors over 1%: "))


@pytest.mark.requirement("R152")
def test_a_canary_that_nobody_visits_goes_back_at_its_deadline() -> None:
    state, percents = released(canary_error_rate=0.0, per_second=0)
    assert state.phase == "rolled_back"
    assert percents == [10.0]
    assert state.step_since >= 900 + 120
    assert state.reason == "too little traffic: the canary had 0 of 300"


# -- Chance: a small part of `bench analysis`, with seeds of its own ---------------------------


def test_good_canaries_are_let_through_whole_releases() -> None:
    chance = Random("a good canary")
    ends = [bench.verdict(bench.GOOD[0], chance) for _ in range(15)]
    assert ends == ["pass"] * 15


def test_doubled_errors_are_found_at_the_stated_sample_size() -> None:
    chance = Random("doubled errors")
    needed = round(bench.NEEDED_ERRORS / 0.02)
    found = [
        bench.at_the_end(
            bench.flat(needed, bench.hits(chance, needed, 0.04)),
            bench.flat(9 * needed, bench.hits(chance, 9 * needed, 0.02)),
        )
        for _ in range(100)
    ]
    assert found.count("fail") >= 98


@pytest.mark.parametrize("bad", [slowed(BASE, 1.5), tail_slowed(BASE, 1.5)])
def test_a_p95_half_as_long_again_is_found_at_the_stated_sample_size(bad: bench.Times) -> None:
    assert bad.p95_ms == pytest.approx(1.5 * BASE.p95_ms)
    chance = Random("slow")
    theirs = bench.taken(chance, 9 * bench.NEEDED_TIMES, BASE)
    found = [
        bench.at_the_end(bench.taken(chance, bench.NEEDED_TIMES, bad), theirs) for _ in range(40)
    ]
    assert found.count("fail") >= 39


def test_a_look_that_is_cut_short_says_what_the_analysis_says() -> None:
    chance = Random("looks")
    for _ in range(100):
        ours = bench.taken(chance, chance.randrange(400), BASE)
        theirs = bench.taken(chance, chance.randrange(1, 900), BASE)
        ours = replace(ours, errors=bench.hits(chance, ours.requests, 0.02))
        whole = analyse(ours, theirs, LIMITS, elapsed_seconds=60, total_seconds=900)
        assert bench.look(ours, theirs, LIMITS, 60, 900) == whole.verdict
