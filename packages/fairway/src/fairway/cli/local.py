"""Wires the engine with the local target: the one place of the CLI that knows both."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway.cli.project import Project
from fairway.cli.talk import SOCKET
from fairway.core.problem import Problems
from fairway.engine.client import absent
from fairway.engine.lock import ProjectLock
from fairway.targets.local import disk

# Verbs that only ask the engine import this module too: what reads the file and what runs an app
# is imported where it is needed, so that `fairway status` starts at once.
if TYPE_CHECKING:
    from fairway.core.spec.model import App
    from fairway.core.spec.parse import Spec
    from fairway.core.status import EventLine, Status
    from fairway.engine.engine import Engine
    from fairway.targets.local.commands import Invocation
    from fairway.targets.local.driver import LocalDriver

__all__ = [
    "ENVIRONMENT",
    "app_of",
    "changed_files",
    "data_sizes",
    "locked",
    "place_of",
    "revision_now",
    "run_engine",
    "specified",
    "status_from",
    "stop_without_engine",
]

ENVIRONMENT = "local"


def specified(project: Project, environment: str) -> "tuple[Spec, App]":
    """The parsed file and its app in one environment; raises `Problems` with all of them."""
    from fairway.core.spec.parse import parse

    spec = parse(project.text)
    return spec, spec.app(environment)


@contextmanager
def locked(project: Project, *, purpose: str) -> Generator[None]:
    """Hold the project; raises `Locked` where an engine does."""
    with ExitStack() as held:
        with disk.wrapped(f"fairway {purpose}", project.state):
            project.state.mkdir(parents=True, exist_ok=True)
            ignore = project.state / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
            held.enter_context(ProjectLock(project.state / "lock", purpose=purpose))
        yield


async def run_engine(
    project: Project,
    environment: str,
    *,
    began: "Callable[[Engine], None]",
    told: "Callable[[EventLine], None]",
) -> None:
    """Run the app until it is stopped by a signal or by `fairway down`."""
    from fairway.cli.progress import Progress
    from fairway.engine import control
    from fairway.engine.clock import SystemClock
    from fairway.engine.engine import Engine
    from fairway.engine.journal import Journal
    from fairway.targets.local.driver import LocalDriver

    clock = SystemClock()
    progress = Progress(asyncio.get_running_loop(), clock.now, told)
    with locked(project, purpose="up"):
        driver = await LocalDriver.connect(
            folder=project.folder,
            environment=environment,
            assumed=project.text if project.assumed else None,
            say=progress.say,
        )
        journal = Journal(project.state / "journal.jsonl")
        engine = Engine(driver, journal, clock=clock, pid=os.getpid())
        engine.gaps = tuple(str(gap) for gap in driver.gaps(specified(project, environment)[1]))
        engine.world.listeners.append(told)
        progress.listeners = engine.world.listeners
        driver.woken = engine.world.wake.set
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, on_signal, engine)
        async with control.listen(engine, project.state / SOCKET):
            began(engine)
            await engine.run()


def on_signal(engine: "Engine") -> None:
    """The first one drains, the second one does not wait."""
    engine.stop(quick=engine.stopping.is_set())


def stop_without_engine(project: Project) -> None:
    """End what an engine that was killed left running."""
    from fairway.targets.local.driver import LocalDriver, silent

    async def stop() -> None:
        with locked(project, purpose="down"):
            driver = await LocalDriver.connect(
                folder=project.folder, environment=ENVIRONMENT, assumed=None, say=silent
            )
            await driver.shut(0.0)

    if project.state.is_dir():
        asyncio.run(stop())


def local_driver(project: Project, environment: str) -> "LocalDriver":
    """A driver that only reads: for verbs beside a running engine."""
    from fairway.targets.local.driver import LocalDriver

    return LocalDriver.beside(
        folder=project.folder,
        environment=environment,
        assumed=project.text if project.assumed else None,
    )


def app_of(project: Project, environment: str, revision: str) -> "App":
    """The app as a revision's own file says it."""
    return local_driver(project, environment).app(revision)


def revision_now(project: Project, environment: str) -> str:
    """The revision that the folder as it is now would be."""
    return local_driver(project, environment).preparation.glance()


def changed_files(project: Project, environment: str, before: str, after: str) -> tuple[str, ...]:
    """The files that differ between two revisions."""
    return local_driver(project, environment).preparation.changed_files(before, after)


def place_of(project: Project, environment: str, node: str, words: Sequence[str]) -> "Invocation":
    """How a command runs beside a service or job, in the revision that is in service."""
    from fairway.engine.journal import Journal

    revision = Journal(project.state / "journal.jsonl", reads_only=True).ledger.stable
    if revision is None:
        raise Problems([absent()], exit_code=1)
    return local_driver(project, environment).commands.invocation(revision, node, words)


def data_sizes(project: Project) -> list[tuple[str, str]]:
    """What `--delete-data` loses: each folder of data with its size."""
    data = project.state / "data"
    if not data.is_dir():
        return []
    return [
        (str(each.relative_to(project.folder)), readable_size(size_of(each)))
        for each in sorted(data.iterdir())
        if each.is_dir()
    ]


def size_of(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def status_from(result: Mapping[str, Any]) -> "Status":
    """The status that an engine answered."""
    from fairway.core.status import from_json

    return from_json(result)


def readable_size(size_bytes: float) -> str:
    """1536 -> `1.5 KiB`."""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GiB"
