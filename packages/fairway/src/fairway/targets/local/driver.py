"""The local driver: observes processes, carries out actions, on this machine.

Place in the flow: the engine's only way to touch anything here. It holds no policy: what to
start or stop, when and why, was decided before. Failures are wrapped once, as `Problems`.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, assert_never

from fairway.core import names
from fairway.core.plan.action import (
    Action,
    Balance,
    Migrate,
    Open,
    Prepare,
    Provision,
    ReplicaStart,
    ReplicaStop,
    Retire,
    RunEnd,
    RunStart,
    Verify,
    describe,
)
from fairway.core.problem import Problem, Problems
from fairway.core.release.analysis_sample import Sample
from fairway.core.spec.model import App
from fairway.core.target import Figures, Observed
from fairway.targets.local import disk
from fairway.targets.local import gaps as local_gaps
from fairway.targets.local.backing import Backing
from fairway.targets.local.balancer.admin import AdminError
from fairway.targets.local.balancer.model import Endpoint
from fairway.targets.local.balancer.server import NAME as BALANCER
from fairway.targets.local.balancer.server import Balancer
from fairway.targets.local.balancer.stats import Reading, rates
from fairway.targets.local.balancer.weights import weigh
from fairway.targets.local.commands import Commands
from fairway.targets.local.fronts import Fronts
from fairway.targets.local.layout import Layout
from fairway.targets.local.preparation import Preparation, caller_environment
from fairway.targets.local.processes import ProcessTable, Running
from fairway.targets.local.replica_metrics import ask, sample_of, waiting, with_unanswered
from fairway.targets.local.replicas import STOP_MARGIN_SECONDS, Replicas, answers
from fairway_runtime import contract

__all__ = ["LocalDriver", "silent"]

T = TypeVar("T")
RUN_GRACE_SECONDS = 10.0
PORT_TRIES = 5
QUICK_SECONDS = 1.0  # for an orderly end without a drain
FEW_IN_FLIGHT = 4  # so few don't wait for each other
SENT_SECONDS = 2.0  # a request that was sent has been read by then, even on a busy machine


def silent(node: str, text: str) -> None:
    """Say nothing."""
    del node, text


def not_linux(platform: str) -> Problem:
    """The local target supervises processes by what only Linux tells of them."""
    return Problem(
        where=f"this machine ({platform})",
        what="an app can be run in its production shape on Linux only",
        mend="Run it in a Linux virtual machine, container or WSL 2.",
    )


class LocalDriver:
    """A connected local target; make it with `connect`."""

    def __init__(self, layout: Layout, preparation: Preparation) -> None:
        self.layout = layout
        self.preparation = preparation
        self.processes = ProcessTable(layout.run)
        app = preparation.apps.get("")
        self.backing = Backing(layout, self.processes, "" if app is None else app.name)
        self.balancer = Balancer(layout.balancer, self.processes)
        self.fronts = Fronts(layout)
        self.commands = Commands(layout, preparation, self.processes, self.backing, self.fronts)
        self.woken: Callable[[], None] = lambda: None
        self.replicas = Replicas(layout, preparation, self.processes, self.commands, self.wake)
        self.readings: tuple[float, Mapping[str, Reading]] = (0.0, {})
        self.opened = False

    def wake(self) -> None:
        """Tell the engine that something may have changed."""
        self.woken()

    @classmethod
    async def connect(
        cls,
        *,
        folder: Path,
        environment: str,
        assumed: str | None,
        say: Callable[[str, str], None],
    ) -> "LocalDriver":
        """Connect to this machine: adopt what an earlier engine left, end what has no record."""
        if sys.platform != "linux":
            raise Problems([not_linux(sys.platform)], exit_code=1)
        driver = cls.beside(folder=folder, environment=environment, assumed=assumed, say=say)
        for stray in await driver.processes.reap_strays():
            say("engine", f"ended a process that nobody knew: {stray.command}")
        for each in driver.processes.all():  # what stood back for an engine that was killed
            driver.processes.set_priority(each.name, starting=False)
        await driver.replicas.adopt(driver.processes.all(), driver.balancer.served())
        return driver

    @classmethod
    def beside(
        cls,
        *,
        folder: Path,
        environment: str,
        assumed: str | None,
        say: Callable[[str, str], None] = silent,
    ) -> "LocalDriver":
        """A driver that touches nothing that runs: for who only reads."""
        preparation = Preparation(
            layout=Layout(folder),
            environment_name=environment,
            assumed=assumed,
            caller=caller_environment(),
            say=say,
        )
        return cls(Layout(folder), preparation)

    def gaps(self, app: App) -> list[Problem]:
        """What this machine can't honour."""
        return local_gaps.gaps(app, self.most_replicas)

    @property
    def most_replicas(self) -> int:
        """One a processor: a Python process fills one."""
        return os.cpu_count() or 1

    # -- Observe -----------------------------------------------------------------------------

    async def observe(self) -> Observed:
        """What runs now, from processes and from what probes last said."""
        running = self.processes.all()
        return Observed(
            nodes=self.backing.observe(),
            replicas=self.replicas.observe(running),
            runs=self.commands.runs(running),
            balancer=self.opened and any(each.name == BALANCER and each.alive for each in running),
            addresses=self.fronts.addresses() if self.opened else {},
        )

    async def measure(self) -> Mapping[str, Figures]:
        """What the balancer measured since the last call."""
        try:
            now, after = time.monotonic(), await self.balancer.stats()
        except (AdminError, OSError):
            return {}
        then, before = self.readings
        self.readings = (now, after)
        if not before:
            return {}
        figures = {
            name: rates(before.get(name, Reading()), reading, now - then)
            for name, reading in after.items()
        }
        return {name: await self.with_queue(name, each) for name, each in figures.items()}

    async def with_queue(self, service: str, figures: Figures) -> Figures:
        """The figures, with the requests that wait inside replicas; where few are out, none do."""
        if figures.in_flight <= FEW_IN_FLIGHT:
            return figures
        ports = [
            int(each.labels["port"])
            for each in self.serving(service)
            if each.labels.get("runtime") == "yes"
        ]
        queued = await waiting(figures.in_flight, ports) if ports else 0
        return replace(figures, queued=max(figures.queued, queued))

    def serving(self, service: str) -> list[Running]:
        """The processes of a service's replicas that live."""
        return [
            each
            for each in self.processes.all()
            if each.alive
            and each.labels.get("service") == service
            and each.labels.get("kind") == "replica"
        ]

    async def samples(self, service: str) -> Mapping[str, Sample]:
        """Replica -> what it says that it has answered, and what it left without an answer."""
        mine = {each.name: int(each.labels["port"]) for each in self.serving(service)}
        errors = await self.errors(service)  # first: see `with_unanswered`
        found = await asyncio.gather(*(sample_of(port) for port in mine.values()))
        return {
            name: with_unanswered(sample, errors.get(port, 0))
            for (name, port), sample in zip(mine.items(), found, strict=True)
            if sample is not None
        }

    async def errors(self, service: str) -> Mapping[int, int]:
        """Port -> how many requests the balancer saw fail there."""
        try:
            states = await self.balancer.endpoints()
        except (AdminError, OSError):
            return {}
        return {each.port: each.errors_total for each in states.get(service, ())}

    async def visit(self, replicas: Mapping[str, int], paths: Sequence[str]) -> None:
        """Ask each of them so often, one request after the other."""
        ports = {
            each.name: int(each.labels["port"])
            for each in self.processes.all()
            if each.alive and each.name in replicas
        }
        await asyncio.gather(*(ask(port, paths, replicas[name]) for name, port in ports.items()))

    async def objects(self, bucket: str, prefix: str) -> Mapping[str, str]:
        """Key -> etag of the objects under a prefix."""
        found = await self.backing.store.list_objects(
            names.bucket_name(self.backing.app, bucket), prefix
        )
        return {each.key: each.etag for each in found}

    def output(self, process: str, lines: int) -> tuple[str, ...]:
        """The last lines of a process's log, and what they may mean."""
        return self.commands.output(process, lines)

    # -- Revisions ---------------------------------------------------------------------------

    async def revise(self) -> str:
        with disk.wrapped("revision", self.layout.revisions):
            in_use = self.has_replicas()
            try:
                revision = await self.in_thread(lambda: self.preparation.revise(in_use=in_use))
            finally:
                self.preparation.go_on()
        self.fronts.see_free(self.preparation.app(revision))
        return revision

    def stop_revising(self) -> None:
        self.preparation.stop.set()

    def has_replicas(self) -> bool:
        """Whether something may run from the folder's own environment."""
        return any(each.labels.get("kind") == "replica" for each in self.processes.all())

    def app(self, revision: str) -> App:
        app = self.preparation.app(revision)
        self.backing.app = app.name
        kept = [database.backups_seconds for database in app.databases.values()]
        self.backing.keep_seconds = max(kept, default=self.backing.keep_seconds)
        return app

    async def prune(self, keep: frozenset[str]) -> None:
        with disk.wrapped("old revisions", self.layout.revisions):
            await self.in_thread(lambda: self.preparation.prune(keep))

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    # -- Apply -------------------------------------------------------------------------------

    async def apply(self, action: Action) -> None:
        """Carry out one action."""
        with disk.wrapped(describe(action), self.layout.state):
            await self.carry_out(action)

    async def carry_out(self, action: Action) -> None:  # noqa: C901 - one line a kind
        """`apply`, with the system's own errors."""
        match action:
            case Prepare(revision=revision):
                in_use = self.has_replicas()
                await self.in_thread(lambda: self.preparation.prepare(revision, in_use=in_use))
            case Provision(node=node, kind=kind):
                await self.backing.provision(node, kind)
            case Retire(node=node, kind=kind):
                await self.backing.retire(node, kind)
            case Open():
                await self.open(action)
            case Balance():
                await self.balance(action)
            case Migrate():
                await self.commands.migrate(action)
            case Verify():
                await self.commands.test(action)
            case ReplicaStart():
                await self.replicas.start(action)
            case ReplicaStop():
                await self.let_finish(action)
                await self.replicas.stop(action)
            case RunStart():
                await self.commands.start_run(action)
            case RunEnd():
                await self.commands.end_run(action)
            case _:
                assert_never(action)

    async def open(self, action: Open) -> None:
        app = self.app(action.revision)
        for _ in range(PORT_TRIES):
            try:
                await self.balancer.start(self.fronts.of(app))
                break
            except Problems:
                # Another project may have taken the port between our look and Envoy's.
                if not self.fronts.give_up_taken(app):
                    raise
        else:
            await self.balancer.start(self.fronts.of(app))
        self.opened = True

    async def balance(self, action: Balance) -> None:
        replicas: dict[str, list[Endpoint]] = {}
        for each in self.processes.all():
            if each.name in action.ready or each.name in action.draining:
                endpoint = Endpoint(
                    port=int(each.labels["port"]),
                    replica=each.name,
                    draining=each.name in action.draining,
                )
                replicas.setdefault(each.labels["revision"], []).append(endpoint)
                if each.name in action.ready:
                    self.replicas.step_forward(each.name)
        endpoints = weigh(action.shares, replicas) if action.shares else ()
        await self.balancer.set_endpoints(action.service, endpoints)

    async def let_finish(self, action: ReplicaStop) -> None:
        """Have what the balancer already sent to a replica answered before that is told to end.

        A replica that closes an idle connection may not have read the request that lies in it.
        One that fairway-runtime serves drains by itself after that; a server of its own may not.
        """
        found = self.processes.find(action.replica)
        if found is None or not found.alive or not action.drain_seconds or not answers(found):
            return
        drains = found.labels["ready"] == contract.READY_PATH
        seconds = min(SENT_SECONDS, action.drain_seconds) if drains else action.drain_seconds
        await self.balancer.quiet(int(found.labels["port"]), seconds)

    # -- The end -----------------------------------------------------------------------------

    async def shut(self, drain_seconds: float) -> None:
        """Stop everything, outside in."""
        with disk.wrapped("stopping", self.layout.state):
            await self.end(drain_seconds)

    async def end(self, drain_seconds: float) -> None:
        """`shut`, with the system's own errors."""
        self.preparation.end()
        self.replicas.prober.close()
        stopping = self.processes.all()
        patience = drain_seconds + STOP_MARGIN_SECONDS if drain_seconds else QUICK_SECONDS
        grace = {"replica": patience, "run": RUN_GRACE_SECONDS if drain_seconds else QUICK_SECONDS}
        await self.balancer.stop(drain_seconds=drain_seconds)
        await asyncio.gather(
            *(
                self.processes.stop(each.name, grace_seconds=grace.get(each.labels["kind"], 1.0))
                for each in stopping
                if each.labels.get("kind") in ("replica", "run", "migration")
            )
        )
        await self.processes.reap_strays()
        await self.backing.shut()
        self.opened = False
