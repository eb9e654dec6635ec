"""When jobs run, with any clock."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.schedule import Ask, Ended, JobState, RunOrder, StopOrder, decide, next_time
from fairway.core.spec.model import Job
from tests.properties import examples

DAILY = Job(name="ingest", command="x", schedule="0 6 * * *")
NIGHT = datetime(2026, 11, 20, 5, 59, 30, tzinfo=UTC).timestamp()
MINUTE = 60.0
DAY = 86_400.0


class World:
    """Plays time against `decide`: runs end when the test says so."""

    def __init__(self, *jobs: Job) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.states: dict[str, JobState] = {}
        self.objects: dict[str, dict[str, str]] = {}
        self.started: list[RunOrder] = []
        self.stopped: list[StopOrder] = []

    def tick(self, now: float, *, ended: tuple[Ended, ...] = (), asks: tuple[Ask, ...] = ()) -> int:
        """How many runs began."""
        self.states, orders = decide(
            jobs=self.jobs,
            states=self.states,
            now=now,
            objects=self.objects,
            ended=ended,
            asks=asks,
        )
        began = [order for order in orders if isinstance(order, RunOrder)]
        self.started += began
        self.stopped += [order for order in orders if isinstance(order, StopOrder)]
        return len(began)

    def end(self, job: str, now: float, code: int = 0) -> int:
        run = self.states[job].running
        assert run is not None
        return self.tick(now, ended=(Ended(run, code),))


@pytest.mark.requirement("R107", "R108", "R113")
def test_a_daily_job_runs_once_at_its_time() -> None:
    world = World(DAILY)
    assert world.tick(NIGHT) == 0
    assert world.tick(NIGHT + 31) == 1
    assert world.end("ingest", NIGHT + 60) == 0
    assert world.tick(NIGHT + 3600) == 0
    assert world.tick(NIGHT + DAY + 31) == 1
    assert world.started[0].cause == "schedule"


def test_times_missed_in_sleep_run_once_and_say_so() -> None:
    world = World(DAILY)
    world.tick(NIGHT)
    assert world.tick(NIGHT + 5 * DAY) == 1
    assert "catching up" in world.started[0].cause
    world.end("ingest", NIGHT + 5 * DAY + 10)
    assert world.tick(NIGHT + 5 * DAY + 20) == 0


def test_times_missed_in_sleep_can_be_skipped_and_the_history_says_so() -> None:
    world = World(replace(DAILY, if_missed="skip"))
    world.tick(NIGHT)
    assert world.tick(NIGHT + 5 * DAY) == 0
    assert "missed" in world.states["ingest"].history[-1].note


def test_a_clock_that_jumps_back_over_its_time_does_not_run_it_twice() -> None:
    world = World(DAILY)
    world.tick(NIGHT)
    world.tick(NIGHT + 31)
    world.end("ingest", NIGHT + 40)
    assert world.tick(NIGHT - 3600) == 0
    assert world.tick(NIGHT + 31) == 0
    assert world.tick(NIGHT + DAY + 31) == 1


def test_a_clock_that_was_years_ahead_is_forgotten() -> None:
    world = World(DAILY)
    world.tick(NIGHT + 1000 * DAY)
    world.tick(NIGHT)
    assert world.tick(NIGHT + 31) == 1


@given(jumps=some.lists(some.floats(-3 * DAY, 3 * DAY), max_size=40), code=some.integers(0, 1))
@examples(300)
def test_never_two_runs_at_once_whatever_the_clock_does(jumps: list[float], code: int) -> None:
    world = World(replace(DAILY, schedule="*/5 * * * *"))
    now, running = NIGHT, 0
    for number, jump in enumerate(jumps):
        now += jump
        running += world.tick(now, asks=(Ask("ingest", "by hand"),) if number % 3 == 0 else ())
        assert running <= 1
        if running and number % 2:
            running -= 1
            running += world.end("ingest", now + 1, code)
            assert running <= 1


@pytest.mark.requirement("R109", "R110")
def test_only_if_new_runs_no_task_without_a_new_object() -> None:
    world = World(replace(DAILY, only_if_new="files/incoming/"))
    world.tick(NIGHT)
    assert world.tick(NIGHT + 31) == 0
    assert "nothing new" in world.states["ingest"].history[-1].note
    world.objects["ingest"] = {"incoming/a": "1"}
    assert world.tick(NIGHT + DAY + 31) == 1
    world.end("ingest", NIGHT + DAY + 40)
    assert world.tick(NIGHT + 2 * DAY + 31) == 0
    world.objects["ingest"] = {"incoming/a": "2"}
    assert world.tick(NIGHT + 3 * DAY + 31) == 1


def test_on_new_runs_once_for_each_version_and_again_for_what_came_meanwhile() -> None:
    world = World(Job(name="ingest", command="x", on_new="files/incoming/"))
    assert world.tick(NIGHT) == 0
    world.objects["ingest"] = {"incoming/a": "1"}
    assert world.tick(NIGHT + 1) == 1
    world.objects["ingest"] = {"incoming/a": "1", "incoming/b": "1"}
    assert world.tick(NIGHT + 2) == 0
    assert world.end("ingest", NIGHT + 3) == 1
    assert world.end("ingest", NIGHT + 4) == 0
    assert world.tick(NIGHT + 5) == 0


def test_a_run_takes_only_what_is_new_to_it_however_much_was_seen_before() -> None:
    world = World(Job(name="ingest", command="x", on_new="files/incoming/"))
    world.objects["ingest"] = {"incoming/a": "1", "incoming/b": "1"}
    world.tick(NIGHT)
    world.end("ingest", NIGHT + 10)
    world.objects["ingest"] |= {"incoming/b": "2", "incoming/new": "1"}
    world.tick(NIGHT + 20)
    assert world.states["ingest"].taking == {"incoming/b": "2", "incoming/new": "1"}


def test_objects_that_are_gone_are_forgotten_and_one_that_comes_again_is_new() -> None:
    world = World(Job(name="ingest", command="x", on_new="files/incoming/"))
    world.objects["ingest"] = {f"incoming/{number}": "1" for number in range(1000)}
    world.tick(NIGHT)
    world.end("ingest", NIGHT + 10)
    world.objects["ingest"] = {"incoming/0": "1"}
    assert world.tick(NIGHT + 20) == 0
    assert world.states["ingest"].seen == {"incoming/0": "1"}
    world.objects["ingest"]["incoming/1"] = "1"
    assert world.tick(NIGHT + 30) == 1


def test_nothing_is_forgotten_before_the_bucket_was_looked_at() -> None:
    job = Job(name="ingest", command="x", on_new="files/incoming/")
    known = JobState(considered=NIGHT, runs=1, seen={"incoming/a": "1"})
    states, orders = decide(jobs={"ingest": job}, states={"ingest": known}, now=NIGHT, objects={})
    assert (states["ingest"].seen, orders) == (known.seen, ())


@given(some.lists(some.sets(some.sampled_from("abcdef")), max_size=30))
@examples(200)
def test_what_is_remembered_is_never_more_than_what_was_there(bucket: list[set[str]]) -> None:
    world = World(Job(name="ingest", command="x", on_new="files/"))
    for number, keys in enumerate(bucket):
        now = NIGHT + 10 * number
        world.objects["ingest"] = dict.fromkeys(keys, "1")
        began = world.tick(now)
        state = world.states["ingest"]
        assert len(state.seen) <= len(keys)
        if began:
            assert set(state.taking) <= keys
            world.end("ingest", now + 5)
            assert set(world.states["ingest"].seen) == keys


def test_on_new_that_fails_for_good_does_not_come_again_for_the_same_objects() -> None:
    world = World(Job(name="ingest", command="x", on_new="files/", retries=1))
    world.objects["ingest"] = {"a": "1"}
    assert world.tick(NIGHT) == 1
    assert world.end("ingest", NIGHT + 1, code=1) == 0
    assert world.tick(NIGHT + 2.5) == 1
    assert world.end("ingest", NIGHT + 3, code=1) == 0
    assert world.tick(NIGHT + 60) == 0


@pytest.mark.requirement("R111")
def test_the_next_job_follows_a_success_and_not_a_failure() -> None:
    first = replace(DAILY, then=("statistics",), retries=0)
    world = World(first, Job(name="statistics", command="y"))
    world.tick(NIGHT)
    world.tick(NIGHT + 31)
    assert world.end("ingest", NIGHT + 40) == 1
    assert world.started[-1].job == "statistics"
    assert world.started[-1].cause == "after ingest#1"
    world.end("statistics", NIGHT + 50)
    world.tick(NIGHT + DAY + 31)
    assert world.end("ingest", NIGHT + DAY + 40, code=1) == 0


@pytest.mark.requirement("R230", "C2")
def test_a_failure_is_tried_again_after_1_2_and_4_seconds_then_given_up() -> None:
    world = World(Job(name="ingest", command="x", retries=3))
    world.tick(NIGHT, asks=(Ask("ingest", "by hand"),))
    now, waits = NIGHT, list[float]()
    for _ in range(4):
        assert world.end("ingest", now, code=1) == 0
        began = next((tenth / 10 for tenth in range(1, 200) if world.tick(now + tenth / 10)), None)
        if began is None:
            break
        waits.append(began)
        now += began
    assert waits == [1.0, 2.0, 4.0]
    assert [record.attempt for record in world.states["ingest"].history] == [1, 2, 3, 4]


def test_a_run_over_its_timeout_is_ended_once() -> None:
    world = World(Job(name="ingest", command="x", timeout_seconds=10.0, retries=0))
    world.tick(NIGHT, asks=(Ask("ingest", "by hand"),))
    world.tick(NIGHT + 11)
    world.tick(NIGHT + 12)
    assert len(world.stopped) == 1
    world.end("ingest", NIGHT + 13, code=143)
    assert world.states["ingest"].history[-1].note == "timed out"


def test_once_is_once_for_good() -> None:
    world = World(Job(name="seed", command="x", schedule="@once"))
    assert world.tick(NIGHT) == 1
    world.end("seed", NIGHT + 1)
    assert world.tick(NIGHT + DAY) == 0


def test_what_asks_while_it_runs_is_remembered_once() -> None:
    world = World(Job(name="ingest", command="x"))
    ask = (Ask("ingest", "by hand"),)
    assert world.tick(NIGHT, asks=ask) == 1
    assert world.tick(NIGHT + 1, asks=ask) == 0
    assert world.tick(NIGHT + 2, asks=ask) == 0
    assert world.end("ingest", NIGHT + 3) == 1
    assert world.end("ingest", NIGHT + 4) == 0


def test_a_job_that_the_file_no_longer_names_ends_in_peace() -> None:
    world = World(Job(name="ingest", command="x"))
    world.tick(NIGHT, asks=(Ask("ingest", "by hand"),))
    world.jobs = {}
    world.tick(NIGHT + 1)
    assert world.states["ingest"].running == "ingest#1"
    world.tick(NIGHT + 2, ended=(Ended("ingest#1", 0),))
    assert not world.states


def test_the_next_time_is_said_in_utc() -> None:
    assert next_time(DAILY, NIGHT) == NIGHT + 30
    assert next_time(Job(name="x", command="x"), NIGHT) is None
