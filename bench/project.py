"""The weather app in a folder of its own, driven as its user drives it: by the `fairway` command.

    with copied() as project:
        seconds = project.up_to_first_200()  # it runs in a terminal
        project.fairway("deploy")
        project.down()

Nothing outside the temporary folder is touched, and what was started is ended by its process id.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.first_answer import wait_for_200
from bench.memory import tree_mib
from fairway.core.status import Status, from_json
from fairway.targets.local.layout import Layout
from fairway.targets.local.ports import free_port
from fairway.targets.local.processes import ProcessTable

__all__ = ["EXAMPLE", "LEFT_OUT", "READ", "Project", "copied", "is_short", "median", "say"]

EXAMPLE = Path(__file__).parent.parent / "examples" / "weather"
LEFT_OUT = shutil.ignore_patterns(".venv", ".fairway", "__pycache__", ".*_cache", "tests", ".env")
# Below Linux's ephemeral ports, so that no connection happens to hold the one that was chosen.
READ = "/api/v1/stations?size=1"
UP_SECONDS = 300.0
DOWN_SECONDS = 60.0
# What a shell of ours may hold, and a user's does not.
OURS = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "DATABASE_URL", "REDIS_URL"}
INSTALLED = {"environments", "runtime"}  # what of `.fairway/` is dependencies, not the app


def is_short() -> bool:
    """Whether this is a rehearsal (`BENCH_SHORT=1`): quick, and too little for some goals."""
    return bool(os.environ.get("BENCH_SHORT"))


def say(text: str) -> None:
    """Talk, with the machine's load: a figure from a busy machine is noise."""
    print(f"[load {os.getloadavg()[0]:.1f}] {text}", file=sys.stderr, flush=True)


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


