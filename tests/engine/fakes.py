"""The one fake driver and the one fake clock of the engine's tests.

The driver keeps what it was told in plain values, as a machine would keep processes: it goes on
when an engine is thrown away, so that a new engine finds what the last one left.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

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
)
from fairway.core.problem import Problem, Problems
from fairway.core.release.analysis_sample import Sample
from fairway.core.replicas import Replica
from fairway.core.spec.model import App
from fairway.core.target import Figures, Node, Observed, Run


class FakeClock:
    """Time that passes only when the engine waits."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        self.time += seconds
        for _ in range(5):
            await asyncio.sleep(0)


@dataclass
class FakeMachine:
    """What runs, over the life of several engines. `apps` are the revisions that exist."""

    clock: FakeClock
    apps: Mapping[str, App]
    folder: str = "one"
    building: asyncio.Event | None = None  # a build that lasts until it is set
    build_ends: bool = False  # it does not come to its end
    ready_after: Callable[[str], float | None] = lambda revision: 1.0
    dies_after: Callable[[str], float | None] = lambda revision: None
    migration_fails: bool = False
    test_fails: bool = False
    slow_stops: int = 0  # rounds of the loop that an end takes
    visited: dict[str, int] = field(default_factory=dict[str, int])
    tests: list[str] = field(default_factory=list[str])
    run_seconds: float = 5.0
    run_code: Callable[[str], int] = lambda run: 0
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    replicas: dict[str, Replica] = field(default_factory=dict[str, Replica])
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    balances: dict[str, Balance] = field(default_factory=dict[str, Balance])
    bucket: dict[str, str] = field(default_factory=dict[str, str])
    figures: Mapping[str, Figures] = field(default_factory=dict[str, Figures])
    cpu: float = 0.1
    answered: Callable[[Replica], Sample] = lambda replica: Sample(0, 0)
    open: bool = False
    log: list[Action] = field(default_factory=list[Action])
    before: Callable[[Action], None] = lambda action: None
    dead: bool = False  # the engine was killed: nothing more of what it says is carried out

    def refresh(self) -> None:
        """Let time do its work."""
        now = self.clock.now()
        for name, replica in list(self.replicas.items()):
            age = now - replica.started_at
            dies, ready = self.dies_after(replica.revision), self.ready_after(replica.revision)
            if replica.phase in ("starting", "ready") and dies is not None and age >= dies:
                self.replicas[name] = replace(replica, phase="exited", exit_code=3)
            elif replica.phase == "ready" and replica.cpu != self.cpu:
                self.replicas[name] = replace(replica, cpu=self.cpu)
            elif replica.phase == "starting" and ready is not None and age >= ready:
                self.replicas[name] = replace(replica, phase="ready", was_ready=True)
        for name, run in list(self.runs.items()):
            if run.exit_code is None and now - run.started_at >= self.run_seconds:
                self.runs[name] = replace(run, exit_code=self.run_code(run.run))

    def check_alone(self, service: str, revision: str) -> None:
        """What must never run twice does not, whichever revision it is of."""
        program = self.apps[revision].programs[service]
        running = [
            each.name
            for each in self.replicas.values()
            if each.service == service and each.phase != "exited"
        ]
        assert not program.runs_alone or len(running) <= 1, f"{running} run at once"

    def serving(self, service: str) -> int:
        """Replicas that get traffic and can answer it."""
        balance = self.balances.get(service)
        if balance is None:
            return 0
        return sum(
            1
            for name in balance.ready - balance.draining
            if name in self.replicas
            and self.replicas[name].phase == "ready"
            and balance.shares.get(self.replicas[name].revision, 0) > 0
        )


