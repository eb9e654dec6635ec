"""The local driver: observes processes, carries out actions, on this machine.

Place in the flow: the engine's only way to touch anything here. It holds no policy: what to
start or stop, when and why, was decided before. Failures are wrapped once, as `Problems`.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, assert_never

from fairway.core import names
from fairway.core.masked import revealed
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
)
from fairway.core.problem import Problem, Problems
from fairway.core.replicas import Replica, judge
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.variables import Addresses, variables
from fairway.core.target import Figures, Observed, Run
from fairway.targets.local import gaps as local_gaps
from fairway.targets.local import invocation, log_files
from fairway.targets.local.backing import Backing
from fairway.targets.local.balancer.admin import AdminError
from fairway.targets.local.balancer.model import Endpoint
from fairway.targets.local.balancer.server import NAME as BALANCER
from fairway.targets.local.balancer.server import Balancer
from fairway.targets.local.balancer.stats import Reading, rates
from fairway.targets.local.balancer.weights import weigh
from fairway.targets.local.fronts import Fronts
from fairway.targets.local.layout import Layout
from fairway.targets.local.preparation import Preparation, caller_environment, find
from fairway.targets.local.probing import Probe, Prober
from fairway.targets.local.processes import Command, ProcessTable, Running
from fairway.targets.local.secret_values import secret_values
from fairway_runtime import contract

__all__ = ["Invocation", "LocalDriver", "silent"]

T = TypeVar("T")
USAGE_SECONDS = 1.0
TIDY_ROUNDS = 30
RUN_GRACE_SECONDS = 10.0
STOP_MARGIN_SECONDS = 3.0  # beyond the drain, before SIGKILL
KILLED = 137


def silent(node: str, text: str) -> None:
    """Say nothing."""
    del node, text


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command's words, folder and variables."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)


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
        self.woken: Callable[[], None] = lambda: None
        self.prober = Prober(self.wake)
        self.readings: tuple[float, Mapping[str, Reading]] = (0.0, {})
        self.rss_mib: dict[str, float] = {}
        self.measured_at = 0.0
        self.opened = False
        self.rounds = 0

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
        """Connect to this machine; what an earlier engine left unrecorded is ended."""
        driver = cls.beside(folder=folder, environment=environment, assumed=assumed, say=say)
        for stray in await driver.processes.reap_strays():
            say("engine", f"ended a process that nobody knew: {stray.command}")
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
        return local_gaps.gaps(app)

    # -- Observe -----------------------------------------------------------------------------

    async def observe(self) -> Observed:
        """What runs now, from processes and from what probes last said."""
        running = {each.name: each for each in self.processes.all()}
        replicas = [
            self.replica(each) for each in running.values() if each.labels.get("kind") == "replica"
        ]
        self.measure_memory(replicas)
        envoy = running.get(BALANCER)
        return Observed(
            nodes=await self.backing.observe(),
            replicas=tuple(sorted(replicas, key=lambda each: each.name)),
            runs=tuple(
                Run(
                    run=each.name,
                    job=each.labels["job"],
                    started_at=float(each.labels["started_at"]),
                    exit_code=exit_code(each),
                )
                for each in running.values()
                if each.labels.get("kind") == "run"
            ),
            balancer=self.opened and envoy is not None and envoy.alive,
            addresses=self.fronts.addresses() if self.opened else {},
        )

    def replica(self, process: Running) -> Replica:
        labels = process.labels
        probe = self.prober.probes.get(process.name)
        if process.alive and probe is None:
            probe = self.watch(process)
        if not process.alive:
            self.prober.forget(process.name)
        was_ready = probe is not None and probe.was_ready
        phase = "starting"
        if not process.alive:
            phase = "exited"
        elif probe is not None:
            phase = judge("starting", probe.health, started=True, was_ready=was_ready)
        return Replica(
            name=process.name,
            service=labels["service"],
            revision=labels["revision"],
            port=int(labels["port"]),
            phase=phase,
            started_at=float(labels["started_at"]),
            was_ready=was_ready,
            exit_code=process.exit_code,
            rss_mib=self.rss_mib.get(process.name, 0.0),
        )

    def watch(self, process: Running) -> Probe:
        labels = process.labels
        ready = labels["ready"] or None
        probe = Probe(int(labels["port"]), ready, labels["health"] or None)
        self.prober.watch(process.name, probe)
        wake_on_exit(process.pid, self.wake)
        return probe

    def measure_memory(self, replicas: list[Replica]) -> None:
        now = time.monotonic()
        if now - self.measured_at < USAGE_SECONDS:
            return
        self.measured_at = now
        self.rounds += 1
        if self.rounds % TIDY_ROUNDS == 0:
            running = {each.name for each in self.processes.all()}
            log_files.tidy(self.layout.log("").parent, running)
        usages = self.processes.usages([each.name for each in replicas])
        self.rss_mib = {name: usage.rss_bytes / 2**20 for name, usage in usages.items()}

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
        return {
            name: rates(before.get(name, Reading()), reading, now - then)
            for name, reading in after.items()
        }

    async def objects(self, bucket: str, prefix: str) -> Mapping[str, str]:
        """Key -> etag of the objects under a prefix."""
        found = await self.backing.store.list_objects(
            names.bucket_name(self.backing.app, bucket), prefix
        )
        return {each.key: each.etag for each in found}

    def output(self, process: str, lines: int) -> tuple[str, ...]:
        """The last lines of a process's log."""
        try:
            with self.layout.log(process).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - 64 * 1024))
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return ()
        return tuple(line for line in text.splitlines() if line.strip())[-lines:]

    # -- Revisions ---------------------------------------------------------------------------

    async def revise(self) -> str:
        return await self.in_thread(self.preparation.revise)

    def app(self, revision: str) -> App:
        app = self.preparation.app(revision)
        self.backing.app = app.name
        return app

    async def prune(self, keep: frozenset[str]) -> None:
        await self.in_thread(lambda: self.preparation.prune(keep))

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    # -- Apply -------------------------------------------------------------------------------

    async def apply(self, action: Action) -> None:  # noqa: C901 - one line a kind
        """Carry out one action."""
        match action:
            case Prepare(revision=revision):
                in_use = any(each.labels.get("kind") == "replica" for each in self.processes.all())
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
                await self.migrate(action)
            case ReplicaStart():
                await self.start_replica(action)
            case ReplicaStop():
                await self.stop_replica(action)
            case RunStart():
                await self.start_run(action)
            case RunEnd():
                await self.end_run(action)
            case _:
                assert_never(action)

    async def open(self, action: Open) -> None:
        app = self.app(action.revision)
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
                    self.processes.set_priority(each.name, starting=False)
        endpoints = weigh(action.shares, replicas) if action.shares else ()
        await self.balancer.set_endpoints(action.service, endpoints)

    # -- Replicas ----------------------------------------------------------------------------

    async def start_replica(self, action: ReplicaStart) -> None:
        app = self.app(action.revision)
        service = app.services[action.service]
        place = await self.in_thread(lambda: self.preparation.place(action.revision, service))
        port = free_port()
        environment = self.environment(app, service, action.revision, action.replica, port)
        runs_here = service.command is None
        command = Command(
            name=action.replica,
            argv=invocation.replica_argv(
                service,
                python=str(place.environment.python),
                boot=str(place.overlay.boot),
                port=port,
                environment=environment,
                find=find,
            ),
            directory=place.directory,
            environment=environment,
            log=self.layout.log(action.replica),
            labels={
                "kind": "replica",
                "service": action.service,
                "revision": action.revision,
                "port": str(port),
                "started_at": str(time.time()),
                "ready": contract.READY_PATH if runs_here else service.probe or "",
                "health": contract.HEALTH_PATH if runs_here else service.probe or "",
            },
        )
        running = await self.processes.start(command)
        if self.serves(action.service):
            self.processes.set_priority(action.replica, starting=True)
        self.watch(running)

    def serves(self, service: str) -> bool:
        """Whether other replicas of the service have visitors who must not wait for a start."""
        return any(probe.was_ready for probe in self.prober.probes.values()) and bool(service)

    async def stop_replica(self, action: ReplicaStop) -> None:
        self.prober.forget(action.replica)
        grace = action.drain_seconds + STOP_MARGIN_SECONDS if action.drain_seconds else 0.2
        await self.processes.stop(action.replica, grace_seconds=grace)
        self.rss_mib.pop(action.replica, None)

    def environment(
        self, app: App, node: Service | Job, revision: str, process: str, port: int | None
    ) -> dict[str, str]:
        """The variables of a process of `node`."""
        place = self.preparation.place(revision, node)
        given = revealed(variables(app, node, self.addresses(app)))
        given[contract.REVISION] = revision
        given[contract.REPLICA] = process
        if port is not None:
            given[contract.HOST] = "127.0.0.1"
            given[contract.PORT] = str(port)
        return invocation.app_environment(
            self.preparation.caller,
            given,
            environment=str(place.environment.folder),
            code=place.code,
        )

    def addresses(self, app: App) -> Addresses:
        """Where everything of the app is."""
        return self.backing.addresses(
            app,
            services=self.fronts.addresses(),
            secrets=secret_values(app, self.preparation.dotenv(), self.layout.secrets),
            dotenv=self.preparation.dotenv(),
        )

    # -- Runs and migrations -----------------------------------------------------------------

    async def migrate(self, action: Migrate) -> None:
        name = f"{action.service}.migrate-{action.revision}"
        app = self.app(action.revision)
        found = self.processes.find(name)
        if found is not None and not found.alive and found.exit_code != 0:
            self.processes.forget(name)
            found = None
        if found is None:
            service = app.services[action.service]
            await self.start_command(
                name, service, action.revision, action.command, {"kind": "migration"}
            )
        code = await self.processes.wait(name, 3600.0)
        if code == 0:
            return
        said = "".join(f"\n    {line}" for line in self.output(name, 20))
        what = f"the migration `{action.command}` ended with exit code {code}{said}"
        mend = "Mend it, then deploy again; what was served before is still served."
        raise Problems([Problem(f"service.{action.service}.before", what, mend)], exit_code=1)

    async def start_run(self, action: RunStart) -> None:
        app = self.app(action.revision)
        job = app.jobs[action.job]
        labels = {"kind": "run", "job": action.job, "started_at": str(time.time())}
        await self.start_command(action.run, job, action.revision, job.command, labels)

    async def start_command(
        self,
        name: str,
        node: Service | Job,
        revision: str,
        command: str,
        labels: Mapping[str, str],
    ) -> None:
        """Start a command that runs to its end; how it ended is kept."""
        app = self.app(revision)
        place = await self.in_thread(lambda: self.preparation.place(revision, node))
        environment = self.environment(app, node, revision, name, None)
        await self.processes.start(
            Command(
                name=name,
                argv=invocation.job_argv(command, environment, where=node.name, find=find),
                directory=place.directory,
                environment=environment,
                log=self.layout.log(name),
                labels=labels,
                keeps_exit_code=True,
            )
        )

    def invocation(self, revision: str, node: str, words: Sequence[str]) -> Invocation:
        """How a command runs where a service or job of a revision runs."""
        app = self.app(revision)
        found = app.services.get(node) or app.jobs.get(node)
        if found is None:
            known = ", ".join((*app.services, *app.jobs))
            what = f"there is no service or job `{node}`"
            raise Problems([Problem("fairway.toml", what, f"There are: {known}.")])
        self.fronts.ports = self.fronts.kept()
        place = self.preparation.place(revision, found)
        environment = self.environment(app, found, revision, f"{node}.exec", None)
        program = find(words[0], environment["PATH"]) or words[0]
        return Invocation((program, *words[1:]), place.directory, environment)

    async def end_run(self, action: RunEnd) -> None:
        """End it, keeping how it ended; forget one that has ended."""
        found = self.processes.find(action.run)
        if found is None:
            return
        if not found.alive:
            self.processes.forget(action.run)
            return
        self.processes.signal(action.run, 15)
        await self.processes.wait(action.run, RUN_GRACE_SECONDS)
        self.processes.signal(action.run, 9)
        await self.processes.wait(action.run, RUN_GRACE_SECONDS)

    # -- The end -----------------------------------------------------------------------------

    async def shut(self, drain_seconds: float) -> None:
        """Stop everything, outside in."""
        self.preparation.stop.set()
        self.prober.close()
        stopping = self.processes.all()
        balancer = asyncio.create_task(self.balancer.stop(drain_seconds=drain_seconds))
        grace = {"replica": drain_seconds + STOP_MARGIN_SECONDS, "run": RUN_GRACE_SECONDS}
        await balancer
        await asyncio.gather(
            *(
                self.processes.stop(each.name, grace_seconds=grace.get(each.labels["kind"], 1.0))
                for each in stopping
                if each.labels.get("kind") in ("replica", "run", "migration")
            )
        )
        await self.backing.shut()
        self.opened = False


def exit_code(process: Running) -> int | None:
    """None while it lives; a run of which nobody saw the end was killed."""
    if process.alive:
        return None
    return KILLED if process.exit_code is None else process.exit_code


def wake_on_exit(pid: int, wake: Callable[[], None]) -> None:
    """Call `wake` when a process ends, a child or not; at once if it has."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        wake()
        return
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        wake()

    loop.add_reader(descriptor, ended)


def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
