"""The limits that a file sets for an analysis, and the probes that it names."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.release.analysis_comparison import Limits
from fairway.core.release.analysis_sample import Sample
from fairway.core.release.analysis_traffic import MOST_VISITS, limits_of, visits
from fairway.core.spec.model import Alarm

LIMITS = Limits()


def answered(count: int) -> Sample:
    return Sample(count, 0, ((1.0, count),) if count else ())


def asked(sides: dict[str, int], elapsed: float = 30.0, total: float = 60.0) -> dict[str, int]:
    return dict(
        visits(
            {revision: answered(count) for revision, count in sides.items()},
            {"new": ["web.3"], "old": ["web.1", "web.2"]},
            LIMITS,
            elapsed_seconds=elapsed,
            total_seconds=total,
            look_seconds=5.0,
        )
    )


@pytest.mark.requirement("R189", "R190")
def test_the_alarm_of_the_file_is_the_limit_of_a_canary() -> None:
    limits = limits_of(Alarm(error_rate="> 2.5%", p95="> 800ms"), analyses=2)
    assert (limits.error_rate, limits.p95_ms, limits.analyses) == (0.025, 800.0, 2)


def test_a_file_without_an_alarm_has_the_usual_limits() -> None:
    assert limits_of(None, analyses=0) == Limits(analyses=1)


def test_nobody_is_asked_where_visitors_suffice() -> None:
    assert asked({"new": 150, "old": 150}) == {}


def test_what_is_lacking_is_spread_over_looks_and_replicas() -> None:
    assert asked({"new": 0, "old": 2000}) == {"web.3": 50}
    assert asked({"new": 2000, "old": 6}) == {"web.1": 25, "web.2": 24}


def test_after_the_end_of_the_step_the_rest_is_asked_at_once_within_bounds() -> None:
    assert asked({"new": 290, "old": 300}, elapsed=70.0) == {"web.3": 10}
    assert asked({"new": 0, "old": 300}, elapsed=70.0) == {"web.3": MOST_VISITS}


@given(
    new=some.integers(0, 1000),
    old=some.integers(0, 1000),
    elapsed=some.floats(0.0, 200.0),
    total=some.floats(1.0, 100.0),
)
def test_a_side_is_never_asked_more_than_it_lacks(
    new: int, old: int, elapsed: float, total: float
) -> None:
    found = asked({"new": new, "old": old}, elapsed, total)
    sides = {"new": found.get("web.3", 0), "old": found.get("web.1", 0) + found.get("web.2", 0)}
    for revision, count in (("new", new), ("old", old)):
        assert sides[revision] <= max(0, LIMITS.minimum - count)
        assert sides[revision] <= MOST_VISITS