class FakeDriver:
    """A driver of a `FakeMachine`. Its `before` is called ahead of each action and may raise."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine

    @property
    def most_replicas(self) -> int:
        return 8

    async def observe(self) -> Observed:
        machine = self.machine
        machine.refresh()
        return Observed(
            nodes=tuple(machine.nodes[name] for name in sorted(machine.nodes)),
            replicas=tuple(machine.replicas[name] for name in sorted(machine.replicas)),
            runs=tuple(machine.runs[name] for name in sorted(machine.runs)),
            balancer=machine.open,
            addresses={"api": "http://127.0.0.1:8000"} if machine.open else {},
        )

    async def apply(self, action: Action) -> None:  # noqa: C901, PLR0912, PLR0915 - a case a kind
        machine = self.machine
        machine.before(action)
        if machine.dead:
            await asyncio.Event().wait()
        machine.log.append(action)
        await asyncio.sleep(0)
        match action:
            case Provision(node=node, kind=kind):
                machine.nodes[node] = Node(name=node, kind=kind, running=True, accepts=True)
            case Retire(node=node):
                machine.nodes.pop(node, None)
            case Open():
                machine.open = True
            case Prepare():
                pass
            case Migrate():
                if machine.migration_fails:
                    raise Problems([Problem("api", "the migration failed: no such column")])
            case Verify(replica=name):
                balance = machine.balances.get(action.service)
                assert balance is not None
                assert not balance.shares.get(action.revision), "it has traffic"
                machine.tests.append(name)
                if machine.test_fails:
                    raise Problems([Problem("api", "the test failed: 3 is not 4")])
            case ReplicaStart(service=service, revision=revision, replica=name):
                machine.replicas.setdefault(
                    name,
                    Replica(
                        name=name,
                        service=service,
                        revision=revision,
                        port=9000 + len(machine.log),
                        phase="starting",
                        started_at=machine.clock.now(),
                        answers=service in machine.apps[revision].services,
                    ),
                )
                machine.check_alone(service, revision)
            case ReplicaStop(replica=name):
                balance = machine.balances.get(action.service)
                for _ in range(machine.slow_stops):
                    await asyncio.sleep(0)
                replica = machine.replicas.pop(name, None)
                taken_out = balance is None or name not in balance.ready
                gone = replica is None or replica.phase == "exited"
                assert taken_out or gone, f"{name} was stopped while it got traffic"
            case Balance(service=service):
                assert not any(service in app.workers for app in machine.apps.values())
                machine.balances[service] = action
            case RunStart(job=job, run=run):
                machine.runs.setdefault(run, Run(run=run, job=job, started_at=machine.clock.now()))
            case RunEnd(run=run):
                found = machine.runs.get(run)
                if found is not None and found.exit_code is None:
                    machine.runs[run] = replace(found, exit_code=143)
                else:
                    machine.runs.pop(run, None)
            case _:
                assert_never(action)

    async def measure(self) -> Mapping[str, Figures]:
        return self.machine.figures

    async def samples(self, service: str) -> Mapping[str, Sample]:
        machine = self.machine
        mine = [each for each in machine.replicas.values() if each.service == service]
        return {each.name: machine.answered(each) for each in mine}

    async def visit(self, replicas: Mapping[str, int], paths: Sequence[str]) -> None:
        assert paths
        for name, times in replicas.items():
            self.machine.visited[name] = self.machine.visited.get(name, 0) + times

    async def revise(self) -> str:
        if self.machine.building is not None:
            await self.machine.building.wait()
        if self.machine.build_ends:
            raise Problems([Problem("api", "The build was stopped.")])
        return self.machine.folder

    def stop_revising(self) -> None:
        assert self.machine.building is not None
        self.machine.building.set()

    def app(self, revision: str) -> App:
        return self.machine.apps[revision]

    async def prune(self, keep: frozenset[str]) -> None:
        del keep

    async def objects(self, bucket: str, prefix: str) -> Mapping[str, str]:
        del bucket
        return {key: tag for key, tag in self.machine.bucket.items() if key.startswith(prefix)}

    def output(self, process: str, lines: int) -> tuple[str, ...]:
        del lines
        return (f"last words of {process}",)

    async def shut(self, drain_seconds: float) -> None:
        del drain_seconds
        self.machine.replicas.clear()
        self.machine.runs.clear()
        self.machine.nodes.clear()
        self.machine.open = False
