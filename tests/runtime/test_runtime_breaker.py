"""The circuit breaker, beside a dumb twin with the same clock."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.breaker import Breaker, BreakerOpen, State
from fairway_runtime.figures import Roll
from tests.runtime.ticking import Ticking


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="down"), breaker.guard():
            raise OSError("down")


@pytest.mark.requirement("R227", "R228", "R229")
def test_five_failures_open_it_for_30_s_and_one_success_closes_it() -> None:
    clock = Ticking()
    breaker = Breaker("prices", clock=clock)
    made: list[float] = []

    @breaker
    def call() -> str:
        made.append(clock.now)
        return "answer"

    fail(breaker, 4)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.OPEN
    clock.now += 29.9
    with pytest.raises(BreakerOpen, match=r"prices is open; try again in 0\.1 s") as caught:
        call()
    assert caught.value.retry_seconds == pytest.approx(0.1)
    assert made == []
    clock.now += 0.1
    assert breaker.state is State.HALF_OPEN
    assert call() == "answer"
    assert breaker.state is State.CLOSED


@pytest.mark.requirement("R227")
def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = Breaker("prices", clock=Ticking())
    for _ in range(3):
        fail(breaker, 4)
        with breaker.guard():
            pass
    assert breaker.state is State.CLOSED


@pytest.mark.requirement("R229")
def test_half_open_makes_one_call_and_a_failure_opens_it_again() -> None:
    clock = Ticking()
    breaker = Breaker("prices", clock=clock)
    fail(breaker, 5)
    clock.now += 30
    permit = breaker.admit()
    with pytest.raises(BreakerOpen):
        breaker.admit()
    breaker.settle(permit, OSError())
    assert breaker.state is State.OPEN
    clock.now += 29
    with pytest.raises(BreakerOpen):
        breaker.admit()


@pytest.mark.requirement("R229")
def test_of_many_threads_one_alone_tries_a_half_open_breaker() -> None:
    clock = Ticking()
    breaker = Breaker("prices", clock=clock)
    fail(breaker, 5)
    clock.now += 30
    start, release = threading.Barrier(9), threading.Event()
    admitted: list[int] = []

    def ask() -> None:
        start.wait()
        with contextlib.suppress(BreakerOpen), breaker.guard():
            admitted.append(1)
            release.wait(10)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    while sum(thread.is_alive() for thread in threads) > 1:
        pass
    release.set()
    for thread in threads:
        thread.join(10)
    assert len(admitted) == 1
    assert breaker.state is State.CLOSED


def test_an_async_function_is_guarded_and_a_cancelled_trial_lets_the_next_one_try() -> None:
    clock = Ticking()
    breaker = Breaker("prices", failures=1, clock=clock)

    @breaker
    async def call(seconds: float) -> str:
        await asyncio.sleep(seconds)
        if not seconds:
            raise OSError("down")
        return "answer"

    async def main() -> None:
        with pytest.raises(OSError, match="down"):
            await call(0)
        clock.now += 30
        trial = asyncio.create_task(call(60))
        await asyncio.sleep(0)
        with pytest.raises(BreakerOpen):
            await call(0.001)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        assert breaker.state is State.HALF_OPEN
        assert await call(0.001) == "answer"
        async with breaker.guard():
            assert breaker.state is State.CLOSED

    asyncio.run(main())


def test_only_the_exceptions_that_count_open_it() -> None:
    breaker = Breaker(
        "prices", failures=1, counts=(OSError,), ignores=(FileNotFoundError,), clock=Ticking()
    )
    for error in (ValueError, FileNotFoundError):
        with pytest.raises(error), breaker.guard():
            raise error
    assert breaker.state is State.CLOSED
    with pytest.raises(TimeoutError), breaker.guard():
        raise TimeoutError
    assert breaker.state is State.OPEN


def test_a_generator_is_refused_because_its_work_happens_later() -> None:
    def rows() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="rows is a generator"):
        Breaker("rows")(rows)


def test_state_and_rejections_are_told() -> None:
    roll, clock = Roll(), Ticking()
    breaker = Breaker('pri"ces', clock=clock)
    twin = Breaker('pri"ces', clock=clock)  # the same name elsewhere: told as one
    roll.add(breaker)
    roll.add(twin)
    fail(breaker, 5)
    for _ in range(2):
        with pytest.raises(BreakerOpen):
            breaker.admit()
    text = list(roll.collect())
    assert 'breaker_state{breaker="pri\\"ces"} 2' in text
    assert 'breaker_rejections_total{breaker="pri\\"ces"} 2' in text
    assert 'breaker_failures_total{breaker="pri\\"ces"} 5' in text
    assert 'breaker_openings_total{breaker="pri\\"ces"} 1' in text
    assert len(text) == 12


@dataclass
class Twin:
    """The requirement's words, one after the other, and no speed."""

    clock: Ticking
    state: str = "closed"
    row: list[str] = field(default_factory=list)
    opened: float = 0.0
    began: int = 0  # how often the state has changed
    trying: bool = False

    def look(self) -> str:
        if self.state == "open" and self.clock.now >= self.opened + 30:
            self.go("half-open")
        return self.state

    def go(self, state: str) -> None:
        self.state, self.row, self.trying, self.began = state, [], False, self.began + 1

    def admit(self) -> int | None:
        state = self.look()
        if state == "open" or (state == "half-open" and self.trying):
            return None
        self.trying = state == "half-open"
        return self.began

    def settle(self, permit: int, outcome: str) -> None:
        if permit != self.began or self.state == "open":
            return
        if outcome == "cut":
            self.trying = False
        elif outcome == "well":
            self.row = []
            if self.state == "half-open":
                self.go("closed")
        else:
            self.row.append(outcome)
            if self.state == "half-open" or len(self.row) == 5:
                self.opened = self.clock.now
                self.go("open")


STEPS = st.lists(
    st.one_of(
        st.just(("begin", 0)),
        st.tuples(
            st.sampled_from(["well", "failed", "failed", "failed", "cut"]), st.integers(0, 9)
        ),
        st.tuples(st.just("pass"), st.sampled_from([1, 15, 30])),
    ),
    max_size=80,
)
ERRORS = {"well": None, "failed": OSError(), "cut": asyncio.CancelledError()}


@pytest.mark.requirement("R227", "R228", "R229")
@given(STEPS)
def test_it_does_what_its_dumb_twin_does(steps: list[tuple[str, int]]) -> None:
    clock = Ticking()
    breaker, twin = Breaker("prices", clock=clock), Twin(clock)
    under_way: list[tuple[int, int]] = []
    for step, number in steps:
        if step == "pass":
            clock.now += number
        elif step == "begin":
            wanted = twin.admit()
            try:
                permit: int | None = breaker.admit()
            except BreakerOpen:
                permit = None
            assert (permit is None) == (wanted is None)
            if permit is not None and wanted is not None:
                under_way.append((permit, wanted))
        elif under_way:
            permit, wanted = under_way.pop(number % len(under_way))
            breaker.settle(permit, ERRORS[step])
            twin.settle(wanted, step)
        assert breaker.state.name == twin.look().replace("-", "_").upper()
