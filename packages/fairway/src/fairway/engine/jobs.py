"""Runs jobs when `core/schedule.py` says so, and workflows as `core/workflow.py` does.

What is running is known from observing, not from memory: a run that outlives an engine is found
again by the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fairway.core import schedule, workflow
from fairway.core.plan.action import RunEnd, RunStart
from fairway.core.plan.wanted import may_start
from fairway.core.problem import Problems, indented, unknown
from fairway.core.schedule import Ask, Ended, RunOrder, StopOrder
from fairway.core.spec.model import App, Job
from fairway.core.workflow import WorkflowState
from fairway.engine.world import World

__all__ = ["Jobs"]

LOOK_SECONDS = 2.0


@dataclass(slots=True)
class Jobs:
    """All jobs of the app."""

    world: World
    asks: list[Ask] = field(default_factory=list[Ask])
    orders: list[RunOrder | StopOrder] = field(default_factory=list[RunOrder | StopOrder])
    found: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    looked_at: float = 0.0

    def ask(self, job: str, cause: str) -> None:
        """Somebody wants a run of a job or a workflow."""
        app = self.world.wanted_app
        known = () if app is None else (*app.jobs, *app.workflows)
        if job not in known:
            raise Problems([unknown("fairway.toml", "job", job, known)])
        self.asks.append(Ask(job, cause))
        self.world.wake.set()

    async def look(self) -> None:
        """List the objects that jobs wait for."""
        app = self.world.wanted_app
        now = self.world.clock.now()
        if app is None or now - self.looked_at < LOOK_SECONDS:
            return
        self.looked_at = now
        accepts = {node.name for node in self.world.seen.nodes if node.accepts}
        for name, job in app.jobs.items():
            place = job.on_new or job.only_if_new
            if place is None or not (job.on_new or self.is_near(job, now)):
                continue
            bucket, _, prefix = place.partition("/")
            if bucket in accepts:
                await self.list(name, bucket, prefix)

    async def list(self, job: str, bucket: str, prefix: str) -> None:
        """What is under the prefix now; a store that fails is asked again at the next look."""
        try:
            self.found[job] = await self.world.driver.objects(bucket, prefix)
        except Problems as problems:
            self.world.on_failure(f"list {bucket}/{prefix}", problems)

    def is_near(self, job: Job, now: float) -> bool:
        """Whether a job that looks only at its time will look soon, or is asked for."""
        state = self.world.ledger.jobs.get(job.name)
        if state is None or state.pending or any(ask.job == job.name for ask in self.asks):
            return True
        soon = schedule.next_time(job, now)
        return schedule.due(job, state, now) is not None or (
            soon is not None and soon - now < 2 * LOOK_SECONDS
        )

    def tick(self) -> None:
        """Decide; carried out by `act` after the ledger is kept."""
        app = self.world.wanted_app
        if app is None:
            return
        states = self.world.ledger.jobs
        running = {state.running for state in states.values() if state.running}
        ended = [
            Ended(run.run, run.exit_code)
            for run in self.world.seen.runs
            if run.exit_code is not None and run.run in running
        ]
        asks, self.asks = self.asks, []
        steps = self.follow(app, asks)  # said again at every tick until they have begun
        ready = {name: job for name, job in app.jobs.items() if self.may(app, name)}
        after, orders = schedule.decide(
            jobs=ready,
            states=states,
            now=self.world.clock.now(),
            objects=self.found,
            ended=ended,
            asks=(*asks, *steps),
        )
        kept = {name: state for name, state in states.items() if name not in ready}
        self.asks += [ask for ask in asks if ask.job not in ready and ask.job in app.jobs]
        for each in ended:
            job = next(name for name, state in states.items() if state.running == each.run)
            self.say_end(each, job)
        self.world.change(jobs={**kept, **after})
        self.orders += orders

    def follow(self, app: App, asks: Sequence[Ask]) -> Sequence[Ask]:
        """Bring workflows forward; what they ask of jobs."""
        if self.world.ledger.stable is None:
            self.asks += [ask for ask in asks if ask.job in app.workflows]
            return ()
        before = self.world.ledger.workflows
        after, wanted = workflow.advance(
            workflows=app.workflows,
            states=before,
            jobs=self.world.ledger.jobs,
            known=app.jobs,
            now=self.world.clock.now(),
            asks=asks,
        )
        for name, state in after.items():
            self.say_progress(name, before.get(name, WorkflowState()), state)
        for name, state in sorted(before.items()):
            if state.running and name not in after:
                what = f"{state.running} ended: the file does not name it any more"
                self.world.tell(name, what, "bad")
        if after != before:
            self.world.change(workflows=after)
        return wanted

    def say_progress(self, name: str, before: WorkflowState, after: WorkflowState) -> None:
        """Tell where a run of a workflow began or ended."""
        if before.running and before.running != after.running:
            ended = after.history[-1]
            good = ended.exit_code == 0
            text = f"{ended.run} succeeded" if good else f"{ended.run} {ended.note}"
            self.world.tell(name, text, "good" if good else "bad")
        if after.running and before.running != after.running:
            self.world.tell(name, f"{after.running} starts: {after.cause}")

    def may(self, app: App, name: str) -> bool:
        """Whether the job's revision and what it uses are there."""
        deployed = self.world.ledger.stable is not None
        return deployed and may_start(app, app.jobs[name], self.world.seen)

    def say_end(self, ended: Ended, job: str) -> None:
        if ended.exit_code == 0:
            self.world.tell(job, f"{ended.run} succeeded", "good")
            return
        said = indented(self.world.driver.output(ended.run, 5))
        self.world.tell(job, f"{ended.run} failed with exit code {ended.exit_code}{said}", "bad")

    def act(self) -> None:
        """Start and end runs."""
        stable = self.world.ledger.stable
        seen = {run.run for run in self.world.seen.runs}
        orders, self.orders = self.orders, []
        for order in orders:
            if isinstance(order, StopOrder):
                self.world.tell(order.job, f"{order.run} is ended: {order.cause}", "bad")
                end = RunEnd(job=order.job, run=order.run, cause=order.cause)
                self.world.crew.perform(f"end {order.run}", end)
            else:
                self.world.tell(order.job, f"{order.run} starts: {order.cause}")
        for name, state in sorted(self.world.ledger.jobs.items()):
            if state.running and state.running not in seen and stable is not None:
                start = RunStart(job=name, run=state.running, revision=stable, cause=state.cause)
                failed = state.running
                self.world.crew.perform(
                    f"run {state.running}",
                    start,
                    otherwise=lambda name=name, run=failed: self.never_began(name, run),
                )
        wanted = {state.running for state in self.world.ledger.jobs.values()}
        for run in self.world.seen.runs:
            if run.exit_code is not None and run.run not in wanted:
                end = RunEnd(job=run.job, run=run.run, cause="it has ended")
                self.world.crew.perform(f"end {run.run}", end)

    def never_began(self, job: str, run: str) -> None:
        """A run that could not be started failed."""
        app = self.world.wanted_app
        if app is None or job not in app.jobs:
            return
        after, orders = schedule.decide(
            jobs={job: app.jobs[job]},
            states={job: self.world.ledger.jobs[job]},
            now=self.world.clock.now(),
            objects=self.found,
            ended=[Ended(run, 127)],
        )
        self.world.change(jobs={**self.world.ledger.jobs, **after})
        self.orders += orders

    def stopped(self) -> None:
        """Runs that a stop of the whole engine ended: they were not their job's failure."""
        jobs = {
            name: replace(state, running=None, retry_at=None, pending=state.cause or "restarted")
            if state.running
            else state
            for name, state in self.world.ledger.jobs.items()
        }
        self.world.change(jobs=jobs)
