"""When the steps of workflows run: `advance(...)` from the clock, the jobs and what people ask for.

Place in the flow: the engine calls it before `schedule.decide`, and gives the asks that it returns
to that. A step is a run of its job like any other: it is never beside another one of that job, and
is tried again as the job says. A workflow whose step has failed for good stops there; the next run
by hand goes on with that step (R114). An ask is said at every call until its run has begun, so that
none is lost with an engine. Pure: times are seconds since the epoch, UTC.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from fairway.core import names
from fairway.core.schedule import Ask, JobState, Record, cause_of, due, looked_at, recorded
from fairway.core.spec.model import Workflow

__all__ = ["BY_HAND", "FROM_START", "WorkflowState", "advance"]

BY_HAND = "by hand"
FROM_START = "by hand, from its first step"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowState:
    """What is remembered of one workflow between two decisions.

    `steps` are those of the run that goes on, or stopped; `at` is the place of the one that is
    due, and `before` how often its job had run when it was. `stopped` is the run that failed there.
    """

    runs: int = 0
    considered: float | None = None  # its schedule was looked at up to here
    once_done: bool = False
    running: str | None = None
    cause: str = ""
    started_at: float = 0.0
    steps: tuple[str, ...] = ()
    at: int = 0
    before: int = 0
    stopped: str = ""
    pending: str = ""  # why it should run as soon as it may; empty: it need not
    history: tuple[Record, ...] = ()


def advance(
    *,
    workflows: Mapping[str, Workflow],
    states: Mapping[str, WorkflowState],
    jobs: Mapping[str, JobState],
    known: Container[str],
    now: float,
    asks: Sequence[Ask] = (),
) -> tuple[dict[str, WorkflowState], tuple[Ask, ...]]:
    """New states, and the jobs that should run. `asks` may name what is no workflow.

    `known` are the jobs that the file names. A workflow that it no longer names ends with the step
    that goes on.
    """
    after: dict[str, WorkflowState] = {}
    wanted: list[Ask] = []
    for name in sorted({*workflows, *states}):
        state = states.get(name, WorkflowState())
        workflow = workflows.get(name)
        if workflow is not None:
            state = _consider(workflow, state, now)
            for ask in asks:
                if ask.job == name and not state.pending:
                    state = replace(state, pending=ask.cause)
        if state.running:
            state = _followed(state, jobs, known, now, goes_on=workflow is not None)
        if workflow is not None and not state.running and state.pending:
            state = _begun(workflow, state, jobs, now)
        if state.running and (ask := _asked(state, jobs)):
            wanted.append(ask)
        if workflow is not None or state.running:
            after[name] = state
    return after, tuple(wanted)


def _consider(workflow: Workflow, state: WorkflowState, now: float) -> WorkflowState:
    """What the schedule wants of the workflow; a time that was missed is caught up on."""
    if (considered := looked_at(state.considered, now)) != state.considered:
        state = replace(state, considered=considered)
    fired = due(workflow, state, now)
    if fired is None:
        return state
    cause = state.pending or cause_of(workflow, fired, now)
    latest = max(now, state.considered or now)
    return replace(state, considered=latest, once_done=True, pending=cause)


def _begun(
    workflow: Workflow, state: WorkflowState, jobs: Mapping[str, JobState], now: float
) -> WorkflowState:
    """A run from the first step; by hand after a failure the same run, from where it stopped."""
    goes_on = state.stopped and state.pending == BY_HAND and state.steps == workflow.steps
    at = state.at if goes_on else 0
    runs = state.runs if goes_on else state.runs + 1
    return replace(
        state,
        runs=runs,
        running=state.stopped if goes_on else names.run_id(workflow.name, runs),
        cause=f"by hand, from {workflow.steps[at]} on" if goes_on else state.pending,
        started_at=now,
        steps=workflow.steps,
        at=at,
        before=_runs(jobs, workflow.steps[at]),
        stopped="",
        pending="",
    )


def _followed(
    state: WorkflowState,
    jobs: Mapping[str, JobState],
    known: Container[str],
    now: float,
    *,
    goes_on: bool,
) -> WorkflowState:
    """The step that is due, or the end, after what became of the step before."""
    step = state.steps[state.at]
    if step not in known:
        return _over(state, 1, f"the file does not name {step} any more", now)
    job = jobs.get(step, JobState())
    state = replace(state, before=min(state.before, job.runs))  # a job that is new counts anew
    ended = _ended(job, state.before)
    if ended is None:
        return state
    if ended.exit_code != 0:
        note = f"stopped at {step}: {ended.run} failed"
        return _over(replace(state, stopped=state.running or ""), ended.exit_code, note, now)
    following = state.at + 1
    if following == len(state.steps):
        return _over(state, 0, "", now)
    if not goes_on:
        return _over(state, 1, "the file does not name it any more", now)
    return replace(state, at=following, before=_runs(jobs, state.steps[following]))


def _ended(job: JobState, before: int) -> Record | None:
    """How the step ended, if it did: the first success since, or the failure after the last try."""
    since = [
        record
        for record in job.history
        if record.exit_code is not None and names.run_ordinal(record.run) > before
    ]
    good = [record for record in since if record.exit_code == 0]
    if good:
        return good[0]
    may_succeed = job.running or job.pending or job.retry_at is not None
    return None if may_succeed or not since else since[-1]


def _asked(state: WorkflowState, jobs: Mapping[str, JobState]) -> Ask | None:
    """What the step's job is asked, unless it was heard."""
    name = state.steps[state.at]
    job = jobs.get(name, JobState())
    if job.pending or job.runs > state.before:
        return None
    return Ask(name, f"step {state.at + 1} of {state.running}")


def _over(state: WorkflowState, exit_code: int | None, note: str, now: float) -> WorkflowState:
    record = Record(
        run=state.running or "",
        cause=state.cause,
        started_at=state.started_at,
        seconds=max(0.0, now - state.started_at),
        exit_code=exit_code,
        note=note,
    )
    return replace(state, running=None, history=recorded(state.history, record))


def _runs(jobs: Mapping[str, JobState], name: str) -> int:
    return jobs[name].runs if name in jobs else 0