class Project:
    """One copy of the app, with a public port that it keeps."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.layout = Layout(folder)
        self.environment = {name: text for name, text in os.environ.items() if name not in OURS}
        self._terminal: Terminal | None = None

    # -- Up and down -------------------------------------------------------------------------

    def up_to_first_200(self, path: str = READ) -> float:
        """Seconds from `fairway up` in a terminal to the first 200 through the balancer."""
        began = time.monotonic()
        self._terminal = Terminal(self.argv("up"), self.folder, self.environment)
        return wait_for_200(self.port, path, seconds=UP_SECONDS) - began

    def settle(self, replicas: int = 2, seconds: float = UP_SECONDS) -> Status:
        """Wait until so many replicas are ready and no job is at work or about to be."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.status()
            is_whole = sum(service.ready for service in status.services) >= replicas
            if is_whole and not any(job.state in ("running", "waiting") for job in status.jobs):
                return status
            time.sleep(0.2)
        raise TimeoutError(f"not settled within {seconds:g} s")

    def down(self) -> None:
        """Stop it as Ctrl-C does; data stays."""
        if self._terminal is not None:
            terminal, self._terminal = self._terminal, None
            terminal.end()

    def aside(self) -> Path:
        """A new folder beside the project, which goes with it.

        What is measured next must not pay for what was deleted before it, as nobody's first start
        does: ext4 gives no inode out anew for a minute (measured: `initdb` 0.57 s instead of 0.47).
        """
        made = Path(tempfile.mkdtemp(prefix="aside-", dir=self.folder.parent))
        made.chmod(0o755)  # PostgreSQL may run as another user
        return made

    def forget(self) -> None:
        """Have nothing of it but the installed dependencies: as a fresh clone after set-up."""
        gone = self.aside()
        for each in self.layout.state.iterdir() if self.layout.state.exists() else ():
            if each.name not in INSTALLED:
                each.rename(gone / each.name)

    @property
    def memory_mib(self) -> float:
        """What `fairway up` and everything that it started hold."""
        return 0.0 if self._terminal is None else tree_mib(self._terminal.pid)

    # -- Asking ------------------------------------------------------------------------------

    def argv(self, *words: str) -> list[str]:
        """The `fairway` of this checkout, with `words`."""
        return [str(Path(sys.executable).with_name("fairway")), *words]

    def fairway(self, *words: str) -> str:
        """Run a verb to its end; its stdout. RuntimeError with its own words where it fails."""
        return self.ended(*words).stdout

    def ended(self, *words: str, codes: Collection[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end. RuntimeError where its exit code is none of `codes`."""
        done = subprocess.run(
            self.argv(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=UP_SECONDS,
        )
        if done.returncode not in codes:
            raise RuntimeError(f"fairway {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done

    def status(self) -> Status:
        """What `fairway status --json` says."""
        return from_json(json.loads(self.fairway("status", "--json")))

    def pid(self, process: str) -> int:
        """The process id of a replica or server, by its name."""
        found = ProcessTable(self.layout.run).find(process)
        if found is None or not found.alive:
            raise ProcessLookupError(f"{process} does not run")
        return found.pid

    def exec(self, *words: str) -> str:
        """Run a command as the job `ingest` would run, to its end; its stdout."""
        return self.fairway("exec", "ingest", "--", *words)

    def as_job(self) -> tuple[dict[str, str], Path]:
        """The variables and the folder that the job `ingest` has, in the revision in service."""
        asked = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"
        variables, folder = json.loads(self.exec("python", "-c", asked))
        return variables, Path(folder)


class Terminal:
    """A command in a terminal of its own, whose picture nobody looks at."""

    def __init__(self, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self._said = b""
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _drain(self) -> None:
        with suppress(OSError):  # EIO: nobody is left at the other end
            while said := os.read(self._ours, 65536):
                self._said = (self._said + said)[-65536:]

    def end(self) -> None:
        """Ctrl-C, then wait for the end; RuntimeError where it does not come."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(DOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            tail = self._said[-2000:].decode(errors="replace")
            raise RuntimeError(f"`fairway up` did not end:\n{tail}") from None
        finally:
            self._reader.join(1.0)
            os.close(self._ours)


@contextmanager
def copied(*, with_cache: bool = False, with_sample: bool = False) -> Generator[Project]:
    """A fresh copy of the app, its dependencies installed and their bytecode warm.

    `with_cache` gives it a Redis, which it has not by itself; without `with_sample` it does not
    load sample stations by itself at its first start.
    """
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as made:
        Path(made).chmod(0o755)  # PostgreSQL may run as another user
        folder = Path(made, "weather")
        shutil.copytree(EXAMPLE, folder, ignore=LEFT_OUT)
        project = Project(folder, free_port())
        text = (folder / "fairway.toml").read_text()
        (folder / "fairway.toml").write_text(
            adapted(text, project.port, with_cache=with_cache, with_sample=with_sample)
        )
        try:
            say(f"installing what {folder} needs")
            project.up_to_first_200()
            project.down()
            yield project
        finally:
            project.down()
            reap(project)


def adapted(text: str, port: int, *, with_cache: bool, with_sample: bool) -> str:
    """The file with a port of its own, with or without a cache and the sample."""
    head = "[service.api]\n"
    changes = {head: f"{head}port = {port}\n"}
    if with_cache:
        changes['uses     = ["db", "files"]\nreplicas'] = (
            'uses = ["db", "files", "cache"]\nreplicas'
        )
        changes["[database.db]\n"] = "[cache.cache]\n\n[database.db]\n"
    if not with_sample:
        changes['schedule = "@once"\n'] = ""
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"the example's fairway.toml has changed: there is no {old!r} in it")
        text = text.replace(old, new)
    return text


def reap(project: Project) -> None:
    """End what an engine that broke left behind: by its records, so nobody else's process."""

    async def stop() -> None:
        table = ProcessTable(project.layout.run)
        for each in table.all():
            await table.stop(each.name, grace_seconds=1.0)
        await table.reap_strays()

    if project.layout.run.exists():
        asyncio.run(stop())
