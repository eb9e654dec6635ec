"""Two people at once: a deploy that is still made ready, and what others ask for meanwhile."""

import asyncio
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.core.release import machine as release
from fairway.engine import control
from fairway.engine.engine import Engine
from tests.engine.fakes import FakeMachine
from tests.engine.test_engine import ended, engine_on, machine, until, up

pytestmark = pytest.mark.requirement("R145", "R147")


async def building(made: FakeMachine, path: Path) -> tuple[Engine, "asyncio.Task[bool]"]:
    """An engine that builds `two` until `made.building` is set, and who asked for it."""
    engine = await up(made, path)
    made.folder, made.building = "two", asyncio.Event()
    asking = asyncio.create_task(engine.deploy())
    await asyncio.sleep(0)
    return engine, asking


def end_build(made: FakeMachine) -> None:
    assert made.building is not None
    made.building.set()


def test_a_second_deploy_is_refused_while_the_first_is_made_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine, asking = await building(made, tmp_path)
        with pytest.raises(Problems, match="another deploy makes its revision ready"):
            await engine.deploy()
        end_build(made)
        assert await asking
        assert await ended(engine) == "promoted"
        assert engine.world.ledger.stable == "two"

    asyncio.run(scenario())


def test_a_way_back_does_not_wait_for_a_build_and_is_not_overtaken_by_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine, asking = await building(made, tmp_path)
        assert await engine.deploy("three")
        await until(engine, lambda: len(made.replicas) > 2)
        end_build(made)
        with pytest.raises(Problems, match="revision three is being released"):
            await asking
        assert await ended(engine) == "promoted"
        assert engine.world.ledger.stable == "three"

    asyncio.run(scenario())


def test_what_was_built_before_a_way_back_ended_does_not_follow_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine, asking = await building(made, tmp_path)
        assert await engine.deploy("three")
        assert await ended(engine) == "promoted"
        end_build(made)
        with pytest.raises(Problems, match="revision three was put in service meanwhile"):
            await asking
        assert engine.world.ledger.stable == "three"

    asyncio.run(scenario())


def test_what_is_in_service_is_said_as_it_is_after_the_build(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.folder, made.building = "three", asyncio.Event()
        asking = asyncio.create_task(control.deploy(engine, None))
        await asyncio.sleep(0)
        assert await engine.deploy("three")
        assert await ended(engine) == "promoted"
        end_build(made)
        told = await asking
        assert (told["outcome"], told["revision"]) == ("unchanged", "three")

    asyncio.run(scenario())


@pytest.mark.parametrize("too_late", [False, True])
def test_abort_ends_a_build_and_nothing_is_released(tmp_path: Path, too_late: bool) -> None:
    async def scenario() -> None:
        made = machine()
        engine, asking = await building(made, tmp_path)
        with pytest.raises(Problems, match="no release is in progress"):
            engine.deployments.order(release.Pause())
        made.build_ends = not too_late
        engine.deployments.order(release.Abort(0.0))
        with pytest.raises(Problems, match="it was aborted"):
            await asking
        assert engine.world.ledger.stable == "one"
        made.building, made.build_ends = None, False
        assert await engine.deploy()
        assert await ended(engine) == "promoted"

    asyncio.run(scenario())


def test_nothing_is_released_once_the_engine_stops(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine, asking = await building(made, tmp_path)
        engine.stop()
        with pytest.raises(Problems, match="it was aborted"):
            await asking
        await engine.stop_everything()
        with pytest.raises(Problems, match="the app is not up"):
            await engine.deploy()

    asyncio.run(scenario())


@pytest.mark.parametrize("build_ends", [False, True])
def test_a_first_start_that_is_stopped_while_it_builds_has_not_failed(
    tmp_path: Path, build_ends: bool
) -> None:
    async def scenario() -> None:
        made = machine(building=asyncio.Event(), build_ends=build_ends)
        engine = engine_on(made, tmp_path)
        running = asyncio.create_task(engine.run())
        for _ in range(100):
            await asyncio.sleep(0)
        assert engine.deployments.preparing
        engine.stop()
        await running
        assert (engine.phase, engine.problems) == ("stopped", ())
        assert engine.world.ledger.deployment is None

    asyncio.run(scenario())
