"""Retries: when, how often, how long in between, and never more than the budget."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.breaker import Breaker, BreakerOpen
from fairway_runtime.figures import Roll
from fairway_runtime.retry import Budget, Retry
from tests.runtime.ticking import Ticking


class Down(Exception):
    """What is tried again here."""


def exact(clock: Ticking, retries: int = 3, **more: object) -> Retry:
    return Retry(
        "prices",
        on=(Down,),
        retries=retries,
        jitter=False,
        clock=clock,
        sleep=clock.sleep,
        async_sleep=clock.async_sleep,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.requirement("R230", "C2")
@pytest.mark.parametrize("is_async", [False, True])
def test_it_tries_at_once_and_after_1_2_and_4_s_and_raises_the_last_error(is_async: bool) -> None:
    clock = Ticking()
    tried: list[float] = []
    policy = exact(clock)

    @policy
    def call() -> None:
        tried.append(clock.now)
        raise Down(len(tried))

    @policy
    async def call_async() -> None:
        tried.append(clock.now)
        raise Down(len(tried))

    with pytest.raises(Down) as caught:
        asyncio.run(call_async()) if is_async else call()
    assert caught.value.args == (4,)
    assert clock.slept == [1, 2, 4]
    assert tried == [1000, 1001, 1003, 1007]


@pytest.mark.requirement("R230", "C2")
def test_no_wait_is_longer_than_8_s() -> None:
    clock = Ticking()
    with pytest.raises(Down):
        exact(clock, retries=6)(_down)()
    assert clock.slept == [1, 2, 4, 8, 8, 8]


def _down() -> None:
    raise Down


def test_with_jitter_waits_spread_evenly_below_the_exact_ones() -> None:
    clock, chance = Ticking(), random.Random(7)
    policy = Retry(
        "prices",
        on=(Down,),
        budget=Budget(reserve=3000),
        clock=clock,
        sleep=clock.sleep,
        chance=chance.random,
    )
    for _ in range(1000):
        with pytest.raises(Down):
            policy(_down)()
    for index, longest in enumerate((1, 2, 4)):
        waits = clock.slept[index::3]
        assert 0 <= min(waits) < 0.02 * longest
        assert 0.98 * longest < max(waits) <= longest
        assert sum(waits) / len(waits) == pytest.approx(longest / 2, rel=0.1)


def test_only_named_exceptions_are_tried_again_and_never_a_rejected_call() -> None:
    clock = Ticking()
    breaker = Breaker("prices", failures=1, clock=clock)
    policy = Retry("prices", on=(Exception,), jitter=False, clock=clock, sleep=clock.sleep)
    with pytest.raises(ZeroDivisionError):
        exact(clock)(lambda: 1 // 0)()
    assert clock.slept == []

    with pytest.raises(BreakerOpen):
        policy(breaker(_down))()
    assert clock.slept == [1]  # the failure was tried again; the refusal was not


def test_no_retry_begins_after_the_deadline() -> None:
    clock = Ticking()
    with pytest.raises(Down):
        exact(clock, deadline_seconds=6.9)(_down)()
    assert clock.slept == [1, 2]


def test_a_call_that_succeeds_at_last_gives_its_answer_and_keeps_its_name() -> None:
    clock = Ticking()
    outcomes = iter([Down(), Down(), None])

    @exact(clock)
    def call(answer: str) -> str:
        """Ask."""
        error = next(outcomes)
        if error:
            raise error
        return answer

    assert call("yes") == "yes"
    assert (call.__name__, call.__doc__) == ("call", "Ask.")


def test_what_was_retried_and_given_up_is_told() -> None:
    roll, clock = Roll(), Ticking()
    policy = exact(clock, budget=Budget(reserve=4))
    roll.add(policy)
    for _ in range(2):
        with pytest.raises(Down):
            policy(_down)()
    text = list(roll.collect())
    assert 'retry_retried_total{retry="prices"} 4' in text
    assert 'retry_gave_up_total{retry="prices"} 2' in text
    assert 'retry_over_budget_total{retry="prices"} 1' in text


def test_when_everything_fails_retries_add_a_fifth_to_the_load() -> None:
    clock = Ticking()
    policy = exact(clock)
    calls = policy(_down)
    for _ in range(1000):
        with pytest.raises(Down):
            calls()
    # The first call earns nothing, because the reserve of 10 is full.
    assert 205 <= len(clock.slept) <= 10 + 200


@pytest.mark.requirement("R230", "C2")
@given(
    outcomes=st.lists(st.lists(st.booleans(), min_size=5, max_size=5), max_size=30),
    retries=st.integers(0, 4),
    reserve=st.integers(0, 5),
    deadline=st.sampled_from([None, 0.0, 1.0, 3.0, 7.0]),
)
def test_it_waits_and_spends_as_its_dumb_twin_does(
    outcomes: list[list[bool]], retries: int, reserve: int, deadline: float | None
) -> None:
    clock = Ticking()
    policy = exact(clock, retries, budget=Budget(0.25, reserve), deadline_seconds=deadline)
    slept: list[float] = []
    quarters = reserve * 4
    for fates in outcomes:
        script = iter(fates)

        def call(script: "iter[bool]" = script) -> None:  # type: ignore[valid-type]
            if not next(script):
                raise Down

        quarters = min(reserve * 4, quarters + 1)
        waited, is_well = 0.0, fates[0]
        for number, wait in enumerate([1, 2, 4, 8][:retries], start=1):
            late = deadline is not None and waited + wait > deadline
            if is_well or late or quarters < 4:
                break
            quarters -= 4
            waited += wait
            slept.append(wait)
            is_well = fates[number]
        try:
            policy(call)()
        except Down:
            assert not is_well
        else:
            assert is_well
    assert clock.slept == slept
