"""The engine with workflows: their steps are runs of their jobs."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from fairway.core.spec.parse import parse
from fairway.engine.engine import Engine
from tests.engine.fakes import FakeClock, FakeMachine
from tests.engine.test_engine import engine_on, until, up

FILE = """
app = "insights"

[service.api]
asgi = "insights:app"

[job.load]
command = "load"
uses = ["db"]

[job.train]
command = "train"
retries = 0

[workflow.daily]
steps = ["load", "train"]

[database.db]
"""


def machine(**changes: object) -> FakeMachine:
    app = parse(FILE).app("local")
    return replace(
        FakeMachine(clock=FakeClock(), apps=dict.fromkeys(("one", "two"), app)), **changes
    )


def ended(engine: Engine) -> list[tuple[str, int | None]]:
    state = engine.world.ledger.workflows.get("daily")
    return [] if state is None else [(each.run, each.exit_code) for each in state.history]


@pytest.mark.requirement("R114")
def test_its_steps_run_in_order_over_a_kill_of_the_engine(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        engine.jobs.ask("daily", "by hand")
        await until(engine, lambda: "load#1" in made.runs)
        again = await up(made, tmp_path)
        await until(again, lambda: bool(ended(again)))
        assert ended(again) == [("daily#1", 0)]
        assert [(each.run, each.cause) for each in again.world.ledger.jobs["train"].history] == [
            ("train#1", "step 2 of daily#1")
        ]

    asyncio.run(scenario())


def test_a_step_waits_for_what_its_job_uses_and_is_asked_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine()
        engine = await up(made, tmp_path)
        made.nodes["db"] = replace(made.nodes["db"], accepts=False)
        await engine.tick()
        engine.jobs.ask("daily", "by hand")
        for _ in range(50):
            await engine.tick()
            await made.clock.wait(engine.world.wake, 0.5)
        assert not made.runs
        assert not engine.jobs.asks
        made.nodes["db"] = replace(made.nodes["db"], accepts=True)
        await until(engine, lambda: bool(ended(engine)))
        assert len(engine.world.ledger.jobs["load"].history) == 1

    asyncio.run(scenario())


def test_what_stops_it_is_told_and_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(run_code=lambda run: 3 if run == "train#1" else 0)
        engine = await up(made, tmp_path)
        engine.jobs.ask("daily", "by hand")
        await until(engine, lambda: bool(ended(engine)))
        assert ended(engine) == [("daily#1", 3)]
        line = next(each for each in engine.status().jobs if each.name == "daily")
        assert (line.state, line.steps) == ("failed", ("load", "train"))
        told = [each.text for each in engine.status().events if each.node == "daily"]
        assert told[-1] == "daily#1 stopped at train: train#1 failed"
        engine.jobs.ask("daily", "by hand")
        await until(engine, lambda: len(ended(engine)) == 2)
        assert ended(engine)[-1] == ("daily#1", 0)
        assert len(engine.world.ledger.jobs["load"].history) == 1

    asyncio.run(scenario())


def test_the_end_of_one_that_the_file_does_not_name_any_more_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(run_seconds=60.0)
        less = parse(FILE.replace('[workflow.daily]\nsteps = ["load", "train"]\n', "")).app("local")
        made.apps = {**made.apps, "two": less}
        engine = await up(made, tmp_path)
        engine.jobs.ask("daily", "by hand")
        await until(engine, lambda: "load#1" in made.runs)
        made.folder = "two"
        await engine.deploy()
        await until(engine, lambda: not engine.world.ledger.workflows)
        told = [each.text for each in engine.status().events if each.node == "daily"]
        assert told[-1] == "daily#1 ended: the file does not name it any more"
        assert "train" not in {each.job for each in made.runs.values()}

    asyncio.run(scenario())


def test_a_wish_before_the_first_release_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        made = machine(ready_after=lambda revision: 5.0)
        engine = engine_on(made, tmp_path)
        await engine.first_revision()
        await engine.tick()
        engine.jobs.ask("daily", "by hand")
        await until(engine, lambda: bool(ended(engine)))
        assert ended(engine) == [("daily#1", 0)]

    asyncio.run(scenario())
