"""The engine with workers: released after services, never balanced, and one never twice."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from fairway.core.plan.action import Action, Open, ReplicaStart, ReplicaStop
from fairway.core.problem import Problem, Problems
from fairway.core.spec.parse import parse
from fairway.engine.engine import Engine
from fairway.engine.journal import Journal
from tests.engine.fakes import FakeClock, FakeDriver, FakeMachine
from tests.engine.test_engine import ended, engine_on, until, up

FILE = """
app = "shop"

[service.api]
asgi = "shop.api:app"
before = "alembic upgrade head"

[worker.mails]
command = "celery -A shop worker"
replicas = 2

[worker.clock]
command = "celery -A shop beat"
"""
ALONE = """
app = "bot"

[worker.bot]
command = "python -m bot"
"""


def machine(text: str = FILE, **changes: object) -> FakeMachine:
    app = parse(text).app("local")
    made = FakeMachine(clock=FakeClock(), apps=dict.fromkeys(("one", "two", "three"), app))
    return replace(made, **changes)


def running(made: FakeMachine, worker: str) -> list[str]:
    return sorted(
        each.revision
        for each in made.replicas.values()
        if each.service == worker and each.phase != "exited"
    )


def test_workers_start_after_the_services_and_not_one_after_the_other(tmp_path: Path) -> None:
    made = machine()
    engine = asyncio.run(up(made, tmp_path))
    assert engine.phase == "up"
    starts = [each.replica for each in made.log if isinstance(each, ReplicaStart)]
    assert starts[:2] == ["api.1", "api.2"]
    assert set(starts[2:]) == {"clock.1", "mails.1", "mails.2"}
    at = {each.replica: made.replicas[each.replica].started_at for each in starts_of(made)}
    assert at["mails.1"] - at["clock.1"] < 1.0


def starts_of(made: FakeMachine) -> list[ReplicaStart]:
    return [each for each in made.log if isinstance(each, ReplicaStart)]


def test_an_app_of_workers_alone_comes_up_without_a_balancer(tmp_path: Path) -> None:
    made = machine(ALONE)
    engine = asyncio.run(up(made, tmp_path))
    assert engine.phase == "up"
    assert not [each for each in made.log if isinstance(each, Open)]
    (line,) = engine.status().workers
    assert (line.name, line.wanted, line.ready, line.revision) == ("bot", 1, 1, "one")
    assert engine.status().nodes == ()
    assert engine.status().url == ""


def test_a_release_replaces_workers_and_what_runs_alone_is_never_there_twice(
    tmp_path: Path,
) -> None:
    """The machine asserts the second at every start."""

    async def scenario() -> None:
        made = machine(slow_stops=40)
        engine = await up(made, tmp_path)
        made.folder = "two"
        made.before = lambda action: enough(made)
        await engine.deploy()
        assert await ended(engine) == "promoted"
        assert running(made, "mails") == ["two", "two"]
        assert running(made, "clock") == ["two"]

    def enough(made: FakeMachine) -> None:
        assert len(running(made, "mails")) >= 2

    asyncio.run(scenario())


@pytest.mark.requirement("R147")
@pytest.mark.parametrize("text", [FILE, ALONE])
def test_a_worker_that_does_not_live_is_taken_back_with_its_last_words(
    tmp_path: Path, text: str
) -> None:
    async def scenario() -> None:
        made = machine(text)
        engine = await up(made, tmp_path)
        made.folder = "two"
        made.ready_after = lambda revision: None if revision == "two" else 1.0
        made.dies_after = lambda revision: 0.3 if revision == "two" else None
        if text == FILE:  # the services of the revision live
            made.ready_after = lambda revision: 0.2 if revision == "two" else 1.0
        await engine.deploy()
        assert await ended(engine) == "rolled_back"
        state = engine.world.ledger.deployment
        assert state is not None
        assert "exited with code 3" in state.reason
        assert "last words of" in state.reason
        assert {each.revision for each in made.replicas.values()} == {"one"}

    asyncio.run(scenario())


def test_a_worker_that_ends_is_started_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.replicas["clock.1"] = replace(made.replicas["clock.1"], phase="exited", exit_code=0)
        await until(engine, lambda: running(made, "clock") == ["one"])
        assert "clock.1" not in made.replicas

    asyncio.run(scenario())


def test_a_worker_that_the_file_names_no_more_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        fewer = FILE[: FILE.index("[worker.clock]")]
        made.apps = {**made.apps, "two": parse(fewer).app("local")}
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == "promoted"
        await until(engine, lambda: not running(made, "clock"))
        assert running(made, "mails") == ["two", "two"]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [ReplicaStart, ReplicaStop])
def test_an_engine_that_is_killed_in_a_release_goes_on_and_doubles_nothing(
    tmp_path: Path, kind: type[Action]
) -> None:
    """Killed before, and after, each start and end of a worker; the machine asserts it."""

    async def scenario(kills_at: int, folder: Path) -> bool:
        made = machine()
        engine = await up(made, folder)
        made.folder = "two"
        seen = 0

        def kill(action: Action) -> None:
            nonlocal seen
            of_worker = getattr(action, "service", "") in {"clock", "mails"}
            if isinstance(action, kind) and of_worker:
                seen += 1
                made.dead = made.dead or seen == kills_at

        made.before = kill
        await engine.deploy()
        state = engine.world.ledger.deployment
        while not made.dead and not (state is None or state.over):
            await until(engine, lambda: True)
            state = engine.world.ledger.deployment
        was_killed = made.dead
        await engine.world.crew.cancel()
        made.dead, made.before = False, lambda action: None
        again = Engine(FakeDriver(made), Journal(folder / "journal.jsonl"), clock=made.clock)
        await again.first_revision()
        await until(again, lambda: again.phase == "up")
        await until(
            again,
            lambda: running(made, "clock") == ["two"] and running(made, "mails") == ["two"] * 2,
        )
        return was_killed

    kills = 1
    while True:
        folder = tmp_path / str(kills)
        folder.mkdir()
        if not asyncio.run(scenario(kills, folder)):
            break
        kills += 1
    assert kills > 3


def test_what_runs_alone_is_not_scaled_by_a_number_of_before(tmp_path: Path) -> None:
    """Scaled by hand while its file allowed it; the next revision says that it runs alone."""

    async def scenario() -> None:
        made = machine()
        made.apps = {
            **made.apps,
            "one": parse(FILE.replace('beat"', 'beat"\nreplicas = "1..4"')).app("local"),
        }
        engine = await up(made, tmp_path)
        engine.scale("clock", 3)
        await until(engine, lambda: running(made, "clock") == ["one"] * 3)
        made.folder = "two"
        await engine.deploy()
        assert await ended(engine) == "promoted"
        await until(engine, lambda: running(made, "clock") == ["two"])

    asyncio.run(scenario())


def test_a_worker_scales_by_what_it_takes(tmp_path: Path) -> None:
    text = FILE.replace("replicas = 2", 'replicas = "1..3"\nscale = { up_after = "10s" }')

    async def scenario() -> None:
        made = machine(text)
        engine = await up(made, tmp_path)
        made.cpu = 0.5  # all of what one is given
        await until(engine, lambda: len(running(made, "mails")) == 3)

    asyncio.run(scenario())


def test_an_app_is_not_up_before_its_workers_live(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(ALONE)
        engine = engine_on(made, tmp_path)
        await engine.first_revision()
        made.ready_after = lambda revision: None
        with pytest.raises(AssertionError, match="never reached"):
            await until(engine, lambda: engine.phase == "up", ticks=50)

    asyncio.run(scenario())


def test_a_first_start_that_a_worker_fails_leaves_none_of_the_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()

        def refuse(action: Action) -> None:
            if isinstance(action, ReplicaStart) and action.service == "clock":
                raise Problems([Problem("clock", "there is no program celery")])

        made.before = refuse
        with pytest.raises(Problems, match="there is no program celery"):
            await engine_on(made, tmp_path).run()
        assert [each for each in starts_of(made) if each.service == "mails"]
        assert not made.replicas

    asyncio.run(scenario())
