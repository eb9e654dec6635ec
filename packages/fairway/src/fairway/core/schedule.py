"""When jobs run: `decide(...)` from the clock, new objects, ended runs and what people ask for.

Place in the flow: the engine calls it at every tick, writes the new states to the journal, then
carries out the orders. A job is a singleton (never two runs at once), whatever asks for it and
however often; what asks while it runs is remembered once. Pure: times are seconds since the
epoch, UTC. Must not: read a clock, list a bucket, start a process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from cronsim import CronSim

from fairway.core import names
from fairway.core.cron import CRON, ONCE
from fairway.core.spec.model import Job

__all__ = [
    "Ask",
    "Ended",
    "JobState",
    "Order",
    "Record",
    "RunOrder",
    "StopOrder",
    "cause_of",
    "decide",
    "due",
    "looked_at",
    "next_time",
    "recorded",
]

# Waits before the second, third, ... try; 8 s is the ceiling of any wait (R230, C2).
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)
# A time that passed no longer ago than this was not missed: the engine was only busy.
PUNCTUAL_SECONDS = 90.0
# A clock that went back by more than this was wrong before: what it said is forgotten.
CLOCK_WAS_WRONG_SECONDS = 86_400.0
HISTORY = 50


class Scheduled(Protocol):
    """What has a schedule: a job, or a workflow."""

    @property
    def schedule(self) -> str | None:
        """Cron in UTC; None: nothing but people start it."""
        ...


class Considered(Protocol):
    """How far a schedule was followed."""

    @property
    def runs(self) -> int:
        """How often it ran."""
        ...

    @property
    def considered(self) -> float | None:
        """Up to when the schedule was looked at."""
        ...

    @property
    def once_done(self) -> bool:
        """Whether `@once` was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One ended run: why it ran, how it ended. `exit_code` None: never started, `note` says why."""

    run: str
    cause: str
    started_at: float
    seconds: float
    exit_code: int | None
    attempt: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """What is remembered of one job between two decisions."""

    runs: int = 0
    considered: float | None = None  # its schedule was looked at up to here
    once_done: bool = False
    running: str | None = None
    cause: str = ""
    started_at: float = 0.0
    ending: bool = False
    attempt: int = 0
    retry_at: float | None = None
    pending: str = ""  # why it should run as soon as it may; empty: it need not
    seen: Mapping[str, str] = field(default_factory=dict[str, str])  # key -> version handled
    taking: Mapping[str, str] = field(default_factory=dict[str, str])  # the new ones of this run
    history: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody, or a job before it, wants `job` to run."""

    job: str
    cause: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended."""

    run: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class RunOrder:
    """Start `run` of `job`."""

    job: str
    run: str
    cause: str


@dataclass(frozen=True, slots=True)
class StopOrder:
    """End `run` of `job`: it takes too long."""

    job: str
    run: str
    cause: str


Order = RunOrder | StopOrder


def next_time(job: Scheduled, after: float) -> float | None:
    """When the schedule fires next after a moment; None where nothing but people start it."""
    if job.schedule is None or job.schedule == ONCE:
        return None
    moment = datetime.fromtimestamp(after, UTC)
    return next(CronSim(CRON.get(job.schedule, job.schedule), moment)).timestamp()


def last_time(job: Scheduled, until: float) -> float:
    """When the schedule fired last, at or before a moment."""
    assert job.schedule is not None
    # CronSim's reverse search excludes its start; a second later includes the moment itself.
    moment = datetime.fromtimestamp(int(until) + 1, UTC)
    cron = CRON.get(job.schedule, job.schedule)
    return next(CronSim(cron, moment, reverse=True)).timestamp()


def due(job: Scheduled, state: Considered, now: float) -> float | None:
    """The latest time of the schedule that has passed and was not looked at yet, if any."""
    if job.schedule is None or state.considered is None:
        return None
    if job.schedule == ONCE:
        return None if state.once_done or state.runs else now
    last = last_time(job, now)
    return last if last > state.considered else None


def looked_at(considered: float | None, now: float) -> float:
    """Up to when a schedule was looked at: now, where it never was, or a wrong clock said when."""
    if considered is None or considered > now + CLOCK_WAS_WRONG_SECONDS:
        return now
    return considered


def is_missed(fired: float, now: float) -> bool:
    """Whether nothing was there to run at the time that passed."""
    return now - fired > PUNCTUAL_SECONDS


def cause_of(job: Scheduled, fired: float, now: float) -> str:
    """Why it runs for a time of its schedule."""
    if job.schedule == ONCE:
        return "once"
    return f"catching up on {clock(fired)}" if is_missed(fired, now) else "schedule"


def recorded(history: tuple[Record, ...], record: Record) -> tuple[Record, ...]:
    """The last records with one more."""
    return (*history, record)[-HISTORY:]


def decide(
    *,
    jobs: Mapping[str, Job],
    states: Mapping[str, JobState],
    now: float,
    objects: Mapping[str, Mapping[str, str]],
    ended: Sequence[Ended] = (),
    asks: Sequence[Ask] = (),
) -> tuple[dict[str, JobState], tuple[Order, ...]]:
    """New states and orders. `objects`: job -> key -> version, for jobs whose prefix was looked at.

    States of jobs that the file no longer names are kept while they run and dropped after.
    """
    codes = {each.run: each.exit_code for each in ended}
    after: dict[str, JobState] = {}
    wishes = list(asks)
    for name in sorted({*jobs, *states}):
        state = states.get(name, JobState())
        job = jobs.get(name)
        if state.running in codes:
            state, follow_up = finish(job, state, codes[state.running or ""], now)
            wishes += follow_up
        after[name] = remembering(state, objects[name]) if name in objects else state
    orders: list[Order] = []
    for name, job in sorted(jobs.items()):
        state = consider(job, after[name], now, objects.get(name, {}))
        for wish in wishes:
            if wish.job == name:
                state = want(state, wish.cause)
        state, given = start_or_stop(job, state, now, objects.get(name, {}))
        after[name] = state
        orders += given
    return {n: s for n, s in after.items() if n in jobs or s.running}, tuple(orders)


def finish(
    job: Job | None, state: JobState, exit_code: int, now: float
) -> tuple[JobState, list[Ask]]:
    """Record the run that ended; try again, give up, or let the next jobs follow."""
    run = state.running or ""
    note = "timed out" if state.ending else ""
    record = Record(
        run=run,
        cause=state.cause,
        started_at=state.started_at,
        seconds=max(0.0, now - state.started_at),
        exit_code=exit_code,
        attempt=state.attempt,
        note=note,
    )
    state = replace(state, running=None, ending=False, history=recorded(state.history, record))
    if job is None:
        return state, []
    if exit_code == 0:
        done = replace(
            state, attempt=0, retry_at=None, seen={**state.seen, **state.taking}, taking={}
        )
        return done, [Ask(following, f"after {run}") for following in job.then]
    if state.attempt <= job.retries:
        wait = RETRY_SECONDS[min(state.attempt, len(RETRY_SECONDS)) - 1]
        return replace(state, retry_at=now + wait), []
    # Given up. What came by itself must not come for the same objects again; the next time of a
    # schedule may look at them once more.
    seen = {**state.seen, **state.taking} if job.on_new else state.seen
    return replace(state, attempt=0, retry_at=None, taking={}, seen=seen), []


def consider(job: Job, state: JobState, now: float, found: Mapping[str, str]) -> JobState:
    """What the schedule and new objects want of the job."""
    if (considered := looked_at(state.considered, now)) != state.considered:
        state = replace(state, considered=considered)
    fired = due(job, state, now)
    fresh = unseen(state, found)
    if fired is not None:
        state = replace(state, considered=max(now, state.considered or now))
        cause = cause_of(job, fired, now)
        if job.schedule == ONCE:
            return want(replace(state, once_done=True), cause)
        if is_missed(fired, now) and job.if_missed == "skip":
            return noted(state, now, f"the run of {clock(fired)} was missed; skipped")
        if job.only_if_new and not fresh:
            return noted(state, now, f"nothing new in {job.only_if_new}")
        state = want(state, cause)
    if job.on_new and fresh and not state.running and not state.retry_at:
        count = len(fresh)
        state = want(state, f"{count} new object{'' if count == 1 else 's'} in {job.on_new}")
    return state


def unseen(state: JobState, found: Mapping[str, str]) -> dict[str, str]:
    """The objects that were found and not handled yet, in this version."""
    return {key: version for key, version in found.items() if state.seen.get(key) != version}


def remembering(state: JobState, found: Mapping[str, str]) -> JobState:
    """Without the objects that are gone: one that comes again is new, and memory has an end."""
    if len(state.seen) <= len(found):  # looked at every second: a count must do
        return state
    return replace(state, seen={key: state.seen[key] for key in state.seen if key in found})


def want(state: JobState, cause: str) -> JobState:
    """Remember, once, that it should run."""
    return state if state.pending else replace(state, pending=cause)


def noted(state: JobState, now: float, note: str) -> JobState:
    """Put into the history why nothing ran."""
    record = Record(run="", cause="schedule", started_at=now, seconds=0, exit_code=None, note=note)
    return replace(state, history=recorded(state.history, record))


def start_or_stop(
    job: Job, state: JobState, now: float, found: Mapping[str, str]
) -> tuple[JobState, list[Order]]:
    """Start what may start; end what takes too long."""
    if state.running:
        late = now - state.started_at > job.timeout_seconds
        if not late or state.ending:
            return state, []
        cause = f"longer than its timeout of {job.timeout_seconds:g} s"
        return replace(state, ending=True), [StopOrder(job.name, state.running, cause)]
    retries = state.retry_at is not None
    if retries and now < (state.retry_at or 0.0):
        return state, []
    if not retries and not state.pending:
        return state, []
    cause = f"try {state.attempt + 1} of {state.cause}" if retries else state.pending
    run = names.run_id(job.name, state.runs + 1)
    started = replace(
        state,
        runs=state.runs + 1,
        running=run,
        cause=state.cause if retries else cause,
        started_at=now,
        attempt=state.attempt + 1 if retries else 1,
        retry_at=None,
        pending=state.pending if retries else "",
        # What was seen already would cost the journal as much as what is new.
        taking=state.taking if retries else unseen(state, found),
    )
    return started, [RunOrder(job.name, run, cause)]


def clock(moment: float) -> str:
    """A moment as people write it, UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")
