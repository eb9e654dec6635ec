"""`fairway up`."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairway.cli import local, project, talk, view
from fairway.cli.project import Project
from fairway.core.problem import Problem, Problems
from fairway.core.status import EventLine, Status
from fairway.engine.client import Absent
from fairway.targets.local import disk
from fairway.targets.local.gaps import gaps

if TYPE_CHECKING:
    from fairway.engine.engine import Engine

__all__ = ["command"]

START_SECONDS = 600.0
STOP_SECONDS = 60.0


@click.command("up")
@click.argument("where", required=False, type=click.Path(path_type=Path))
@project.folder_option
@project.environment_option
@click.option("--detach", is_flag=True, help="Come back when it is up; it runs on.")
@click.option("--json", "as_json", is_flag=True, help="Print the address and ports as JSON.")
def command(
    where: Path | None, folder: Path | None, environment: str, *, detach: bool, as_json: bool
) -> None:
    """Run the app in its production shape on this machine, from WHERE or here."""
    found = project.find(where or folder, assume=True)
    spec, app = local.specified(found, environment)
    if found.assumed:
        view.say(found.assumed)
    view.notes("note", [str(note) for note in spec.noted[environment]])
    view.notes("gap", [str(gap) for gap in gaps(app, os.cpu_count() or 1)])
    if detach:
        up_detached(found, environment, as_json=as_json)
        return
    if sys.stdout.isatty() and not as_json:
        from fairway.cli import live

        asyncio.run(live.run(found, environment))
        return
    run_plainly(found, environment, as_json=as_json)


def run_plainly(found: Project, environment: str, *, as_json: bool) -> None:
    """Without a terminal: events as lines."""
    engines: list[Engine] = []
    told: list[bool] = []

    def tell(event: EventLine) -> None:
        view.event(event)
        if engines and engines[0].phase == "up" and not told:
            told.append(True)
            announce(engines[0].status(), as_json=as_json)

    asyncio.run(local.run_engine(found, environment, began=engines.append, told=tell))


def announce(status: Status, *, as_json: bool) -> None:
    """The address, once it answers."""
    if as_json:
        view.data(addresses(status))
    else:
        tell_address(status)


def tell_address(status: Status) -> None:
    """Where people begin, if anything of the app answers."""
    if status.url:
        view.text(status.url)


def addresses(status: Status) -> dict[str, object]:
    """What `--json` prints: URL, engine and every address."""
    return {
        "app": status.app,
        "environment": status.environment,
        "engine_pid": status.engine_pid,
        "revision": status.revision,
        "url": status.url,
        "services": {
            line.name: {"url": line.url, "ports": [each.port for each in line.replicas]}
            for line in status.services
        },
        "workers": [line.name for line in status.workers],
        "nodes": {line.name: line.address for line in status.nodes if line.address},
    }


def up_detached(found: Project, environment: str, *, as_json: bool) -> None:
    """Start an engine of its own and wait until it is up."""
    with local.locked(found, purpose="up"):
        pass  # raises where an engine runs
    log = found.state / "logs" / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = log.stat().st_size if log.exists() else 0
    arguments = ["engine", "--project", str(found.folder), "--environment", environment]
    with log.open("ab") as output:
        engine = subprocess.Popen(
            [sys.executable, "-m", "fairway.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    status = wait_until_up(found, engine, log, begin)
    if as_json:
        view.data(addresses(status))
    else:
        tell_address(status)
        view.say("it runs on; see it with `fairway status`, end it with `fairway down`")


def wait_until_up(found: Project, engine: subprocess.Popen[bytes], log: Path, begin: int) -> Status:
    """Wait, telling what happens; raises with the engine's own words if it ends."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            result = talk.ask(found, {"verb": "wait"})
        except Absent:
            if engine.poll() is None:
                time.sleep(0.02)
                continue
            raise ended(found, log, begin) from None
        except Problems as problems:
            # It says why at once, and then stops what it had begun.
            with suppress(subprocess.TimeoutExpired):
                engine.wait(STOP_SECONDS)
            if isinstance(problems, talk.Unanswered):
                raise ended(found, log, begin) from None
            raise
        return local.status_from(result)
    raise Problems(
        [
            Problem(
                where="fairway up",
                what=f"not up after {START_SECONDS:g} s",
                mend="See `fairway status` and `fairway logs`.",
            )
        ],
        exit_code=1,
    )


def ended(found: Project, log: Path, begin: int) -> Problems:
    """What to raise when the engine has ended: its own words, and why it may have none."""
    with log.open("rb") as file:
        file.seek(begin)
        view.say(file.read().decode(errors="replace").rstrip())
    problems = [Problem("", "the app did not come up", f"See {log}.")]
    if disk.is_full(found.state):
        problems.append(disk.full("fairway up", found.state))
    return Problems(problems, exit_code=1)
