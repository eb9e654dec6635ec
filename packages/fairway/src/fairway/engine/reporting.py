"""Puts together what people see of a running engine. Reads only."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from fairway.core import schedule
from fairway.core.ledger import Ledger
from fairway.core.release import machine
from fairway.core.release.machine import ReleaseState
from fairway.core.schedule import JobState, Record
from fairway.core.spec.model import App, Job, Service, Site, Workflow
from fairway.core.status import (
    EventLine,
    JobLine,
    NodeLine,
    ReplicaLine,
    RunLine,
    ServiceLine,
    Status,
    WorkerLine,
)
from fairway.core.target import Figures
from fairway.core.workflow import WorkflowState

if TYPE_CHECKING:
    from fairway.engine.engine import Engine

__all__ = ["status"]

EVENTS = 50
HISTORY = 20


def status(engine: "Engine") -> Status:
    """The engine's state now."""
    world = engine.world
    app = world.wanted_app
    ledger = world.ledger
    addresses = world.seen.addresses
    return Status(
        app="" if app is None else app.name,
        environment="" if app is None else app.environment,
        phase=engine.phase,
        engine_pid=engine.pid,
        now=world.clock.now(),
        started_at=engine.started_at,
        revision=ledger.stable or "",
        url=first_address(app, addresses),
        services=tuple(
            service_line(engine, name) for name in sorted({} if app is None else app.services)
        ),
        workers=tuple(
            worker_line(engine, name) for name in sorted({} if app is None else app.workers)
        ),
        nodes=node_lines(engine),
        jobs=() if app is None else job_lines(app, ledger, world.clock.now()),
        events=tuple(world.journal.events)[-EVENTS:],
        revisions=tuple(
            {
                "revision": each.revision,
                "at": each.at,
                "outcome": each.outcome,
                "reason": each.reason,
            }
            for each in ledger.revisions
        ),
    )


def first_address(app: App | None, addresses: Mapping[str, str]) -> str:
    """Where people begin: the first site, else the first public service, else the first one."""
    services: Mapping[str, Service] = {} if app is None else app.services
    sites: Mapping[str, Site] = {} if app is None else app.sites
    names = sorted(services, key=lambda n: (n not in sites, not services[n].public, n))
    return next((addresses[name] for name in names if name in addresses), "")


def service_line(engine: "Engine", name: str) -> ServiceLine:
    world = engine.world
    figures = engine.figures.get(name, Figures())
    replicas = replica_lines(engine, name)
    release = release_of(engine, name)
    return ServiceLine(
        name=name,
        url=world.seen.addresses.get(name, ""),
        revision=world.ledger.serving.get(name, ""),
        wanted=sum(engine.services.targets(name).values()),
        ready=sum(each.state == "ready" for each in replicas),
        replicas=replicas,
        requests_per_second=figures.requests_per_second,
        error_percent=figures.error_percent,
        p50_ms=figures.p50_ms,
        p95_ms=figures.p95_ms,
        in_flight=figures.in_flight,
        queued=figures.queued,
        release=step_of(release),
        release_percent=0.0 if release is None else release.new_percent,
    )


def worker_line(engine: "Engine", name: str) -> WorkerLine:
    replicas = replica_lines(engine, name)
    return WorkerLine(
        name=name,
        revision=engine.world.ledger.serving.get(name, ""),
        wanted=sum(engine.services.targets(name).values()),
        ready=sum(each.state == "ready" for each in replicas),
        replicas=replicas,
        release=step_of(release_of(engine, name)),
    )


def replica_lines(engine: "Engine", name: str) -> tuple[ReplicaLine, ...]:
    """The replicas of a service or worker, sorted by name."""
    now = engine.world.clock.now()
    return tuple(
        ReplicaLine(
            name=each.name,
            revision=each.revision,
            state=each.phase,
            port=each.port,
            uptime_seconds=max(0.0, now - each.started_at),
            rss_mib=each.rss_mib,
        )
        for each in sorted(engine.services.replicas(name), key=lambda each: each.name)
    )


def release_of(engine: "Engine", name: str) -> ReleaseState | None:
    """The release in progress, if it is of this service or worker."""
    deployment = engine.world.ledger.deployment
    release = deployment.release if deployment is not None else None
    mine = release is not None and release.service == name and not release.over
    return release if mine else None


