"""How many replicas: up, down, and never to and fro."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.scale import Sample, ScalerState, allowed, decide
from fairway.core.spec.model import OffHours, Scale, ScaleDown
from fairway.core.spec.quantities import Replicas
from tests.properties import examples

WITHIN = Replicas(3, 10)
SCALE = Scale()


def sample(
    at: float,
    cpu: float = 50.0,
    *,
    memory: float = 50.0,
    queued: int = 0,
    requests: float = 10.0,
) -> Sample:
    return Sample(
        at=at,
        cpu_percent=cpu,
        memory_percent=memory,
        queued=queued,
        requests_per_second=requests,
        replicas=3,
    )


def play(
    load: float,
    *,
    seconds: int,
    state: ScalerState | None = None,
    noise: float = 0.0,
    seed: int = 1,
    memory: float = 20.0,
    scale: Scale = SCALE,
) -> tuple[ScalerState, list[tuple[int, int]]]:
    """A service under `load` percent of one replica's CPU in all; every change as (second, n)."""
    chance = random.Random(seed)
    state = state or ScalerState(desired=3)
    changes: list[tuple[int, int]] = []
    for second in range(0, seconds, 5):
        cpu = load / state.desired + chance.uniform(-noise, noise)
        before = state.desired
        seen = sample(second, max(0.0, cpu), memory=memory)
        state = decide(state, seen, scale=scale, within=WITHIN, releasing=False)
        if state.desired != before:
            changes.append((second, state.desired))
    return state, changes


@pytest.mark.requirement("R237", "R236")
def test_cpu_over_70_percent_for_a_minute_adds_what_brings_it_to_the_target() -> None:
    state, changes = play(3 * 90.0, seconds=120)
    assert changes[0] == (60, 4)
    assert state.desired == 4


@pytest.mark.requirement("R238")
def test_memory_over_80_percent_for_a_minute_adds_one() -> None:
    _, changes = play(3 * 10.0, seconds=70, memory=90.0)
    assert changes == [(60, 4)]


@pytest.mark.requirement("R239")
def test_more_than_100_waiting_requests_add_one_at_once() -> None:
    state = ScalerState(desired=3)
    state = decide(state, sample(0, queued=101), scale=SCALE, within=WITHIN, releasing=False)
    assert state.desired == 4
    assert "101 requests wait" in state.reason


@pytest.mark.requirement("R239", "R242")
def test_a_queue_adds_the_next_one_when_the_last_one_has_shown_what_it_does() -> None:
    state = ScalerState(desired=3)
    added: list[tuple[int, int]] = []
    for second in range(40):
        ready = state.desired if second - (added[-1][0] if added else 0) >= 4 else 3
        seen = replace(sample(second, queued=500), replicas=ready)
        before = state.desired
        state = decide(state, seen, scale=SCALE, within=WITHIN, releasing=False)
        if state.desired != before:
            added.append((second, state.desired))
    assert added == [(0, 4), (10, 5), (20, 6), (30, 7)]


@pytest.mark.requirement("R239")
def test_a_queue_is_not_ignored_for_a_replica_that_never_gets_ready() -> None:
    state = ScalerState(desired=3)
    added: list[int] = []
    for second in range(130):
        before = state.desired
        seen = sample(second, queued=500)  # three serve, whatever is wanted
        state = decide(state, seen, scale=SCALE, within=WITHIN, releasing=False)
        if state.desired != before:
            added.append(second)
    assert added == [0, 60, 120]


@pytest.mark.requirement("R240", "R241", "C8")
def test_it_goes_down_only_when_cpu_and_memory_are_both_low_for_five_minutes() -> None:
    six = ScalerState(desired=6)
    _, changes = play(6 * 10.0, seconds=301, state=six)
    assert changes == [(300, 5)]
    _, changes = play(6 * 10.0, seconds=900, state=six, memory=50.0)
    assert changes == []
    _, changes = play(6 * 35.0, seconds=900, state=six)
    assert changes == []


@pytest.mark.requirement("R242")
def test_the_bandit_stays_between_two_and_its_maximum() -> None:
    scale = Scale(cpu_percent=70.0, down=ScaleDown(cpu_percent=30.0))
    state = ScalerState(desired=2)
    for second in range(0, 4000, 5):
        seen = sample(second, 5.0, memory=10.0)
        state = decide(state, seen, scale=scale, within=Replicas(2, 8), releasing=False)
    assert state.desired == 2


@given(load=some.floats(10.0, 690.0), noise=some.floats(0.0, 25.0), seed=some.integers(0, 1000))
@examples(60)
def test_a_noisy_steady_load_never_makes_it_go_to_and_fro(
    load: float, noise: float, seed: int
) -> None:
    _, changes = play(load, seconds=3600, noise=noise, seed=seed)
    counts = [3, *(count for _, count in changes)]
    turns = sum(
        (after - here) * (here - before) < 0
        for before, here, after in zip(counts, counts[1:], counts[2:], strict=False)
    )
    assert turns <= 1


@given(
    loads=some.lists(some.floats(0, 2000), min_size=1, max_size=30),
    within=some.tuples(some.integers(1, 5), some.integers(0, 5)),
)
@examples(200)
def test_it_stays_within_its_range(loads: list[float], within: tuple[int, int]) -> None:
    bounds = Replicas(within[0], within[0] + within[1])
    state = ScalerState(desired=bounds.minimum)
    for number, load in enumerate(loads):
        seen = sample(number * 40.0, load / state.desired, queued=int(load))
        state = decide(state, seen, scale=SCALE, within=bounds, releasing=number % 7 == 6)
        assert bounds.minimum <= state.desired <= bounds.maximum


def test_it_never_fights_a_release() -> None:
    state = ScalerState(desired=3)
    for second in range(0, 600, 5):
        state = decide(state, sample(second, 99.0), scale=SCALE, within=WITHIN, releasing=True)
    assert state.desired == 3


@pytest.mark.requirement("R115")
def test_off_hours_have_another_range_also_over_midnight() -> None:
    night = OffHours(replicas=Replicas(1, 3), start_minute=22 * 60, end_minute=5 * 60)
    assert allowed(WITHIN, night, 23 * 60) == Replicas(1, 3)
    assert allowed(WITHIN, night, 4 * 60) == Replicas(1, 3)
    assert allowed(WITHIN, night, 5 * 60) == WITHIN
    assert allowed(WITHIN, None, 0) == WITHIN


def test_the_night_brings_it_down_to_the_nights_range_at_once() -> None:
    state = ScalerState(desired=6)
    state = decide(state, sample(0), scale=SCALE, within=Replicas(1, 3), releasing=False)
    assert state.desired == 3


def test_a_rate_per_replica_is_followed() -> None:
    scale = Scale(requests=100.0)
    state = ScalerState(desired=3)
    for second in range(0, 70, 5):
        seen = sample(second, 10.0, requests=550.0)
        state = decide(state, seen, scale=scale, within=WITHIN, releasing=False)
    assert state.desired == 6
