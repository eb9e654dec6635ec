"""The engine: observe, decide, keep, act; until it is told to stop.

Place in the flow: the CLI gives it a driver and holds the project's lock. Every tick reads what
is there, lets the pure parts decide, writes the ledger to the journal, and only then acts. It
remembers nothing that it could not read again, so that a kill at any point is followed by a
start that goes on (adopts what runs, reaps what nobody wants).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from fairway.core.notices import notices
from fairway.core.plan.action import Open, Prepare
from fairway.core.plan.wanted import changes, may_spawn, may_start
from fairway.core.problem import Problem, Problems
from fairway.core.release import machine
from fairway.core.spec.model import App
from fairway.core.status import Status
from fairway.core.target import Driver, Figures
from fairway.engine import refusals, reporting
from fairway.engine.analysing import Analysing
from fairway.engine.clock import Clock, SystemClock
from fairway.engine.deployments import Deployments
from fairway.engine.jobs import Jobs
from fairway.engine.journal import Journal
from fairway.engine.scaling import Scaling
from fairway.engine.services import Services
from fairway.engine.world import World

__all__ = ["Engine"]

Phase = Literal["starting", "up", "stopping", "failed", "stopped"]
BUSY_SECONDS = 0.2  # whatever ends or becomes ready wakes the engine at once
IDLE_SECONDS = 0.5
MEASURE_SECONDS = 1.0
FATAL_TRIES = 2  # before it was ever up, an action that fails so often ends the engine


class Engine:
    """One running app. `run` returns when it was stopped, and raises `Problems` if it can't go."""

    def __init__(
        self, driver: Driver, journal: Journal, *, clock: Clock | None = None, pid: int = 0
    ) -> None:
        self.world = World(driver, journal, clock or SystemClock())
        self.services = Services(self.world)
        self.deployments = Deployments(self.world, self.services)
        self.jobs = Jobs(self.world)
        self.scaling = Scaling(self.world, self.services)
        self.analysing = Analysing(self.world, self.services, self.deployments)
        self.phase: Phase = "starting"
        self.pid = pid
        self.started_at = self.world.clock.now()
        self.measured_at = 0.0
        self.figures: Mapping[str, Figures] = {}
        self.stopping = asyncio.Event()
        self.hurried = asyncio.Event()
        self.changed = asyncio.Condition()
        self.problems: tuple[Problem, ...] = ()
        self.prepared: set[str] = set()
        self.gaps: tuple[str, ...] = ()
        self.opened = ""
        self.told = ""

    # -- The loop ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Bring the app up and keep it so until `stop`."""
        try:
            await self.first_revision()
            while not self.stopping.is_set():
                await self.tick_or_say()
                if self.phase == "failed":
                    break
                busy = self.phase == "starting" or bool(self.world.crew.tasks)
                await self.world.clock.wait(self.world.wake, BUSY_SECONDS if busy else IDLE_SECONDS)
                self.world.wake.clear()
        except Problems as problems:
            if not (self.stopping.is_set() and self.deployments.given_up):
                self.problems = problems.problems
                self.phase = "failed"
        await self.stop_everything()
        if self.problems:
            raise Problems(self.problems, exit_code=1)

    async def tick_or_say(self) -> None:
        """One round. Once the app is up, nothing that a user can mend ends the engine."""
        try:
            await self.tick()
        except Problems as problems:
            if self.phase != "up":
                raise
            self.say_once(problems)

    async def first_revision(self) -> None:
        """What the folder holds now is what is wanted, unless a release was cut short.

        A first release, or one of which nothing runs any more, has nobody to be kind to: then
        the folder may have been mended since, and is what counts.
        """
        world = self.world
        await self.observe()
        state = world.ledger.deployment
        running = any(each.phase != "exited" for each in world.seen.replicas)
        if state is not None and not state.over and state.old is not None and running:
            world.tell("", f"going on with the release of {state.new}")
            return
        revision = await self.deployments.prepare()
        if state is not None and not state.over and state.new == revision and running:
            world.tell("", f"going on with the first release, {revision}")
            return
        if world.ledger.stable == revision and world.ledger.serving and (not state or state.over):
            return
        self.deployments.begin(revision, cold=not running)

    async def observe(self) -> None:
        before, after = self.world.seen, await self.world.driver.observe()
        self.world.seen = after
        for notice in notices(before, after):
            self.world.tell(notice.node, notice.text, notice.level)

    async def tick(self) -> None:
        """One round. A ledger that can't be kept stops the acting, not the engine."""
        world = self.world
        if world.crew.fault is not None:
            raise world.crew.fault
        await self.observe()
        await self.jobs.look()
        app = world.wanted_app
        self.deployments.tick()
        starts = (
            {}
            if app is None
            else {
                name: self.is_prepared() and may_spawn(app, service, world.seen)
                for name, service in app.programs.items()
            }
        )
        self.services.tick(may_start=starts)
        self.jobs.tick()
        try:
            world.keep()
        except Problems as problems:
            if self.phase == "starting":
                raise
            self.say_once(problems)
            return
        self.told = ""
        self.act()
        await self.measure()
        self.judge_phase()
        async with self.changed:
            self.changed.notify_all()

    def say_once(self, problems: Problems) -> None:
        if str(problems) != self.told:
            self.told = str(problems)
            self.world.on_failure("keep the journal", problems)

    def act(self) -> None:
        """Everything that the ledger and the observation ask for; harmless when repeated."""
        world = self.world
        app = world.wanted_app
        for action in changes(app, world.seen):
            world.crew.perform(f"node {action.node}", action)
        self.open(app)
        self.prepare()
        if self.is_prepared() and self.migration_may_run():
            self.deployments.act()
        self.services.act()
        self.analysing.tick()
        if self.is_prepared():
            self.jobs.act()

    def open(self, app: App | None) -> None:
        """Have the balancer listen as the wanted revision says, from its release on."""
        revision = next(iter(sorted(self.revisions_in_play())), None)
        if app is None or revision is None or not app.services:
            return
        if self.world.seen.balancer and self.opened == revision:
            return
        action = Open(services=tuple(app.services), revision=revision, cause="the app has services")
        self.world.crew.perform("open", action, then=lambda: self.is_open(revision))

    def is_open(self, revision: str) -> None:
        self.opened = revision
        self.services.balanced.clear()

    def prepare(self) -> None:
        for revision in self.revisions_in_play() - self.prepared:
            action = Prepare(revision=revision, cause="it is to run")
            self.world.crew.perform(
                f"prepare {revision}",
                action,
                then=lambda revision=revision: self.prepared.add(revision),
                otherwise=lambda revision=revision: self.unprepared(revision),
            )

    def unprepared(self, revision: str) -> None:
        """A revision that can't be prepared can't be released."""
        state = self.world.ledger.deployment
        failure = self.world.crew.failures.get(f"prepare {revision}")
        if state is None or state.over or failure is None or self.phase == "starting":
            return
        if state.new == revision:
            reason = "\n".join(str(problem) for problem in failure.problems)
            self.deployments.events.append(machine.Failed(self.world.clock.now(), reason))

    def revisions_in_play(self) -> set[str]:
        ledger = self.world.ledger
        state = ledger.deployment
        new = {state.new} if state is not None and not state.over else set[str]()
        stable = {ledger.stable} if ledger.stable is not None else set[str]()
        return new or stable

    def is_prepared(self) -> bool:
        return self.revisions_in_play() <= self.prepared

    def migration_may_run(self) -> bool:
        app = self.world.wanted_app
        state = self.world.ledger.deployment
        release = state.release if state is not None else None
        if app is None or release is None or release.service not in app.programs:
            return False
        return may_start(app, app.programs[release.service], self.world.seen)

    async def measure(self) -> None:
        now = self.world.clock.now()
        if now - self.measured_at < MEASURE_SECONDS:
            return
        self.measured_at = now
        if self.world.seen.balancer:
            self.figures = await self.world.driver.measure()
        if self.phase == "up":
            self.scaling.tick(self.figures)

    def judge_phase(self) -> None:
        """`up` once the first deployment is in service; `failed` if it can't be."""
        if self.phase != "starting":
            return
        state = self.world.ledger.deployment
        if (
            state is not None
            and state.over
            and state.outcome != "promoted"
            and not (self.world.ledger.serving)
        ):
            self.fail([Problem("", f"the app did not start: {state.reason}", advice(state.reason))])
            return
        failures = {
            key: failure
            for key, failure in self.world.crew.failures.items()
            if not key.startswith("start ")
        }
        if any(failure.times >= FATAL_TRIES for failure in failures.values()):
            self.fail([problem for each in failures.values() for problem in each.problems])
            return
        app = self.world.wanted_app
        settled = app is not None and (state is None or state.over)
        if settled and app is not None and all(map(self.is_serving, app.programs)):
            self.phase = "up"
            self.world.tell(
                "", f"up after {self.world.clock.now() - self.started_at:.1f} s", "good"
            )

    def fail(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        self.phase = "failed"

    def is_serving(self, service: str) -> bool:
        wanted = sum(self.services.targets(service).values())
        if not self.services.is_fronted(service):
            return not wanted or any(
                each.phase == "ready" for each in self.services.replicas(service)
            )
        balanced = self.services.balanced.get(service)
        return wanted == 0 or (balanced is not None and bool(balanced.ready))

    # -- What people ask for -----------------------------------------------------------------

    async def deploy(self, revision: str | None = None) -> bool:
        """Release what the folder holds, or an earlier revision; False where that is in service.

        Raises `Problems` where it can't begin.
        """
        self.check_free()
        before = self.world.ledger.stable
        wanted = revision or await self.deployments.prepare()
        self.check_free()  # somebody may have begun another release since
        if wanted == self.world.ledger.stable:
            return False
        if self.world.ledger.stable != before:
            raise Problems([refusals.overtaken(self.world.ledger.stable or "")], exit_code=1)
        self.deployments.begin(wanted, cold=False, migrates=revision is None)
        self.world.wake.set()
        return True

    def check_free(self) -> None:
        """Raise `Problems` where no release can begin."""
        state = self.world.ledger.deployment
        releasing = state.new if state is not None and not state.over else ""
        if self.phase != "up" or releasing:
            raise Problems([refusals.busy(releasing)], exit_code=1)

    async def settled(self) -> str:
        """Wait until no deployment is in progress; its outcome."""
        async with self.changed:
            await self.changed.wait_for(
                lambda: (
                    (state := self.world.ledger.deployment) is None
                    or state.over
                    or self.phase in ("failed", "stopped")
                )
            )
        state = self.world.ledger.deployment
        return "promoted" if state is None else state.outcome

    def scale(self, service: str, replicas: int | None) -> None:
        """Another number of replicas, within the file's range or beyond it; None: automatic."""
        scale = dict(self.world.ledger.scale)
        scale.pop(service, None)
        if replicas is not None:
            scale[service] = replicas
        self.world.change(scale=scale)
        said = "automatically again" if replicas is None else f"to {replicas} by hand"
        self.world.tell(service, f"scaled {said}")
        self.world.wake.set()

    def stop(self, *, quick: bool = False) -> None:
        """End: drain, then stop everything; `quick` does not wait for requests in flight."""
        if quick:
            self.hurried.set()
        self.stopping.set()
        self.deployments.give_up()
        self.world.wake.set()

    async def stop_everything(self) -> None:
        """Take everything down in order: traffic, replicas, runs, then what they use."""
        if self.phase != "failed":
            self.phase = "stopping"
        self.world.tell("", "stopping")
        await self.world.crew.cancel()
        self.jobs.stopped()
        self.keep_if_possible()
        await self.shut()
        self.phase = "stopped" if self.phase == "stopping" else self.phase
        self.world.tell("", "stopped; data is kept")
        async with self.changed:
            self.changed.notify_all()

    async def shut(self) -> None:
        """Shut everything; from the moment that somebody is in a hurry, without a drain."""
        driver = self.world.driver
        if not self.hurried.is_set():
            draining = asyncio.create_task(driver.shut(self.drain_seconds()))
            hurried = asyncio.create_task(self.hurried.wait())
            await asyncio.wait({draining, hurried}, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            if draining.done():
                return await draining
            draining.cancel()
            await asyncio.wait({draining})
            self.world.tell("", "stopping at once: requests in flight are cut")
        await driver.shut(0.0)
        return None

    def keep_if_possible(self) -> None:
        try:
            self.world.keep()
        except Problems as problems:
            self.say_once(problems)

    def drain_seconds(self) -> float:
        app = self.world.wanted_app
        programs = () if app is None else tuple(app.programs.values())
        return max((program.timeouts.drain_seconds for program in programs), default=0.0)

    def status(self) -> Status:
        """What people see."""
        return replace(reporting.status(self), gaps=self.gaps)


def advice(reason: str) -> str:
    """What to do about a start that failed."""
    if "not ready" in reason:
        return "Look at `fairway logs`; `/ready` says which dependency it waits for."
    return "Mend the app, then run `fairway up` again."