def step_of(release: ReleaseState | None) -> str:
    """Where it is, in words."""
    return "" if release is None or release.current is None else machine.describe(release.current)


def node_lines(engine: "Engine") -> tuple[NodeLine, ...]:
    seen = engine.world.seen
    lines = [
        NodeLine(
            name=node.name,
            kind=node.kind,
            state="up" if node.accepts else "starting" if node.running else "down",
            address=node.address,
        )
        for node in seen.nodes
    ]
    balancer = NodeLine(
        name="balancer", kind="balancer", state="up" if seen.balancer else "starting"
    )
    app = engine.world.wanted_app
    fronted = seen.balancer or app is None or bool(app.services)
    return (*([balancer] if fronted else []), *lines)


def triggers(job: Job, app: App) -> str:
    """What makes a job run, in words."""
    before = [name for name, each in sorted(app.jobs.items()) if job.name in each.then]
    flows = [name for name, each in sorted(app.workflows.items()) if job.name in each.steps]
    parts = [
        schedule_words(job.schedule),
        f"if new in {job.only_if_new}" if job.only_if_new else "",
        f"on new in {job.on_new}" if job.on_new else "",
        f"after {', '.join(before)}" if before else "",
        f"in {', '.join(flows)}" if flows else "",
    ]
    return ", ".join(part for part in parts if part) or "by hand"


def job_lines(app: App, ledger: Ledger, now: float) -> tuple[JobLine, ...]:
    """Jobs, then workflows."""
    jobs = [
        job_line(job, triggers(job, app), ledger.jobs.get(name, JobState()), now)
        for name, job in sorted(app.jobs.items())
    ]
    workflows = [
        workflow_line(each, ledger.workflows.get(name, WorkflowState()), now)
        for name, each in sorted(app.workflows.items())
    ]
    return (*jobs, *workflows)


def workflow_line(workflow: Workflow, state: WorkflowState, now: float) -> JobLine:
    doing, cause = "idle", state.cause or state.pending
    if state.running:
        doing = "running"
        cause = f"step {state.at + 1} of {len(state.steps)}, {state.steps[state.at]}"
    elif state.pending:
        doing = "waiting"
    elif state.stopped:
        doing = "failed"
    when = schedule_words(workflow.schedule)
    trigger = ", ".join([*([when] if when else []), " → ".join(workflow.steps)])
    return line_of(
        workflow, state, doing=doing, cause=cause, trigger=trigger, now=now, steps=workflow.steps
    )


def schedule_words(schedule: str | None) -> str:
    words = "" if schedule is None else schedule.removeprefix("@")
    return f"at {words}" if "*" in words or " " in words else words


def job_line(job: Job, trigger: str, state: JobState, now: float) -> JobLine:
    last = last_of(state)
    if state.running:
        doing = "running"
    elif state.retry_at is not None or state.pending:
        doing = "waiting"
    else:
        doing = "failed" if last is not None and last.exit_code != 0 else "idle"
    cause = state.cause or state.pending
    return line_of(job, state, doing=doing, cause=cause, trigger=trigger, now=now)


def line_of(
    node: Job | Workflow,
    state: JobState | WorkflowState,
    *,
    doing: str,
    cause: str,
    trigger: str,
    now: float,
    steps: tuple[str, ...] = (),
) -> JobLine:
    """What it does, beside what it did."""
    last = last_of(state)
    return JobLine(
        name=node.name,
        state=doing,
        run=state.running or (last.run if last is not None else ""),
        cause=cause,
        last_exit_code=None if last is None else last.exit_code,
        last_ended_at=None if last is None else last.started_at + last.seconds,
        last_seconds=None if last is None else last.seconds,
        next_at=schedule.next_time(node, now),
        trigger=trigger,
        history=tuple(RunLine(**asdict(record)) for record in state.history[-HISTORY:]),
        steps=steps,
    )


def last_of(state: JobState | WorkflowState) -> Record | None:
    """The last run that has ended."""
    ended = [record for record in state.history if record.exit_code is not None]
    return ended[-1] if ended else None


def event_to_text(event: EventLine) -> str:
    """One event in one line."""
    return f"{event.node}: {event.text}" if event.node else event.text
