"""Commands of an app that run to their end: migrations, runs of jobs, what people execute.

Mechanism only. Each finds the code, the Python and the variables of its revision; how it ended
is kept, so that an engine that was killed meanwhile still learns it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fairway.core.masked import revealed
from fairway.core.plan.action import Migrate, RunEnd, RunStart, Verify
from fairway.core.problem import Problem, Problems, indented
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.variables import Addresses, variables
from fairway.core.target import Run
from fairway.programs.priority import STAND_BACK_SECONDS
from fairway.targets.local import invocation
from fairway.targets.local.backing import Backing
from fairway.targets.local.fronts import Fronts
from fairway.targets.local.layout import Layout
from fairway.targets.local.output import last_lines
from fairway.targets.local.ports import HOST
from fairway.targets.local.preparation import Preparation, find
from fairway.targets.local.processes import Command, ProcessTable, Running
from fairway.targets.local.secret_values import secret_values
from fairway.targets.local.sites import site_variables
from fairway_runtime import contract

__all__ = ["Commands", "Invocation"]

GRACE_SECONDS = 10.0
MIGRATION_SECONDS = 3600.0
TEST_SECONDS = 600.0
KILLED = 137


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command's words, folder and variables."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Commands:
    """The commands of one project."""

    layout: Layout
    preparation: Preparation
    processes: ProcessTable
    backing: Backing
    fronts: Fronts

    def runs(self, processes: Sequence[Running]) -> tuple[Run, ...]:
        """The runs of jobs among the processes, as they are now."""
        return tuple(
            Run(
                run=each.name,
                job=each.labels["job"],
                started_at=float(each.labels["started_at"]),
                exit_code=exit_code(each),
            )
            for each in processes
            if each.labels.get("kind") == "run"
        )

    def environment(
        self, app: App, node: Service | Job, revision: str, process: str, port: int | None
    ) -> dict[str, str]:
        """The variables of a process of `node`."""
        place = self.preparation.place(revision, node)
        addresses = self.addresses(app)
        given = revealed(variables(app, node, addresses))
        given |= site_variables(app, node, addresses.services)
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

    async def migrate(self, action: Migrate) -> None:
        """Run it, or wait for one that an engine before this one began; once done, it is done."""
        name = f"{action.service}.migrate-{action.revision}"
        found = self.processes.find(name)
        if found is not None and not found.alive and found.exit_code != 0:
            self.processes.forget(name)
            found = None
        if found is None:
            await self.start_beside(action, name, {"kind": "migration"})
        what = f"the migration `{action.command}`"
        mend = "Mend it, then deploy again; what was served before is still served."
        kind = self.preparation.app(action.revision).programs[action.service].node_kind
        problem = Problem(f"{kind}.{action.service}.before", what, mend)
        await self.ends_well(name, MIGRATION_SECONDS, problem)

    async def test(self, action: Verify) -> None:
        """Run it against that replica's own address; run anew each time that it is asked for."""
        name = f"{action.service}.test-{action.revision}"
        found = self.processes.find(name)
        if found is not None and not found.alive:
            self.processes.forget(name)
            found = None
        if found is None:
            replica = self.processes.find(action.replica)
            if replica is None or not replica.alive:
                what = f"{action.replica} ended before it was tested"
                mend = f"See what it said: fairway logs {action.service}"
                raise Problems([Problem(f"service.{action.service}", what, mend)], exit_code=1)
            url = f"http://{HOST}:{replica.labels['port']}"
            await self.start_beside(action, name, {"kind": "test"}, more={contract.TEST_URL: url})
        what = f"the test `{action.command}`"
        mend = "Mend it, then deploy again; the revision before still serves."
        problem = Problem(f"service.{action.service}.test", what, mend)
        await self.ends_well(name, TEST_SECONDS, problem)
        self.processes.forget(name)

    async def start_beside(
        self,
        action: Migrate | Verify,
        name: str,
        labels: Mapping[str, str],
        *,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Start a release's command, which stands back from those who serve while it starts.

        No longer: a migration may hold locks for which they wait.
        """
        service = self.preparation.app(action.revision).programs[action.service]
        await self.start_command(name, service, action.revision, action.command, labels, more=more)
        if not any(each.labels.get("kind") == "replica" for each in self.processes.all()):
            return
        self.processes.set_priority(name, starting=True)
        asyncio.get_running_loop().call_later(
            STAND_BACK_SECONDS, lambda: self.processes.set_priority(name, starting=False)
        )

    async def ends_well(self, name: str, seconds: float, problem: Problem) -> None:
        """Wait for its end; raise `problem` with how it ended and its last lines where it failed.

        One that takes longer than `seconds` is ended.
        """
        code = await self.processes.wait(name, seconds)
        if code == 0:
            return
        ended = f"ended with exit code {code}"
        if code is None:
            self.processes.signal(name, 9)
            await self.processes.wait(name, GRACE_SECONDS)
            ended = f"did not end within {seconds:g} s"
        said = indented(self.output(name, 20))
        raise Problems([replace(problem, what=f"{problem.what} {ended}{said}")], exit_code=1)

    def output(self, process: str, lines: int) -> tuple[str, ...]:
        """The last lines of a process's log, and what they may mean."""
        from fairway.targets.local.dotenv_advice import with_advice
        from fairway.targets.local.extension_advice import with_extension_advice

        said = last_lines(self.layout.log(process), lines)
        return with_extension_advice(with_advice(said, self.preparation.dotenv_names()))

    async def start_run(self, action: RunStart) -> None:
        app = self.preparation.app(action.revision)
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
        *,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Start a command that runs to its end; how it ended is kept. `more` variables are its."""
        app = self.preparation.app(revision)
        place = await asyncio.to_thread(self.preparation.place, revision, node)
        environment = {**self.environment(app, node, revision, name, None), **(more or {})}
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
        app = self.preparation.app(revision)
        found = app.programs.get(node) or app.jobs.get(node)
        if found is None:
            known = ", ".join((*app.programs, *app.jobs))
            what = f"there is no service, worker or job `{node}`"
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
        await self.processes.wait(action.run, GRACE_SECONDS)
        self.processes.signal(action.run, 9)
        await self.processes.wait(action.run, GRACE_SECONDS)


def exit_code(process: Running) -> int | None:
    """None while it lives; a run of which nobody saw the end was killed."""
    if process.alive:
        return None
    return KILLED if process.exit_code is None else process.exit_code
