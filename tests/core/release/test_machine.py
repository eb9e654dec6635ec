"""The release machine: any events in any order, and the transcripts that people read."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.release import machine
from fairway.core.release.machine import (
    Abort,
    Event,
    Failed,
    Judged,
    Migrated,
    Observed,
    Pause,
    Promote,
    ReleaseState,
    Resume,
    Verified,
)
from fairway.core.release.strategy import Hold, Scale, Verify, steps
from fairway.core.spec.model import Blue, Canary, Release, Rolling
from fairway.core.spec.quantities import CanaryStep
from tests.properties import examples

releases: some.SearchStrategy[Release] = some.one_of(
    some.builds(Rolling, batch=some.integers(1, 4), surge=some.integers(1, 4)),
    some.builds(Blue, keep_seconds=some.floats(0, 100)),
    some.builds(
        Canary,
        steps=some.lists(
            some.builds(CanaryStep, some.floats(1, 100), some.floats(0, 100)),
            min_size=1,
            max_size=4,
        ).map(tuple),
    ),
)

times = some.floats(0, 300)
counts = some.integers(0, 6)
happenings: some.SearchStrategy[Callable[[float], Event]] = some.one_of(
    some.tuples(counts, counts, counts, counts).map(lambda four: lambda now: Observed(now, *four)),
    some.just(Migrated),
    some.just(Verified),
    some.sampled_from(("pass", "fail", "unknown")).map(
        lambda verdict: lambda now: Judged(now, verdict, "so it seems")
    ),
    some.just(lambda now: Failed(now, "it broke")),
    some.just(Abort),
    some.just(Promote),
    some.just(lambda now: Pause()),
    some.just(Resume),
)


def begun(
    release: Release, replicas: int, *, first: bool, migrates: bool, tests: bool = False
) -> ReleaseState:
    return machine.begin(
        service="api",
        old=None if first else "one",
        new="two",
        replicas=replicas,
        walk=steps(release, replicas, first=first, migrates=migrates, tests=tests),
        now=0.0,
        step_deadline_seconds=60.0,
    )


@pytest.mark.requirement("R145", "R148", "R151", "R153")
@given(
    release=releases,
    replicas=some.integers(1, 5),
    first=some.booleans(),
    migrates=some.booleans(),
    tests=some.booleans(),
    events=some.lists(some.tuples(times, happenings), max_size=60),
)
@examples(300)
def test_any_events_keep_capacity_and_weights_and_survive_json(
    release: Release,
    replicas: int,
    first: bool,
    migrates: bool,
    tests: bool,
    events: list[tuple[float, Callable[[float], Event]]],
) -> None:
    state = begun(release, replicas, first=first, migrates=migrates, tests=tests)
    now = 0.0
    for passes, happening in events:
        now += passes
        before, event = state, happening(now)
        state = machine.step(state, event)
        assert sum(machine.shares(state).values()) == pytest.approx(100.0)
        if not first:
            assert state.new_count + state.old_count >= replicas
        if before.over:
            assert state == before
        if tests and any(isinstance(step, Verify) for step in state.walk[state.at :]):
            assert state.new_percent == 0.0 or state.phase != "forward"
        if isinstance(event, Judged) and event.verdict != "pass":
            assert state.at == before.at or state.phase == "back" or before.phase == "back"
        assert machine.from_json(json.loads(json.dumps(machine.to_json(state)))) == state


@given(
    release=releases,
    replicas=some.integers(1, 5),
    fails_at=some.integers(0, 30),
    tests=some.booleans(),
)
@examples(200)
def test_every_path_ends_promoted_or_rolled_back(
    release: Release, replicas: int, fails_at: int, tests: bool
) -> None:
    """Played on a world that does what it is told: R147, R149, R150."""
    state = begun(release, replicas, first=False, migrates=True, tests=tests)
    now = 0.0
    for tick in range(4000):
        if state.over:
            break
        now += 1.0
        if tick == fails_at:
            state = machine.step(state, Failed(now, "it broke"))
        if machine.wants_migration(state):
            state = machine.step(state, Migrated(now))
        if machine.wants_verification(state):
            state = machine.step(state, Verified(now))
        current = state.current
        if isinstance(current, Hold) and current.analyse:
            state = machine.step(state, Judged(now, "pass"))
        wanted = machine.targets(state)
        seen = Observed(now, wanted["two"], wanted["two"], wanted["one"], wanted["one"])
        assert seen.new_ready + seen.old_ready >= replicas
        state = machine.step(state, seen)
    assert state.over
    assert state.phase in ("promoted", "rolled_back")
    if state.phase == "rolled_back":
        assert machine.targets(state) == {"two": 0, "one": replicas}
        assert machine.shares(state)["one"] == 100.0
    else:
        assert machine.targets(state)["two"] == replicas
        assert machine.shares(state)["two"] == 100.0


def test_an_unknown_verdict_holds_and_then_fails_at_its_deadline() -> None:
    state = begun(Canary(steps=(CanaryStep(10, 900),)), 3, first=False, migrates=False)
    state = machine.step(state, Observed(1, 1, 1, 3, 3))
    assert isinstance(state.current, Hold)
    for now in range(2, 961, 30):
        state = machine.step(state, Judged(now, "unknown", "12 of 100 requests"))
        assert state.phase == "forward"
        assert state.new_percent == 10
    state = machine.step(state, Judged(970, "unknown", "12 of 100 requests"))
    assert state.phase == "back"
    assert state.reason == "12 of 100 requests"


def test_a_way_back_that_gets_stuck_says_why_and_keeps_what_serves() -> None:
    state = begun(Rolling(), 2, first=False, migrates=False)
    state = machine.step(state, Observed(1, 1, 1, 2, 2))
    state = machine.step(state, Failed(2, "it broke"))
    state = machine.step(state, Observed(63, 1, 1, 1, 1))
    assert state.phase == "stuck"
    assert "it broke" in state.reason
    assert "2 replicas of the old revision" in state.reason


@pytest.mark.requirement("C18")
def test_a_canary_of_three_replicas_gets_at_least_one() -> None:
    walk = steps(Canary(), 3, first=False, migrates=False)
    assert walk[0] == Scale("new", 1)


@pytest.mark.parametrize(
    ("name", "release"),
    [("rolling", Rolling()), ("blue_green", Blue()), ("canary", Canary())],
)
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_the_transcript_of_each_strategy(
    name: str, release: Release, ends: str, golden: Callable[[str, str], None]
) -> None:
    """What is wanted at each step, as text: reviewed as code."""
    state = begun(release, 3, first=False, migrates=True)
    lines: list[str] = []
    now = 0.0

    def write() -> None:
        current = state.current
        said = state.phase if current is None else machine.describe(current)
        wanted, shares = machine.targets(state), machine.shares(state)
        parts = [f"{each} {wanted[each]} at {shares[each]:g}%" for each in ("one", "two")]
        lines.append(f"{now:6.0f} s  {state.phase:<11}  {', '.join(parts):<32}  {said}")

    write()
    while not state.over:
        before = state
        current = state.current
        now += current.seconds if isinstance(current, Hold) else 2.0
        late = ends == "badly" and state.new_percent > 20 and state.phase == "forward"
        if late:
            state = machine.step(state, Failed(now, "two crashed"))
        elif machine.wants_migration(state):
            state = machine.step(state, Migrated(now))
        elif isinstance(current, Hold) and current.analyse:
            state = machine.step(state, Judged(now, "pass"))
        else:
            wanted = machine.targets(state)
            seen = Observed(now, wanted["two"], wanted["two"], wanted["one"], wanted["one"])
            state = machine.step(state, seen)
        assert state != before
        write()
    golden(f"{name}_{ends}.txt", "\n".join(lines) + "\n")
