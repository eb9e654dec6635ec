"""Keeps replicas and traffic as the ledger wants them: decisions from `core`, effects by the crew.

Place in the flow: called at every tick after `deployments.py`. Order matters in two places, and
both are level-triggered, so that a kill between them is harmless: a replica's name is in the
journal before it is started, and a replica is out of the balancer before it is told to stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fairway.core import names
from fairway.core.plan.action import Balance, ReplicaStart, ReplicaStop
from fairway.core.release import machine
from fairway.core.replicas import CrashLoop, Loss, Memory, Replica, Rules, Stop, decide
from fairway.core.spec.model import App, Service
from fairway.engine.world import World

__all__ = ["Services"]


@dataclass(slots=True)
class Leaving:
    """A replica on its way out."""

    service: str
    drain: bool
    cause: str


@dataclass(slots=True)
class Services:
    """The replicas of all services, and of workers, which get no traffic."""

    world: World
    memories: dict[str, Memory] = field(default_factory=dict[str, Memory])
    leaving: dict[str, Leaving] = field(default_factory=dict[str, Leaving])
    balanced: dict[str, Balance] = field(default_factory=dict[str, Balance])
    planned: list[tuple[str, Replica]] = field(default_factory=list[tuple[str, Replica]])
    loops: list[CrashLoop] = field(default_factory=list[CrashLoop])
    losses: list[Loss] = field(default_factory=list[Loss])
    stillborn: list[Replica] = field(default_factory=list[Replica])
    departed: set[str] = field(default_factory=set[str])
    causes: dict[str, str] = field(default_factory=dict[str, str])

    def targets(self, service: str) -> Mapping[str, int]:
        """How many replicas of which revision are wanted now."""
        ledger = self.world.ledger
        deployment = ledger.deployment
        release = deployment.release if deployment is not None else None
        if release is not None and release.service == service and not release.over:
            return machine.targets(release)
        revision = self.early().get(service, ledger.serving.get(service))
        if revision is None:
            return {}
        program = self.world.app(revision).programs.get(service)
        if program is None:
            return {}
        wanted = self.world.wanted_app
        if wanted is not None and service not in wanted.programs:
            return {}
        return {revision: program.capped(ledger.count(service, program.replicas.minimum))}

    def early(self) -> Mapping[str, str]:
        """Worker -> the revision that it may run before its turn in the release comes.

        In a first deployment workers need not wait for one another, once all services are there:
        each would take the time that the others must live.
        """
        deployment = self.world.ledger.deployment
        if deployment is None or deployment.over or deployment.old is not None:
            return {}
        app = self.world.app(deployment.new)
        workers = [app.programs[name] for name in app.workers]
        turn = deployment.services[deployment.at : deployment.at + 1]
        if not app.workers.keys() & set(turn) or any(each.before for each in workers):
            return {}
        return dict.fromkeys(app.workers, deployment.new)

    def shares(self, service: str) -> Mapping[str, float]:
        """Percent of traffic per revision now."""
        ledger = self.world.ledger
        deployment = ledger.deployment
        release = deployment.release if deployment is not None else None
        if release is not None and release.service == service and not release.over:
            return machine.shares(release)
        revision = ledger.serving.get(service)
        return {} if revision is None else {revision: 100.0}

    def replicas(self, service: str) -> list[Replica]:
        """The replicas of a service that are seen, leaving, or about to start."""
        everyone = [*self.world.seen.replicas, *self.stillborn]
        seen = [
            each for each in everyone if each.service == service and each.name not in self.departed
        ]
        known = {each.name for each in seen}
        mine = [
            replace(each, phase="stopping") if each.name in self.leaving else each for each in seen
        ]
        starting = [
            each
            for key, each in self.planned
            if each.service == service and each.name not in known and self.world.crew.busy(key)
        ]
        return mine + starting

    def tick(self, *, may_start: Mapping[str, bool]) -> None:
        """Decide for every service. Nothing is carried out until the ledger is kept."""
        self.planned = [each for each in self.planned if self.world.crew.busy(each[0])]
        names_seen = {each.service for each in self.world.seen.replicas}
        for service in sorted(
            {*self.world.ledger.serving, *names_seen, *self.releasing(), *self.early()}
        ):
            self.decide_for(service, starts=may_start.get(service, True))

    def releasing(self) -> set[str]:
        deployment = self.world.ledger.deployment
        release = deployment.release if deployment is not None else None
        return set() if release is None else {release.service}

    def decide_for(self, service: str, *, starts: bool) -> None:
        targets = self.targets(service)
        decision = decide(
            targets=targets,
            replicas=self.replicas(service),
            memory=self.memories.get(service, Memory()),
            rules=self.rules(service, targets),
            now=self.world.clock.now(),
        )
        self.memories[service] = decision.memory
        self.loops += decision.loops
        self.losses += [each for each in decision.losses if each.replica not in self.leaving]
        for stop in decision.stops:
            self.leave(service, stop)
        if starts:
            for start in decision.starts:
                ledger, ordinal = self.world.ledger.numbered(service)
                self.world.ledger = ledger
                name = names.replica_name(service, ordinal)
                replica = Replica(
                    name=name,
                    service=service,
                    revision=start.revision,
                    port=0,
                    phase="starting",
                    started_at=self.world.clock.now(),
                )
                self.planned.append((f"start {name}", replica))
                self.causes[name] = start.cause

    def leave(self, service: str, stop: Stop) -> None:
        if stop.replica in self.leaving:
            return
        self.leaving[stop.replica] = Leaving(service, stop.drain, stop.cause)
        level = "info" if stop.drain else "bad"
        self.world.tell(stop.replica, f"goes: {stop.cause}", level)

    def rules(self, service: str, targets: Mapping[str, int]) -> Rules:
        spec = self.spec(service, targets)
        if spec is None:
            return Rules()
        return Rules(
            startup_seconds=spec.timeouts.startup_seconds,
            memory_mib=float(spec.memory_mib),
            alone=spec.runs_alone,
        )

    def spec(self, service: str, targets: Mapping[str, int]) -> Service | None:
        """What the file says of the service, as the newest revision in play says it."""
        for revision in targets:
            app: App = self.world.app(revision)
            if service in app.programs:
                return app.programs[service]
        return None

    def act(self) -> None:
        """Carry out what was decided; called after the ledger is kept."""
        ahead = {each.service for each in self.world.seen.replicas if each.phase == "starting"}
        for key, replica in list(self.planned):
            action = ReplicaStart(
                service=replica.service,
                revision=replica.revision,
                replica=replica.name,
                cause=self.causes.pop(replica.name, ""),
                stands_back=self.stands_back(
                    replica.service, is_first=replica.service not in ahead
                ),
                # Where nobody serves, a first answer that is slow is sooner than one after a
                # warm-up.
                warms_up=any(each.phase == "ready" for each in self.replicas(replica.service)),
            )
            ahead.add(replica.service)
            self.world.crew.perform(
                key, action, otherwise=lambda replica=replica: self.never_began(replica)
            )
        seen = {each.service for each in self.world.seen.replicas if each.answers}
        for service in sorted({*self.balanced, *seen}):
            self.balance(service)
        for name, leaving in sorted(self.leaving.items()):
            self.take_out(name, leaving)

    def stands_back(self, service: str, *, is_first: bool) -> bool:
        """Whether a replica that starts takes its time from nobody else of its service.

        In a release it does, as long as enough others serve. Where nobody serves yet, all but the
        first do: one that answers soon is worth more than several later. What takes a dead one's
        place, or adds strength, is waited for.
        """
        ready = sum(each.phase == "ready" for each in self.replicas(service))
        if not ready:
            return not is_first
        deployment = self.world.ledger.deployment
        release = deployment.release if deployment is not None else None
        if release is None or release.service != service or release.over:
            return False
        return ready >= release.replicas

    def never_began(self, replica: Replica) -> None:
        """A start that failed counts as a crash, so that it is tried less and less often."""
        self.stillborn.append(replace(replica, phase="exited"))

    def balance(self, service: str) -> None:
        """Tell the balancer where to send traffic, if that has changed."""
        shares = self.shares(service)
        mine = self.replicas(service)
        wanted = Balance(
            service=service,
            shares=shares,
            ready=frozenset(each.name for each in mine if each.phase == "ready"),
            draining=frozenset(each.name for each in mine if each.phase == "stopping"),
            cause="replicas or weights changed",
        )
        if self.balanced.get(service) == wanted or not self.world.seen.balancer:
            return
        self.world.crew.perform(
            f"balance {service}", wanted, then=lambda: self.balanced.update({service: wanted})
        )

    def take_out(self, name: str, leaving: Leaving) -> None:
        """Stop a replica that the balancer sends nothing to any more."""
        applied = self.balanced.get(leaving.service)
        if leaving.drain and applied is None and self.is_fronted(leaving.service):
            return  # what an engine before this one told the balancer may still hold
        if applied is not None and name in applied.ready and self.world.seen.balancer:
            return
        spec = self.spec(leaving.service, self.targets(leaving.service))
        drain = spec.timeouts.drain_seconds if spec is not None else 30.0
        self.world.crew.perform(
            f"stop {name}",
            ReplicaStop(
                service=leaving.service,
                replica=name,
                drain_seconds=drain if leaving.drain else 0.0,
                cause=leaving.cause,
            ),
            then=lambda: self.gone(name),
        )

    def is_fronted(self, service: str) -> bool:
        """Whether the balancer is to listen for it."""
        app = self.world.wanted_app
        return app is not None and service in app.services

    def gone(self, name: str) -> None:
        # Names are never used twice; an observation that is older than this may still hold it.
        self.departed.add(name)
        self.leaving.pop(name, None)
        self.stillborn = [each for each in self.stillborn if each.name != name]
