"""Token buckets, beside a dumb twin that drips one token after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.bucket import Buckets, Rate
from tests.runtime.ticking import Ticking


@pytest.mark.requirement("R216")
@pytest.mark.parametrize(
    ("text", "most", "seconds"),
    [
        ("60/min", 60, 60),
        (" 100 / MIN ", 100, 60),
        ("5/s", 5, 1),
        ("9/h", 9, 3600),
        ("10/30s", 10, 30),
    ],
)
def test_a_rate_is_written_as_people_say_it(text: str, most: int, seconds: float) -> None:
    assert Rate.parse(text) == Rate(most, seconds)


@pytest.mark.parametrize(
    "text", ["", "60", "0/min", "-1/s", "60/", "60/fortnight", "1/0s", "1e9/s"]
)
def test_what_is_no_rate_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="such as 60/min"):
        Rate.parse(text)


@pytest.mark.requirement("R216")
def test_a_full_bucket_allows_its_all_at_once_and_then_one_a_step() -> None:
    clock = Ticking()
    buckets = Buckets(Rate(60, 60), clock=clock)
    assert [buckets.take("a").remaining for _ in range(60)] == list(range(59, -1, -1))
    refused = buckets.take("a")
    assert (refused.is_allowed, refused.remaining) == (False, 0)
    assert (refused.full_seconds, refused.wait_seconds) == (60, 1)
    clock.now += 1
    assert [buckets.take("a").is_allowed for _ in range(2)] == [True, False]
    assert buckets.take("b").is_allowed  # another key has a bucket of its own


@pytest.mark.requirement("R216")
@given(st.integers(1, 6), st.lists(st.floats(0, 3), max_size=30))
def test_processes_that_take_shares_let_no_more_through_together_than_one(
    processes: int, pauses: list[float]
) -> None:
    clock = Ticking()
    rate = Rate(6, 6)
    each = [Buckets(rate, clock=clock) for _ in range(processes)]
    passed = 0
    for pause in pauses:
        for buckets in each:
            while (taken := buckets.take("a", processes)).is_allowed:
                passed += 1
            assert taken.wait_seconds > 0
        assert passed <= 6 + (clock.now - 1000) + 1e-3
        clock.now += pause


def test_memory_is_bounded_and_the_key_used_longest_ago_is_forgotten() -> None:
    buckets = Buckets(Rate(1, 60), most_keys=100, clock=Ticking())
    buckets.take("first")
    for number in range(99):
        buckets.take(str(number))
        assert not buckets.take("first").is_allowed
    for number in range(1000):
        buckets.take(f"flood {number}")
    assert len(buckets) == 100
    assert buckets.take("first").is_allowed


@pytest.mark.requirement("R216")
@given(
    most=st.integers(1, 8),
    step=st.sampled_from([0.25, 1.0, 3.0]),
    asked=st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab")), max_size=60),
)
def test_it_does_what_its_dumb_twin_does(
    most: int, step: float, asked: list[tuple[int, str]]
) -> None:
    clock = Ticking()
    buckets = Buckets(Rate(most, most * step), clock=clock)
    quarters_a_token = int(step * 4)
    tokens = {"a": most * quarters_a_token, "b": most * quarters_a_token}  # in quarter seconds
    for quarters, key in asked:
        for _ in range(quarters):
            clock.now += 0.25
            tokens = {one: min(held + 1, most * quarters_a_token) for one, held in tokens.items()}
        is_allowed = tokens[key] >= quarters_a_token
        tokens[key] -= quarters_a_token * is_allowed
        taken = buckets.take(key)
        assert taken.is_allowed == is_allowed
        assert taken.remaining == tokens[key] // quarters_a_token
        assert taken.full_seconds == pytest.approx(most * step - tokens[key] / 4)
