"""Which replicas are started and stopped."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.replicas import Health, Memory, Replica, Rules, decide, judge
from tests.properties import examples

RULES = Rules(startup_seconds=30.0, memory_mib=256.0)


def replica(name: str, **changes: object) -> Replica:
    whole = Replica(
        name=name,
        service="api",
        revision="one",
        port=9000,
        phase="ready",
        started_at=0.0,
        was_ready=True,
    )
    return replace(whole, **changes)


phases = some.sampled_from(("starting", "ready", "unready", "hung", "stopping", "exited"))
replicas = some.lists(
    some.builds(
        Replica,
        name=some.integers(1, 30).map(lambda number: f"api.{number}"),
        service=some.just("api"),
        revision=some.sampled_from(("one", "two")),
        port=some.just(9000),
        phase=phases,
        started_at=some.floats(0, 100),
        was_ready=some.booleans(),
        rss_mib=some.floats(0, 512),
    ),
    max_size=8,
    unique_by=lambda each: each.name,
)


@pytest.mark.requirement("R32")
@given(
    seen=replicas,
    targets=some.dictionaries(some.sampled_from(("one", "two")), some.integers(0, 4)),
    now=some.floats(100, 200),
)
@examples(500)
def test_no_decision_takes_ready_replicas_below_what_is_wanted(
    seen: list[Replica], targets: dict[str, int], now: float
) -> None:
    decision = decide(targets=targets, replicas=seen, memory=Memory(), rules=RULES, now=now)
    stopped = {stop.replica for stop in decision.stops}
    assert len(stopped) == len(decision.stops)
    for revision in ("one", "two"):
        mine = [each for each in seen if each.revision == revision]
        ready = [each for each in mine if each.phase == "ready"]
        left = [each for each in ready if each.name not in stopped]
        assert len(left) >= min(len(ready), targets.get(revision, 0))
        live = [
            each
            for each in mine
            if each.name not in stopped and each.phase not in ("stopping", "exited")
        ]
        starting = sum(start.revision == revision for start in decision.starts)
        heavy = sum(each.rss_mib > RULES.memory_mib and each.phase == "ready" for each in live)
        assert len(live) + starting <= max(len(live), targets.get(revision, 0) + heavy)
    for each in seen:
        if each.phase in ("exited", "hung"):
            assert each.name in stopped


def test_what_is_level_is_left_alone() -> None:
    seen = [replica("api.1"), replica("api.2")]
    decision = decide(targets={"one": 2}, replicas=seen, memory=Memory(), rules=RULES, now=100.0)
    assert not decision.starts
    assert not decision.stops


def test_a_replica_over_its_memory_is_stopped_only_when_its_successor_is_ready() -> None:
    heavy = replica("api.1", rss_mib=300.0)
    seen = [heavy, replica("api.2")]
    first = decide(targets={"one": 2}, replicas=seen, memory=Memory(), rules=RULES, now=100.0)
    assert len(first.starts) == 1
    assert not first.stops
    starting = replica("api.3", phase="starting", was_ready=False, started_at=100.0)
    second = decide(
        targets={"one": 2}, replicas=[*seen, starting], memory=Memory(), rules=RULES, now=101.0
    )
    assert not second.starts
    assert not second.stops
    seen = [*seen, replica("api.3")]
    third = decide(targets={"one": 2}, replicas=seen, memory=Memory(), rules=RULES, now=102.0)
    assert [stop.replica for stop in third.stops] == ["api.1"]
    assert third.stops[0].drain


def test_crashes_wait_longer_each_time_and_three_in_a_row_are_a_loop() -> None:
    memory, now, waits = Memory(), 0.0, list[float]()
    loops = 0
    for number in range(1, 5):
        gone = replica(
            f"api.{number}", phase="exited", was_ready=False, exit_code=1, started_at=now
        )
        decision = decide(targets={"one": 1}, replicas=[gone], memory=memory, rules=RULES, now=now)
        memory = decision.memory
        waits.append(memory.not_before["one"] - now)
        loops += len(decision.loops)
        assert bool(decision.starts) == (waits[-1] == 0.0)
        now += 100.0
    assert waits == [0.0, 1.0, 2.0, 4.0]
    assert loops == 2  # the third and the fourth


def test_a_crash_after_a_steady_life_starts_the_count_anew() -> None:
    memory = Memory(crashes={"one": 2}, not_before={"one": 10.0}, looping=frozenset({"one"}))
    steady = decide(
        targets={"one": 1}, replicas=[replica("api.1")], memory=memory, rules=RULES, now=500.0
    )
    assert steady.memory == Memory()


def test_a_replica_that_is_not_ready_in_time_is_a_loop_at_once() -> None:
    late = replica("api.1", phase="starting", was_ready=False)
    decision = decide(targets={"one": 1}, replicas=[late], memory=Memory(), rules=RULES, now=31.0)
    assert "not ready within 30 s" in decision.loops[0].reason


def test_a_slow_start_is_not_a_hang_but_silence_after_it_is() -> None:
    silent = Health(alive_failures=9)
    assert judge("starting", silent, started=True, was_ready=False) == "starting"
    assert judge("starting", silent, started=True, was_ready=True) == "hung"
    assert judge("starting", Health(alive_failures=1), started=True, was_ready=True) == "unready"


ALONE = Rules(startup_seconds=30.0, memory_mib=256.0, alone=True)


@given(
    seen=replicas,
    targets=some.sampled_from(({"one": 1}, {"two": 1}, {"one": 0, "two": 1}, {})),
    now=some.floats(100, 200),
)
@examples(300)
def test_what_runs_alone_is_started_only_when_nothing_of_it_is_left(
    seen: list[Replica], targets: dict[str, int], now: float
) -> None:
    decision = decide(targets=targets, replicas=seen, memory=Memory(), rules=ALONE, now=now)
    assert len(decision.starts) <= 1
    assert not (decision.starts and seen)
    names = [stop.replica for stop in decision.stops]
    assert len(names) == len(set(names))


def test_what_runs_alone_and_is_over_its_memory_ends_before_its_successor_starts() -> None:
    heavy = replica("clock.1", rss_mib=300.0)
    first = decide(targets={"one": 1}, replicas=[heavy], memory=Memory(), rules=ALONE, now=100.0)
    assert [stop.replica for stop in first.stops] == ["clock.1"]
    assert first.stops[0].drain
    assert not first.starts
    stopping = replica("clock.1", rss_mib=300.0, phase="stopping")
    then = decide(targets={"one": 1}, replicas=[stopping], memory=Memory(), rules=ALONE, now=101.0)
    assert not then.starts
    last = decide(targets={"one": 1}, replicas=[], memory=Memory(), rules=ALONE, now=102.0)
    assert len(last.starts) == 1
