"""Steps of workflows, with the jobs that they run and any clock."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core import schedule
from fairway.core.schedule import Ask, Ended, JobState, RunOrder
from fairway.core.spec.model import Job, Workflow
from fairway.core.workflow import BY_HAND, FROM_START, WorkflowState, advance
from tests.properties import examples

STEPS = ("load", "train", "publish")
DAILY = Workflow(name="daily", steps=STEPS, schedule="0 6 * * *")
NIGHT = datetime(2026, 11, 20, 5, 59, 30, tzinfo=UTC).timestamp()
DAY = 86_400.0


class World:
    """Plays time against workflows and jobs, as the engine does at each tick."""

    def __init__(self, *workflows: Workflow, retries: int = 0) -> None:
        self.workflows = {each.name: each for each in workflows}
        self.jobs = {name: Job(name=name, command="x", retries=retries) for name in STEPS}
        self.flows: dict[str, WorkflowState] = {}
        self.states: dict[str, JobState] = {}
        self.began: list[str] = []
        self.now = NIGHT

    def tick(self, *asks: Ask, seconds: float = 1.0, ended: tuple[Ended, ...] = ()) -> None:
        self.now += seconds
        self.flows, wanted = advance(
            workflows=self.workflows,
            states=self.flows,
            jobs=self.states,
            known=self.jobs,
            now=self.now,
            asks=asks,
        )
        self.states, orders = schedule.decide(
            jobs=self.jobs,
            states=self.states,
            now=self.now,
            objects={},
            ended=ended,
            asks=(*asks, *wanted),
        )
        self.began += [order.run for order in orders if isinstance(order, RunOrder)]

    def ask(self, name: str = "daily", cause: str = BY_HAND) -> None:
        self.tick(Ask(name, cause))

    def end(self, job: str, code: int = 0) -> None:
        """The run of `job` ends, and two ticks pass: one to hear of it, one to act on it."""
        run = self.states[job].running
        assert run is not None, f"{job} does not run"
        self.tick(ended=(Ended(run, code),))
        self.tick()

    @property
    def daily(self) -> WorkflowState:
        return self.flows["daily"]


@pytest.mark.requirement("R114")
def test_its_jobs_run_in_order_at_its_time() -> None:
    world = World(DAILY)
    world.tick()
    assert world.began == []
    world.tick(seconds=31)
    assert world.began == ["load#1"]
    world.end("load")
    world.end("train")
    assert world.began == ["load#1", "train#1", "publish#1"]
    assert world.daily.running == "daily#1"
    world.end("publish")
    (record,) = world.daily.history
    assert (record.run, record.cause, record.exit_code) == ("daily#1", "schedule", 0)
    world.tick(seconds=3600)
    assert len(world.began) == 3
    world.tick(seconds=DAY)
    assert world.began[3:] == ["load#2"]


@pytest.mark.requirement("R114")
def test_by_hand_it_goes_on_where_it_stopped() -> None:
    world = World(DAILY)
    world.ask()
    world.end("load")
    world.end("train", 3)
    (record,) = world.daily.history
    assert (record.exit_code, record.note) == (3, "stopped at train: train#1 failed")
    world.tick(seconds=5)
    assert world.began == ["load#1", "train#1"]
    world.ask()
    assert world.daily.running == "daily#1"
    assert world.daily.cause == "by hand, from train on"
    world.end("train")
    world.end("publish")
    assert world.began == ["load#1", "train#1", "train#2", "publish#1"]
    assert [each.exit_code for each in world.daily.history] == [3, 0]


def test_its_time_and_who_says_so_begin_it_anew_after_a_failure() -> None:
    for cause in ("schedule", FROM_START):
        world = World(DAILY)
        world.ask()
        world.end("load")
        world.end("train", 1)
        if cause == "schedule":
            world.tick(seconds=60)
        else:
            world.ask(cause=cause)
        assert (world.daily.running, world.daily.cause) == ("daily#2", cause)
        assert world.began[2:] == ["load#2"]


def test_a_file_that_names_other_steps_begins_it_anew() -> None:
    world = World(DAILY)
    world.ask()
    world.end("load", 1)
    world.workflows = {"daily": replace(DAILY, steps=("train", "publish"))}
    world.ask()
    assert (world.daily.running, world.daily.at) == ("daily#2", 0)
    assert world.began == ["load#1", "train#1"]


def test_a_step_that_is_tried_again_holds_it_up_and_no_more() -> None:
    world = World(DAILY, retries=2)
    world.ask()
    world.end("load", 1)
    assert world.daily.running
    world.tick(seconds=5)
    world.end("load")
    assert world.began == ["load#1", "load#2", "train#1"]


def test_a_run_of_the_job_that_went_on_already_does_not_count() -> None:
    world = World(DAILY)
    world.ask("load")
    world.ask()
    assert world.began == ["load#1"]
    world.end("load")
    assert world.began == ["load#1", "load#2"]
    world.end("load")
    assert world.began[2:] == ["train#1"]


def test_it_is_never_beside_itself() -> None:
    world = World(DAILY)
    for _ in range(3):
        world.ask()
    for name in STEPS:
        world.end(name)
    assert world.daily.running == "daily#2"
    for name in STEPS:
        world.end(name)
    assert world.daily.running is None
    assert len(world.began) == 6


def test_one_that_the_file_does_not_name_any_more_ends_with_its_step() -> None:
    world = World(DAILY)
    world.ask()
    world.workflows = {}
    world.end("load")
    assert world.began == ["load#1"]
    assert world.flows == {}


def test_a_job_that_the_file_does_not_name_any_more_ends_it() -> None:
    world = World(DAILY)
    world.ask()
    world.end("load")
    del world.jobs["train"]
    world.workflows = {"daily": replace(DAILY, steps=("load", "publish"))}
    world.tick()
    assert world.daily.running is None
    assert world.daily.history[-1].note == "the file does not name train any more"


def test_a_job_that_counts_anew_is_not_asked_again_and_again() -> None:
    world = World(DAILY)
    for _ in range(3):
        world.ask("load")
        world.end("load")
    world.ask()
    world.states = {}
    world.tick()
    world.end("load")
    assert world.began[-2:] == ["load#1", "train#1"]


@examples(100)
@given(some.lists(some.sampled_from(["ok", "fails", "tick", "ask", "restart"]), max_size=40))
def test_whatever_happens_steps_follow_each_other_and_none_is_forgotten(what: list[str]) -> None:
    world = World(replace(DAILY, schedule=None))
    for each in what:
        running = [name for name in STEPS if name in world.states and world.states[name].running]
        assert len(running) <= 1
        if each == "ask":
            world.ask()
        elif each in {"ok", "fails"} and running:
            world.end(running[0], 0 if each == "ok" else 1)
        elif each == "restart" and running:  # as the engine leaves a run that its end cut off
            state = world.states[running[0]]
            world.states[running[0]] = replace(state, running=None, pending=state.cause)
        world.tick()
        state = world.flows.get("daily", WorkflowState())
        if state.running:
            world.tick()
            assert world.states[state.steps[state.at]].running
