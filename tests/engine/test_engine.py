"""The engine as a whole, on a machine that remembers and a clock that obeys."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fairway.core.plan.action import Action, Migrate, Prepare, ReplicaStart
from fairway.core.problem import Problem, Problems
from fairway.core.release.analysis_sample import Sample
from fairway.core.replicas import Replica
from fairway.core.spec.parse import parse
from fairway.engine.crew import Failure
from fairway.engine.engine import Engine
from fairway.engine.journal import Journal
from tests.engine.fakes import FakeClock, FakeDriver, FakeMachine

FILE = """
app = "weather"

[service.api]
asgi = "weather.api:app"
public = true
uses = ["db", "files"]
before = "alembic upgrade head"

[job.ingest]
command = "python -m weather.ingest"
on_new = "files/incoming/"
uses = ["db", "files"]

[database.db]
[bucket.files]
"""
APP = parse(FILE).app("local")


def machine(**changes: object) -> FakeMachine:
    clock = FakeClock()
    return replace(
        FakeMachine(clock=clock, apps=dict.fromkeys(("one", "two", "three"), APP)), **changes
    )


def engine_on(made: FakeMachine, path: Path) -> Engine:
    return Engine(FakeDriver(made), Journal(path / "journal.jsonl"), clock=made.clock)


async def until(engine: Engine, reached: Callable[[], bool], *, ticks: int = 4000) -> None:
    """Run an engine's rounds until something is so."""
    for _ in range(ticks):
        await engine.tick()
        await engine.world.clock.wait(engine.world.wake, 0.1)
        if reached():
            return
    raise AssertionError(f"never reached; {engine.status()}")


async def up(made: FakeMachine, path: Path) -> Engine:
    engine = engine_on(made, path)
    await engine.first_revision()
    await until(engine, lambda: engine.phase in {"up", "failed"})
    return engine


async def ended(engine: Engine) -> str:
    """Run until the deployment is over; its outcome."""
    await until(engine, lambda: is_over(engine))
    deployment = engine.world.ledger.deployment
    assert deployment is not None
    return deployment.outcome


def kinds(made: FakeMachine) -> list[type[Action]]:
    return [type(action) for action in made.log]


def test_up_brings_data_then_migration_then_replicas_then_traffic(tmp_path: Path) -> None:
    made = machine()
    engine = asyncio.run(up(made, tmp_path))
    assert engine.phase == "up"
    assert made.serving("api") == 2
    order = kinds(made)
    assert order.index(Migrate) < order.index(ReplicaStart)
    assert order.count(Migrate) == 1


