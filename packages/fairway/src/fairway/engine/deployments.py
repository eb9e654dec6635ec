"""Carries a deployment forward: events in, orders out, each state in the journal first.

The decisions are `core/release`; this turns what is observed into events and runs migrations.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fairway.core.ledger import Revised
from fairway.core.plan.action import Migrate, Verify
from fairway.core.plan.order import release_order
from fairway.core.problem import Problems
from fairway.core.release import deployment as deployments
from fairway.core.release import machine
from fairway.core.release.deployment import Deployment
from fairway.core.release.machine import ReleaseState
from fairway.core.replicas import Memory
from fairway.engine import refusals
from fairway.engine.services import Services
from fairway.engine.world import World

__all__ = ["Deployments"]

LAST_LINES = 20


@dataclass(slots=True)
class Deployments:
    """The deployment in progress, if any."""

    world: World
    services: Services
    events: list[machine.Event] = field(default_factory=list[machine.Event])
    told: set[str] = field(default_factory=set[str])
    preparing: bool = False
    given_up: bool = False

    async def prepare(self) -> str:
        """What the folder holds now, as a revision. It may be built first, for minutes.

        Raises `Problems` where another is made ready, and where somebody gave this one up.
        """
        if self.preparing:
            raise Problems([refusals.preparing()], exit_code=1)
        self.preparing, self.given_up = True, False
        try:
            revision = await self.world.driver.revise()
        except Problems:
            if not self.given_up:
                raise
        else:
            if not self.given_up:
                return revision
        finally:
            self.preparing = False
        raise Problems([refusals.given_up()], exit_code=1)

    def give_up(self) -> None:
        """End what is made ready, if anything is."""
        if self.preparing:
            self.given_up = True
            self.world.driver.stop_revising()

    def begin(self, revision: str, *, cold: bool, migrates: bool = True) -> None:
        """Start to deploy `revision`. `cold`: nothing runs, so there is nothing to share with."""
        world = self.world
        ledger = world.ledger
        app = world.app(revision)
        serving = {} if cold else dict(ledger.serving)
        old = None if cold else ledger.stable
        apps = {name: world.app(name) for name in {revision, *serving.values()}}
        if old is not None:
            apps[old] = world.app(old)
        now = world.clock.now()
        state = deployments.begin(
            new=revision,
            old=old,
            services=release_order(app),
            apps=apps,
            serving=serving,
            scale={**ledger.scaled, **ledger.scale},
            now=now,
            migrates=migrates,
        )
        revised = Revised(revision=revision, at=now)
        known = [each for each in ledger.revisions if each.revision != revision]
        world.change(deployment=state, serving=serving, revisions=(*known, revised))
        for service, memory in self.services.memories.items():
            self.services.memories[service] = forget(memory, revision)
        for service in app.programs:  # a command that failed after an abort is tried again
            for kind in ("migrate", "test"):
                world.crew.failures.pop(command_key(kind, service, revision), None)
        world.tell("", f"deploying revision {revision}")
        self.say_step(None, state.release)

    def tick(self) -> None:
        """Feed the release what happened since the last tick."""
        state = self.world.ledger.deployment
        if state is None or state.over:
            self.events.clear()
            self.services.losses.clear()
            self.tell_loops()
            return
        if state.release is not None:
            before = state.release
            after = self.fed(before)
            if after != before:
                self.say_step(before, after)
                state = replace(state, release=after)
                self.world.change(deployment=state)
                if after.over:
                    self.release_over(after)
        self.go_on(state)

    def tell_loops(self) -> None:
        """Say once that what is in service can't live; it is tried again, less and less often."""
        for loop in self.services.loops:
            if loop.revision not in self.told:
                self.told.add(loop.revision)
                text = self.with_output(f"crash loop: {loop.reason}", loop.replica)
                self.world.tell(loop.replica, text, "bad")
        self.services.loops.clear()

    def fed(self, release: ReleaseState) -> ReleaseState:
        """The release after everything that happened."""
        now = self.world.clock.now()
        for loop in self.services.loops:
            if loop.revision == release.new:
                self.events.append(machine.Failed(now, self.with_output(loop.reason, loop.replica)))
        self.services.loops.clear()
        for loss in self.services.losses:
            # One that served and crashed is enough, while there is another that did not.
            if loss.revision == release.new and release.old is not None:
                self.events.append(machine.Failed(now, self.with_output(loss.reason, loss.replica)))
        self.services.losses.clear()
        events, self.events = self.events, []
        for event in (*events, self.observed(release)):
            release = machine.step(release, event)
        return release

    def observed(self, release: ReleaseState) -> machine.Observed:
        mine = self.services.replicas(release.service)
        new = [each for each in mine if each.revision == release.new]
        old = [each for each in mine if each.revision == release.old]
        return machine.Observed(
            now=self.world.clock.now(),
            new_ready=sum(each.phase == "ready" for each in new),
            new_running=len(new),
            old_ready=sum(each.phase == "ready" for each in old),
            old_running=len(old),
        )

    def release_over(self, release: ReleaseState) -> None:
        """Say what is in service now."""
        serving = dict(self.world.ledger.serving)
        if release.phase == "promoted":
            serving[release.service] = release.new
        elif release.old is None:
            serving.pop(release.service, None)
        self.world.change(serving=serving)

    def go_on(self, state: Deployment) -> None:
        """The next service, or the end."""
        world = self.world
        known = {state.new, *([state.old] if state.old else []), *world.ledger.serving.values()}
        after = deployments.advance(
            state,
            apps={name: world.app(name) for name in sorted(known)},
            serving=world.ledger.serving,
            scale={**world.ledger.scaled, **world.ledger.scale},
            now=world.clock.now(),
        )
        if after == state:
            return
        world.change(deployment=after)
        if not after.over:
            self.say_step(state.release, after.release)
            return
        revisions = [
            replace(each, outcome=after.outcome, reason=after.reason)
            if each.revision == after.new
            else each
            for each in world.ledger.revisions
        ]
        stable = after.new if after.outcome == "promoted" else world.ledger.stable
        if after.outcome == "failed" and after.old is None:
            # Nothing to go back to: the services before the one that failed do not stay alone.
            world.change(serving={})
        self.told.discard(after.new)
        kept = world.app(after.new).keep_revisions
        world.change(stable=stable, revisions=tuple(revisions)[-max(1, kept) :])
        self.prune()
        seconds = world.clock.now() - after.began_at
        match after.outcome:
            case "promoted":
                world.tell("", f"revision {after.new} is in service after {seconds:.1f} s", "good")
            case _:
                words = after.outcome.replace("_", " ")
                world.tell("", f"revision {after.new} {words}: {after.reason}", "bad")

    def prune(self) -> None:
        """Drop copies of revisions that are neither listed nor in service."""
        ledger = self.world.ledger
        listed = {each.revision for each in ledger.revisions}
        keep = frozenset({*listed, *ledger.serving.values(), ledger.stable or ""})
        driver = self.world.driver
        self.world.crew.start("prune", lambda: driver.prune(keep), "drop old revisions")

    def act(self) -> None:
        """Run the command that the release waits for: the migration, or the test."""
        state = self.world.ledger.deployment
        release = state.release if state is not None else None
        if release is None or release.over:
            return
        if machine.wants_migration(release):
            self.migrate(release)
        elif machine.wants_verification(release):
            self.test(release)

    def migrate(self, release: ReleaseState) -> None:
        service = self.world.app(release.new).programs[release.service]
        if service.before is None:
            self.events.append(machine.Migrated(self.world.clock.now()))
            return
        action = Migrate(
            service=release.service,
            revision=release.new,
            command=service.before,
            cause="before any traffic",
        )
        key = command_key("migrate", release.service, release.new)
        self.command(key, action, machine.Migrated)

    def test(self, release: ReleaseState) -> None:
        service = self.world.app(release.new).programs[release.service]
        mine = self.services.replicas(release.service)
        new = [each for each in mine if each.revision == release.new and each.phase == "ready"]
        if service.test is None:
            self.events.append(machine.Verified(self.world.clock.now()))
            return
        if not new:
            return  # one that was ready is not now: another follows, or the release fails
        action = Verify(
            service=release.service,
            revision=release.new,
            replica=new[0].name,
            command=service.test,
            cause="before any traffic",
        )
        key = command_key("test", release.service, release.new)
        self.command(key, action, machine.Verified)

    def command(
        self, key: str, action: Migrate | Verify, ended: Callable[[float], machine.Event]
    ) -> None:
        """Run it once; the release fails with it."""
        failure = self.world.crew.failures.pop(key, None)
        if failure is not None:
            reason = "; ".join(problem.what for problem in failure.problems)
            self.events.append(machine.Failed(self.world.clock.now(), reason))
            return
        self.world.crew.perform(
            key, action, then=lambda: self.events.append(ended(self.world.clock.now()))
        )

    def with_output(self, reason: str, process: str) -> str:
        """The reason, with what kept the process from starting, or what it printed last."""
        failure = self.world.crew.failures.get(f"start {process}")
        lines = self.world.driver.output(process, LAST_LINES)
        if failure is not None:
            lines = tuple("\n".join(map(str, failure.problems)).splitlines())
        return "\n".join((reason, *(f"    {line}" for line in lines)))

    def say_step(self, before: ReleaseState | None, after: ReleaseState | None) -> None:
        if after is None:
            return
        turned = before is not None and before.phase == "forward" and after.phase == "back"
        if turned:
            self.world.tell(after.service, f"rolling back: {after.reason}", "bad")
        if after.current is not None:
            self.world.tell(after.service, f"release: {machine.describe(after.current)}")

    def order(self, event: machine.Event) -> None:
        """Promote, abort, pause, resume: from people."""
        state = self.world.ledger.deployment
        if state is None or state.over:
            if not (self.preparing and isinstance(event, machine.Abort)):
                raise Problems([refusals.nothing_deploying()], exit_code=1)
            self.give_up()
            return
        self.events.append(event)
        self.world.wake.set()


def forget(memory: Memory, revision: str) -> Memory:
    """A revision that is deployed again starts with a clean record."""
    return Memory(
        crashes={name: count for name, count in memory.crashes.items() if name != revision},
        not_before={name: at for name, at in memory.not_before.items() if name != revision},
        looping=memory.looping - {revision},
    )


def command_key(kind: str, service: str, revision: str) -> str:
    """What the crew knows a release's command by."""
    return f"{kind} {service} {revision}"
