"""From records to figures."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load_report import KINDS, Mark, Records, percentile, report

TIMEOUT = KINDS.index("timeout")


def records(*entries: tuple[float, float, int]) -> Records:
    """Entries of intended second, latency in seconds, kind."""
    return Records(
        start=100.0,
        cpu_seconds=0.001,
        intended=array("d", [entry[0] for entry in entries]),
        latency=array("d", [entry[1] for entry in entries]),
        lag=array("d", [0.001 for _ in entries]),
        kinds=bytearray(entry[2] for entry in entries),
    )


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
    assert percentile([5.0], 0.01) == 5.0
    assert math.isnan(percentile([], 0.5))


def test_a_request_belongs_to_the_phase_in_which_it_was_meant_to_be_sent() -> None:
    # The second ended after the mark, though it was meant to be sent before it.
    told = report(records((0.5, 0.01, 0), (0.9, 5.0, 0), (1.0, 0.02, 0)), [Mark("release", 101.0)])
    assert told.phase("before").sent == 2
    assert told.phase("before").max_ms == pytest.approx(5000)
    assert told.phase("release").sent == 1
    assert told.phase("release").p50_ms == pytest.approx(20)


def test_marks_of_one_name_make_one_phase() -> None:
    marks = [Mark("release", 101.0), Mark("before", 102.0), Mark("release", 103.0)]
    entries = ((0.5, 0.01, 0), (1.5, 0.02, 0), (2.5, 0.03, 0), (3.5, 0.04, TIMEOUT))
    told = report(records(*entries), marks)
    assert [(window.name, window.sent, window.seconds) for window in told.phases] == [
        ("before", 2, pytest.approx(2.0)),
        ("release", 2, pytest.approx(1.5)),
    ]
    assert told.phase("release").failures == {"timeout": 1}
    assert told.phase("release").start_seconds == pytest.approx(1.0)


def test_failures_are_counted_by_kind_and_stay_out_of_the_percentiles() -> None:
    told = report(records((0.0, 0.01, 0), (0.1, 9.0, TIMEOUT), (0.2, 9.0, TIMEOUT)))
    assert told.total.failures == {"timeout": 2}
    assert told.total.failed == 2
    assert told.total.max_ms == pytest.approx(10)


def test_every_second_has_its_window_even_an_empty_one() -> None:
    told = report(records((0.2, 0.01, 0), (2.7, 0.01, TIMEOUT)))
    assert [(window.name, window.sent, window.failed) for window in told.seconds] == [
        ("0", 1, 0),
        ("1", 0, 0),
        ("2", 1, 1),
    ]
    assert math.isnan(told.seconds[1].p99_ms)


def test_the_generator_tells_its_own_lag_and_cost() -> None:
    told = report(records((0.0, 0.01, 0), (0.1, 0.01, 0)))
    assert told.lag_p99_ms == pytest.approx(1)
    assert told.cpu_microseconds_per_request == pytest.approx(500)


def test_a_load_of_no_request_has_a_report() -> None:
    told = report(records(), [Mark("release", 105.0)])
    assert told.total.sent == 0
    assert told.seconds == ()
    assert told.phase("release").sent == 0


def test_a_phase_that_was_not_marked_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        report(records()).phase("release")


ENTRIES = st.lists(
    st.tuples(
        st.floats(0, 30, allow_nan=False),
        st.floats(0, 60, allow_nan=False),
        st.integers(0, len(KINDS) - 1),
    ),
    max_size=50,
)


@given(ENTRIES, st.lists(st.floats(90, 140), max_size=4))
def test_no_request_is_lost_or_counted_twice(
    entries: list[tuple[float, float, int]], marks: list[float]
) -> None:
    phases = [Mark(f"phase {at}", at) for at in sorted(marks)]
    told = report(records(*entries), phases)
    for windows in (told.phases, told.seconds):
        assert sum(window.sent for window in windows) == len(entries)
        assert sum(window.failed for window in windows) == told.total.failed


@given(ENTRIES)
def test_records_survive_the_pipe(entries: list[tuple[float, float, int]]) -> None:
    before = records(*entries)
    assert Records.from_bytes(before.to_bytes()) == before


def test_records_cut_short_are_refused() -> None:
    with pytest.raises(ValueError, match="cut short"):
        Records.from_bytes(records((0.1, 0.1, 0)).to_bytes()[:-1])