@pytest.mark.requirement("R145", "R146", "R154")
def test_a_rolling_release_replaces_every_replica_and_never_serves_with_less(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"
        made.before = lambda action: least(made)
        await engine.deploy()
        assert await ended(engine) == "promoted"
        assert {replica.revision for replica in made.replicas.values()} == {"two"}
        assert made.serving("api") == 2
        assert engine.world.ledger.stable == "two"

    def least(made: FakeMachine) -> None:
        assert made.serving("api") >= 2

    asyncio.run(scenario())


@pytest.mark.requirement("R147")
@pytest.mark.parametrize("fault", ["never ready", "crashes", "migration"])
def test_a_release_that_fails_leaves_the_old_revision_serving(tmp_path: Path, fault: str) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"
        if fault == "never ready":
            made.ready_after = lambda revision: None if revision == "two" else 1.0
        elif fault == "crashes":
            made.ready_after = lambda revision: None if revision == "two" else 1.0
            made.dies_after = lambda revision: 0.3 if revision == "two" else None
        else:
            made.migration_fails = True
        await engine.deploy()
        assert await ended(engine) == "rolled_back"
        assert {replica.revision for replica in made.replicas.values()} == {"one"}
        assert made.serving("api") == 2
        assert engine.world.ledger.stable == "one"
        deployment = engine.world.ledger.deployment
        assert deployment is not None
        assert deployment.reason
        if fault == "crashes":
            assert "last words of api." in deployment.reason

    asyncio.run(scenario())


def test_a_migration_that_failed_after_an_abort_is_run_again_by_the_next_release(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"
        key = "migrate api two"
        engine.world.crew.failures[key] = Failure(
            times=1, problems=(Problem("", "no table"),), retry_at=0.0
        )
        await engine.deploy()
        assert await ended(engine) == "promoted"

    asyncio.run(scenario())


def test_an_app_that_crashes_at_once_fails_the_start_and_says_its_last_words(
    tmp_path: Path,
) -> None:
    made = machine(dies_after=lambda revision: 0.1, ready_after=lambda revision: None)

    async def scenario() -> None:
        await engine_on(made, tmp_path).run()

    with pytest.raises(Problems, match="last words of api"):
        asyncio.run(scenario())
    assert not made.replicas


def test_a_replica_that_dies_is_replaced(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        victim = min(made.replicas)
        made.replicas[victim] = replace(made.replicas[victim], phase="exited", exit_code=137)
        await until(engine, lambda: made.serving("api") == 2 and victim not in made.replicas)
        assert len(made.replicas) == 2

    asyncio.run(scenario())


def test_what_is_not_waited_for_stands_back_while_it_starts(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        await ended(engine)
        name = next(iter(made.replicas))
        made.replicas[name] = replace(made.replicas[name], phase="exited", exit_code=137)
        await until(engine, lambda: name not in made.replicas and made.serving("api") == 2)
        starts = [each for each in made.log if isinstance(each, ReplicaStart)]
        stand_back = [(each.revision, each.stands_back) for each in starts]
        assert stand_back == [
            ("one", False),  # nobody serves yet: one is to answer soon
            ("one", True),
            *[("two", True)] * 2,
            ("two", False),  # in a dead one's place
        ]

    asyncio.run(scenario())


def test_replicas_warm_up_where_others_serve_meanwhile(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        await ended(engine)
        starts = [each for each in made.log if isinstance(each, ReplicaStart)]
        warm = [(each.revision, each.warms_up) for each in starts]
        assert warm == [*[("one", False)] * 2, *[("two", True)] * 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("position", range(24))
def test_a_kill_before_any_action_of_a_release_is_followed_by_its_end(
    tmp_path: Path, position: int
) -> None:
    """R147, and the rule that any crash point resumes."""
    faulty = position % 2 == 1

    async def first(made: FakeMachine) -> None:
        engine = await up(made, tmp_path)
        made.folder = "two"
        made.ready_after = lambda revision: None if faulty and revision == "two" else 1.0
        count = len(made.log)

        def kill(action: Action) -> None:
            del action
            made.dead = made.dead or len(made.log) - count >= position

        made.before = kill
        await engine.deploy()
        await until(engine, lambda: made.dead or is_over(engine))

    async def second(made: FakeMachine) -> None:
        made.before = lambda action: None
        made.dead = False
        engine = engine_on(made, tmp_path)
        await engine.first_revision()
        await until(engine, lambda: is_over(engine) and engine.phase == "up")
        await until(engine, lambda: len(made.replicas) == 2 and made.serving("api") == 2)
        assert {each.revision for each in made.replicas.values()} == {"one" if faulty else "two"}

    made = machine()
    asyncio.run(first(made))
    asyncio.run(second(made))


def is_over(engine: Engine) -> bool:
    deployment = engine.world.ledger.deployment
    return deployment is None or deployment.over


def test_new_objects_run_the_job_once_for_each_version(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.bucket["incoming/a.txt"] = "1"
        await until(engine, lambda: len(history(engine)) == 1)
        for _ in range(100):
            await engine.tick()
            await made.clock.wait(engine.world.wake, 0.5)
        assert len(history(engine)) == 1
        made.bucket["incoming/a.txt"] = "2"
        await until(engine, lambda: len(history(engine)) == 2)

    asyncio.run(scenario())


def test_a_job_that_runs_over_a_kill_of_the_engine_is_found_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.bucket["incoming/a.txt"] = "1"
        await until(engine, lambda: bool(made.runs))
        again = await up(made, tmp_path)
        await until(again, lambda: len(history(again)) == 1)
        assert not made.runs or all(run.exit_code is not None for run in made.runs.values())

    asyncio.run(scenario())


def history(engine: Engine) -> list[str]:
    state = engine.world.ledger.jobs.get("ingest")
    return [] if state is None else [record.run for record in state.history]


def test_a_prepare_that_fails_twice_ends_the_start(tmp_path: Path) -> None:
    def refuse(action: Action) -> None:
        if isinstance(action, Prepare):
            from fairway.core.problem import Problem

            raise Problems([Problem("requirements.txt:1", "there is no package `fastapy`")])

    made = machine(before=refuse)

    async def scenario() -> None:
        await engine_on(made, tmp_path).run()

    with pytest.raises(Problems, match="fastapy"):
        asyncio.run(scenario())


@pytest.mark.requirement("R236", "R237", "R243", "R245")
def test_load_starts_replicas_within_the_range_and_calm_stops_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.cpu = 0.49
        await until(engine, lambda: made.serving("api") == 3)
        assert engine.world.ledger.scaled == {"api": 3}
        made.cpu = 0.02
        await until(engine, lambda: made.serving("api") == 2 and len(made.replicas) == 2)

    asyncio.run(scenario())


def test_a_number_set_by_hand_stays_until_it_is_given_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(cpu=0.49)
        engine = await up(made, tmp_path)
        engine.scale("api", 1)
        for _ in range(900):
            await engine.tick()
            await made.clock.wait(engine.world.wake, 0.2)
        assert made.serving("api") == 1
        engine.scale("api", None)
        await until(engine, lambda: made.serving("api") >= 3)

    asyncio.run(scenario())


TESTED = parse(FILE.replace("public = true\n", 'public = true\ntest = "check"\n', 1)).app("local")


@pytest.mark.requirement("R149")
@pytest.mark.parametrize("fails", [False, True])
def test_a_new_revision_is_tested_before_its_first_visitor(tmp_path: Path, fails: bool) -> None:
    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), TESTED))
        engine = await up(made, tmp_path)
        assert made.tests == []  # the first revision: there is nobody to protect
        made.test_fails = fails
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == ("rolled_back" if fails else "promoted")
        assert len(made.tests) == 1
        served = made.balances["api"].shares
        assert served.get("one" if fails else "two") == 100.0

    asyncio.run(scenario())


@pytest.mark.requirement("R147", "R150", "R32")
@pytest.mark.parametrize(
    "release", ['{ blue_green = { keep = "60s" } }', '{ canary = ["10% for 60s"] }']
)
def test_a_new_revision_that_served_and_crashes_is_taken_back(tmp_path: Path, release: str) -> None:
    app = parse(FILE.replace("public = true\n", f"public = true\nrelease = {release}\n", 1)).app(
        "local"
    )

    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), app))
        answering(made, "two", 0.0)
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        await until(engine, lambda: bool(made.balances["api"].shares.get("two")))
        victim = next(each for each in made.replicas.values() if each.revision == "two")
        made.replicas[victim.name] = replace(victim, phase="exited", exit_code=3)
        assert await ended(engine) == "rolled_back"
        deployment = engine.world.ledger.deployment
        assert deployment is not None
        assert "exited with code 3" in deployment.reason
        assert made.balances["api"].shares.get("one") == 100.0

    asyncio.run(scenario())


STEPS = 'public = true\nrelease = { canary = ["10% for 60s", "50% for 60s"] }'
CANARY = parse(
    FILE.replace(
        "public = true\n",
        'public = true\nrelease = { canary = ["10% for 60s", "50% for 60s"] }\n',
        1,
    )
).app("local")


def answering(made: FakeMachine, revision: str, errors: float, rate: float = 20.0) -> None:
    """Every replica answers so many a second; those of `revision` with this share of errors."""

    def answered(replica: Replica) -> Sample:
        count = int((made.clock.now() - replica.started_at) * rate)
        bad = int(count * errors) if replica.revision == revision else 0
        return Sample(count, bad, ((10.0, count), (math.inf, count)))

    made.answered = answered


@pytest.mark.requirement("R151", "R152", "R153")
def test_a_good_canary_is_promoted_step_by_step(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), CANARY))
        answering(made, "two", 0.0)
        engine = await up(made, tmp_path)
        began = made.clock.now()
        made.folder = "two"
        await engine.deploy()
        await until(engine, lambda: made.balances["api"].shares.get("two") == 10.0)
        await until(engine, lambda: made.balances["api"].shares.get("two") == 50.0)
        assert await ended(engine) == "promoted"
        assert made.clock.now() - began >= 120.0

    asyncio.run(scenario())


