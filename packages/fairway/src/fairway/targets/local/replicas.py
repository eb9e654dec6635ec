"""The replicas of services and workers on this machine: started, probed, measured, stopped.

Mechanism only: how many run and which goes is decided before. A replica's own record says what
it is, so another engine finds it again.
"""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from fairway.core.command_line import SHELL
from fairway.core.plan.action import ReplicaStart, ReplicaStop
from fairway.core.replicas import Phase, Replica, judge
from fairway.core.spec.model import App, Service
from fairway.programs.priority import STAND_BACK_SECONDS
from fairway.targets.local import invocation, log_files
from fairway.targets.local.commands import Commands
from fairway.targets.local.layout import Layout
from fairway.targets.local.ports import free_port
from fairway.targets.local.preparation import Place, Preparation, find
from fairway.targets.local.probing import Probe, Prober
from fairway.targets.local.processes import Command, ProcessTable, Running
from fairway_runtime import contract

__all__ = ["STOP_MARGIN_SECONDS", "Replicas"]

USAGE_SECONDS = 1.0
TIDY_ROUNDS = 30
STOP_MARGIN_SECONDS = 3.0  # beyond the drain, before SIGKILL


@dataclass(slots=True)
class Replicas:
    """All replicas of one project; `wake` is called when one of them may have changed."""

    layout: Layout
    preparation: Preparation
    processes: ProcessTable
    commands: Commands
    wake: Callable[[], None]
    prober: Prober = field(init=False)
    rss_mib: dict[str, float] = field(default_factory=dict[str, float])
    cpu: dict[str, float] = field(default_factory=dict[str, float])
    cpu_seconds: dict[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    standing_back: dict[str, float] = field(default_factory=dict[str, float])
    watched: set[str] = field(default_factory=set[str])  # workers, whose end wakes the engine
    steady: set[str] = field(default_factory=set[str])  # workers that have lived long enough
    measured_at: float = 0.0
    rounds: int = 0

    def __post_init__(self) -> None:
        self.prober = Prober(self.wake)

    async def adopt(self, running: Sequence[Running], served: Collection[str]) -> None:
        """Take over what an engine before this one started, and hear how it is.

        `served` had visitors already. Without that, a replica that has run for long and is asked
        for the first time would look like one whose start takes too long.
        """
        for each in running:
            if each.labels.get("kind") == "replica" and each.alive and answers(each):
                self.watch(each).was_ready = each.name in served
        await self.prober.heard()

    def observe(self, running: Sequence[Running]) -> tuple[Replica, ...]:
        """The replicas among the processes, as their probes last said."""
        found = [self.replica(each) for each in running if each.labels.get("kind") == "replica"]
        self.measure_memory(found)
        now = time.monotonic()
        for name in [name for name, until in self.standing_back.items() if now > until]:
            self.step_forward(name)
        return tuple(sorted(found, key=lambda each: each.name))

    def replica(self, process: Running) -> Replica:
        labels = process.labels
        phase, was_ready = (self.probed if answers(process) else self.lived)(process)
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
            cpu=self.cpu.get(process.name, 0.0),
            answers=answers(process),
        )

    def probed(self, process: Running) -> tuple[Phase, bool]:
        """The phase that its probes show, and whether it was ever ready."""
        probe = self.prober.probes.get(process.name)
        if process.alive and probe is None:
            probe = self.watch(process)
        if not process.alive:
            self.prober.forget(process.name)
        was_ready = probe is not None and probe.was_ready
        if not process.alive:
            return "exited", was_ready
        if probe is None:
            return "starting", was_ready
        return judge("starting", probe.health, started=True, was_ready=was_ready), was_ready

    def lived(self, process: Running) -> tuple[Phase, bool]:
        """The phase of a worker, which nobody can ask: it is ready once it has lived so long."""
        name = process.name
        if not process.alive:
            self.watched.discard(name)
            return "exited", name in self.steady
        if name not in self.watched:
            self.watched.add(name)
            wake_on_exit(process.pid, self.wake)
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - process.started  # no clock jumps here
        if age >= float(process.labels["steady"]):
            self.steady.add(name)
        return ("ready" if name in self.steady else "starting"), name in self.steady

    def watch(self, process: Running) -> Probe:
        labels = process.labels
        ready = labels["ready"] or None
        probe = Probe(int(labels["port"]), ready, labels["health"] or None)
        self.prober.watch(process.name, probe)
        wake_on_exit(process.pid, self.wake)
        return probe

    def measure_memory(self, replicas: Sequence[Replica]) -> None:
        now = time.monotonic()
        if now - self.measured_at < USAGE_SECONDS:
            return
        self.measured_at = now
        self.rounds += 1
        if self.rounds % TIDY_ROUNDS == 0:
            running = {each.name for each in self.processes.all()}
            log_files.tidy(self.layout.log("").parent, running)
        usages = self.processes.usages([each.name for each in replicas])
        for name, usage in usages.items():
            then, seconds = self.cpu_seconds.get(name, (now, usage.cpu_seconds))
            self.cpu_seconds[name] = (now, usage.cpu_seconds)
            self.cpu[name] = (usage.cpu_seconds - seconds) / (now - then) if now > then else 0.0
        self.rss_mib = {name: usage.rss_bytes / 2**20 for name, usage in usages.items()}

    async def start(self, action: ReplicaStart) -> None:
        """Start one; it gets no traffic before its probes pass, and a worker never any."""
        app = self.preparation.app(action.revision)
        service = app.programs[action.service]
        place = await asyncio.to_thread(self.preparation.place, action.revision, service)
        command = (self.server if service.answers else self.worker)(app, service, action, place)
        running = await self.processes.start(command)
        if action.stands_back:
            self.processes.set_priority(action.replica, starting=True)
            self.standing_back[action.replica] = time.monotonic() + STAND_BACK_SECONDS
        if service.answers:
            self.watch(running)

    def worker(self, app: App, worker: Service, action: ReplicaStart, place: Place) -> Command:
        """What answers nobody: no port, and ready once it has lived."""
        name = action.replica
        environment = self.commands.environment(app, worker, action.revision, name, None)
        at = f"worker.{worker.name}"
        argv = invocation.job_argv(worker.command or "", environment, where=at, find=find)
        return Command(
            name=name,
            argv=argv,
            directory=place.directory,
            environment=environment,
            log=self.layout.log(name),
            labels={
                "kind": "replica",
                "service": action.service,
                "revision": action.revision,
                "port": "0",
                "started_at": str(time.time()),
                "steady": str(worker.steady_seconds),
                # As in a container: what it started is its own to end, such as Celery's pool,
                # whose processes would drop their tasks. A shell would not pass the signal on.
                "told": "" if argv[0] == SHELL else "leader",
            },
        )

    def server(self, app: App, service: Service, action: ReplicaStart, place: Place) -> Command:
        """What answers, on a free loopback port."""
        port = free_port()
        environment = self.commands.environment(app, service, action.revision, action.replica, port)
        if not action.warms_up:
            environment.pop(contract.WARMUP, None)
        runs_here = service.command is None
        return Command(
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
                "runtime": "yes" if runs_here else "",
                "ready": contract.READY_PATH if runs_here else service.probe or "",
                "health": contract.HEALTH_PATH if runs_here else service.probe or "",
            },
        )

    def step_forward(self, replica: str) -> None:
        """It has visitors now: it stands back no longer."""
        if self.standing_back.pop(replica, None) is not None:
            self.processes.set_priority(replica, starting=False)

    async def stop(self, action: ReplicaStop) -> None:
        """End one that gets no traffic any more; what is in flight may finish."""
        self.prober.forget(action.replica)
        grace = action.drain_seconds + STOP_MARGIN_SECONDS if action.drain_seconds else 0.2
        await self.processes.stop(action.replica, grace_seconds=grace)
        self.steady.discard(action.replica)
        for known in (self.rss_mib, self.cpu, self.cpu_seconds):
            known.pop(action.replica, None)


def answers(process: Running) -> bool:
    """Whether a replica is a service's; a worker's has no port."""
    return process.labels["port"] != "0"


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
