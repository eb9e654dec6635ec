"""What a start finds of an engine before it, and of a clock that jumped."""

import asyncio
from pathlib import Path

import pytest

from fairway.core.plan.action import Action, Balance, Prepare, Provision, ReplicaStart
from fairway.core.problem import Problem, Problems
from fairway.core.spec.parse import parse
from fairway.engine.engine import Engine
from fairway.engine.journal import Journal
from tests.engine.fakes import FakeClock, FakeDriver, FakeMachine

FILE = """
app = "weather"

[service.api]
asgi = "weather.api:app"
public = true
uses = ["db"]

[job.nightly]
command = "python -m weather.nightly"
schedule = "0 6 * * *"
if_missed = "MISSED"

[database.db]
"""
SIX = 1_800_000_000.0 // 86_400 * 86_400 + 6 * 3_600  # some day at 06:00 UTC


def machine(*, missed: str = "run", start: float = SIX) -> FakeMachine:
    app = parse(FILE.replace("MISSED", missed)).app("local")
    return FakeMachine(clock=FakeClock(start), apps=dict.fromkeys(("one", "two"), app))


def engine_on(made: FakeMachine, path: Path) -> Engine:
    return Engine(FakeDriver(made), Journal(path / "journal.jsonl"), clock=made.clock)


async def ticks(engine: Engine, count: int) -> None:
    for _ in range(count):
        await engine.tick()
        await engine.world.clock.wait(engine.world.wake, 0.5)


async def up(made: FakeMachine, path: Path) -> Engine:
    engine = engine_on(made, path)
    await engine.first_revision()
    for _ in range(200):
        await ticks(engine, 1)
        if engine.phase != "starting":
            break
    assert engine.phase == "up"
    return engine


def refusing(*kinds: type[Action]) -> FakeMachine:
    made = machine()

    def refuse(action: Action) -> None:
        if isinstance(action, kinds):
            raise Problems([Problem(type(action).__name__, "it can't be had")])

    made.before = refuse
    return made


def test_a_start_that_failed_takes_what_the_folder_holds_once_it_is_mended(tmp_path: Path) -> None:
    made = refusing(Prepare)
    with pytest.raises(Problems, match="can't be had"):
        asyncio.run(engine_on(made, tmp_path).run())
    made.before = lambda action: None
    made.folder = "two"
    engine = asyncio.run(up(made, tmp_path))
    assert engine.world.ledger.stable == "two"
    assert {each.revision for each in made.replicas.values()} == {"two"}


def test_a_first_start_that_was_killed_takes_what_the_folder_holds_now(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = engine_on(made, tmp_path)
        await engine.first_revision()
        while not made.replicas:
            await ticks(engine, 1)
        made.folder = "two"
        again = await up(made, tmp_path)
        await ticks(again, 20)
        assert {each.revision for each in made.replicas.values()} == {"two"}

    asyncio.run(scenario())


def test_a_release_that_ended_with_the_app_is_not_gone_on_with(tmp_path: Path) -> None:
    """Nothing runs any more, so nobody is spared by releasing step by step."""

    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"
        await engine.deploy()
        await ticks(engine, 1)
        await engine.stop_everything()
        count = len(made.log)
        await up(made, tmp_path)
        started = [each for each in made.log[count:] if isinstance(each, ReplicaStart)]
        assert [each.revision for each in started] == ["two", "two"]

    asyncio.run(scenario())


def test_a_start_that_fails_for_two_reasons_says_both(tmp_path: Path) -> None:
    made = refusing(Prepare, Provision)
    with pytest.raises(Problems) as raised:
        asyncio.run(engine_on(made, tmp_path).run())
    assert [each.where for each in raised.value] == ["Provision", "Prepare"]


@pytest.mark.requirement("R154")
def test_a_replica_leaves_the_balancer_first_though_another_engine_had_told_it_to_go(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder = "two"

        def kill(action: Action) -> None:
            made.dead = made.dead or (isinstance(action, Balance) and bool(action.draining))

        made.before = kill
        await engine.deploy()
        while not made.dead:
            await ticks(engine, 1)
        made.before = lambda action: None
        made.dead = False
        made.open = False  # it serves on, but the new engine has not spoken to it yet
        again = await up(made, tmp_path)  # the machine asserts it
        await ticks(again, 20)
        assert {each.revision for each in made.replicas.values()} == {"two"}

    asyncio.run(scenario())


@pytest.mark.requirement("R107", "R108")
@pytest.mark.parametrize(("missed", "runs"), [("run", 1), ("skip", 0)])
def test_a_clock_that_jumps_over_days_of_a_schedule_runs_it_once_or_skips(
    tmp_path: Path, missed: str, runs: int
) -> None:
    async def scenario() -> None:
        made = machine(missed=missed, start=SIX + 3_600)
        engine = await up(made, tmp_path)
        assert not recorded(engine)
        made.clock.time += 3 * 86_400 + 7_200
        await ticks(engine, 30)
        assert len(recorded(engine)) == runs
        assert len(made.replicas) == 2, "a jump of the clock is no reason to replace a replica"

    asyncio.run(scenario())


@pytest.mark.requirement("R107")
def test_a_clock_that_goes_back_over_a_schedule_does_not_run_it_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(start=SIX - 60)
        engine = await up(made, tmp_path)
        while not recorded(engine):
            await ticks(engine, 1)
        made.clock.time = SIX - 120
        await ticks(engine, 300)
        assert made.clock.now() > SIX + 20
        assert len(recorded(engine)) == 1

    asyncio.run(scenario())


def recorded(engine: Engine) -> list[str]:
    """The runs that the job's history tells of."""
    state = engine.world.ledger.jobs.get("nightly")
    return [] if state is None else [each.run for each in state.history if each.run]