@pytest.mark.requirement("R189", "R147")
def test_a_canary_that_fails_requests_goes_back_with_its_numbers(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), CANARY))
        answering(made, "two", 0.05)
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == "rolled_back"
        deployment = engine.world.ledger.deployment
        assert deployment is not None
        assert "%" in deployment.reason
        assert engine.world.ledger.serving == {"api": "one"}

    asyncio.run(scenario())


def test_a_canary_without_traffic_never_passes(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), CANARY))
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == "rolled_back"

    asyncio.run(scenario())


@pytest.mark.requirement("R151", "R152")
def test_a_canary_without_visitors_is_judged_by_the_probes_of_its_file(tmp_path: Path) -> None:
    probed = parse(
        FILE.replace(
            "public = true\n",
            'public = true\nrelease.canary = { steps = ["50% for 60s"], probes = ["/", "/a"] }\n',
            1,
        )
    ).app("local")

    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), probed))

        def answered(replica: Replica) -> Sample:
            count = made.visited.get(replica.name, 0)
            return Sample(count, 0, ((10.0, count), (math.inf, count)))

        made.answered = answered
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == "promoted"
        assert sum(made.visited.values()) >= 2 * 300

    asyncio.run(scenario())


def test_revisions_that_count_in_different_buckets_are_never_compared(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(apps=dict.fromkeys(("one", "two"), CANARY))

        def answered(replica: Replica) -> Sample:
            count = int((made.clock.now() - replica.started_at) * 20)
            bound = 10.0 if replica.revision == "one" else 12.0
            return Sample(count, 0, ((bound, count), (math.inf, count)))

        made.answered = answered
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == "rolled_back"
        deployment = engine.world.ledger.deployment
        assert deployment is not None
        assert "different steps" in deployment.reason

    asyncio.run(scenario())
