"""How one revision of a worker takes over from another: no traffic, and perhaps never two."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.release import machine
from fairway.core.release.machine import Abort, Failed, Observed, ReleaseState
from fairway.core.release.strategy import Scale, Shift, worker_back, worker_steps
from tests.properties import examples


def begun(replicas: int, *, first: bool = False, alone: bool = False) -> ReleaseState:
    return machine.begin(
        service="mails",
        old=None if first else "one",
        new="two",
        replicas=replicas,
        walk=worker_steps(replicas, first=first, migrates=False, alone=alone),
        way_back=worker_back(replicas, first=first, alone=alone),
        now=0.0,
        step_deadline_seconds=60.0,
    )


@given(
    replicas=some.integers(0, 5),
    alone=some.booleans(),
    fails_at=some.integers(0, 20),
    by_hand=some.booleans(),
)
@examples(200)
def test_every_way_ends_and_keeps_what_it_promised_on_it(
    replicas: int, alone: bool, fails_at: int, by_hand: bool
) -> None:
    """Played on a world that does what it is told; a way back begins at any moment."""
    replicas = min(replicas, 1) if alone else replicas
    state = begun(replicas, alone=alone)
    for tick in range(100):
        assert not any(isinstance(step, Shift) for step in state.walk)
        if state.over:
            break
        if tick == fails_at:
            state = machine.step(state, Abort(tick) if by_hand else Failed(tick, "it ended"))
        wanted = machine.targets(state)
        if alone:
            assert sum(wanted.values()) <= 1
        else:
            assert sum(wanted.values()) >= replicas
        assert machine.from_json(json.loads(json.dumps(machine.to_json(state)))) == state
        seen = Observed(float(tick), wanted["two"], wanted["two"], wanted["one"], wanted["one"])
        state = machine.step(state, seen)
    assert state.phase in ("promoted", "rolled_back")
    left = {"two": replicas, "one": 0} if state.phase == "promoted" else {"two": 0, "one": replicas}
    assert machine.targets(state) == left


def test_alone_the_old_one_has_ended_before_the_new_one_is_wanted() -> None:
    state = begun(1, alone=True)
    assert machine.targets(state) == {"one": 0, "two": 0}
    still_there = machine.step(state, Observed(5.0, 0, 0, 0, 1))
    assert machine.targets(still_there) == {"one": 0, "two": 0}
    gone = machine.step(still_there, Observed(6.0, 0, 0, 0, 0))
    assert machine.targets(gone) == {"one": 0, "two": 1}


def test_alone_a_bad_one_has_ended_before_the_old_one_comes_back() -> None:
    state = machine.step(begun(1, alone=True), Observed(1.0, 0, 0, 0, 0))
    back = machine.step(state, Failed(2.0, "exited with code 7"))
    assert machine.targets(back) == {"one": 0, "two": 0}
    again = machine.step(back, Observed(3.0, 0, 0, 0, 0))
    assert machine.targets(again) == {"one": 1, "two": 0}


@pytest.mark.parametrize("alone", [True, False])
def test_a_first_one_that_fails_leaves_nothing(alone: bool) -> None:
    state = machine.step(begun(1, first=True, alone=alone), Failed(1.0, "it ended"))
    assert state.walk == (Scale("new", 0),)


def test_a_release_that_an_earlier_fairway_began_is_read() -> None:
    kept = machine.to_json(begun(2))
    del kept["way_back"]
    assert machine.from_json(kept).way_back == ()
