"""A small app in a folder of its own, and the real `fairway` command, run on it as a user would.

`Project` runs verbs, asks the app through its balancer, waits for what must come true until a
deadline, and sees to it that nothing of it is left running: every process that it started, and
whatever these started, carries a mark in its environment.
"""

import asyncio
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fairway.engine import client
from fairway.engine.journal import Journal
from fairway.targets.local.ports import free_port

__all__ = ["APP", "Answer", "Project", "Said"]

T = TypeVar("T")
APP = Path(__file__).parent / "app"
MARK = "FAIRWAY_ACCEPTANCE"
LOOK_SECONDS = 0.03
VERB_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """How a verb ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which is JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the app: status 0 where there was none."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        """Its body, which is JSON."""
        return json.loads(self.body)


class Project:
    """One project. `end` stops it, and raises where something of it goes on."""

    def __init__(self, folder: Path, file: str, *, shared: Path | None = None) -> None:
        self.folder = folder
        self.state = folder / ".fairway"
        self.switches = folder.parent / f"{folder.name}-switches"
        self.port = free_port()
        self.mark = f"{os.getpid()}-{folder}"
        ours = ("PYTEST", "VIRTUAL_ENV", "FAIRWAY_")
        outer = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment = {**outer, "NO_COLOR": "1", MARK: self.mark}
        self.children: list[subprocess.Popen[str]] = []
        folder.mkdir(parents=True)
        self.switches.mkdir()
        for each in APP.glob("*.py"):
            (folder / each.name).write_bytes(each.read_bytes())
        (folder / "requirements.txt").write_text("psycopg[binary]\n")
        self.write(file)
        if shared is not None:
            self.state.mkdir()
            (folder / ".venv").symlink_to(shared / ".venv")
            (self.state / "runtime").symlink_to(shared / ".fairway" / "runtime")

    # -- The folder ----------------------------------------------------------------------------

    def write(self, file: str) -> None:
        """Make `fairway.toml` say this; `<port>` and `<switches>` in it are this project's."""
        self.file = file
        text = file.replace("<port>", str(self.port)).replace("<switches>", str(self.switches))
        (self.folder / "fairway.toml").write_text(text)

    def version(self, version: str) -> None:
        """Make the code another version."""
        text = (APP / "main.py").read_text()
        (self.folder / "main.py").write_text(
            text.replace('VERSION = "1"', f'VERSION = "{version}"')
        )

    def switch(self, name: str, text: str = "") -> None:
        """Switch a fault of the app on."""
        (self.switches / name).write_text(text)

    def unswitch(self, name: str) -> None:
        """Switch it off again."""
        (self.switches / name).unlink(missing_ok=True)

    def lines(self, name: str) -> list[str]:
        """What the app wrote down under a name among its switches."""
        path = self.switches / name
        return path.read_text().splitlines() if path.exists() else []

    # -- Verbs ---------------------------------------------------------------------------------

    def start(self, *arguments: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
        """Begin a verb; it is ended with the project if not before."""
        child = subprocess.Popen(
            [sys.executable, "-m", "fairway.cli.main", *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def fairway(self, *arguments: str, seconds: float = VERB_SECONDS) -> Said:
        """Run a verb to its end."""
        return self.ended(self.start(*arguments), seconds)

    def ended(self, child: "subprocess.Popen[str]", seconds: float = VERB_SECONDS) -> Said:
        """How a verb that was begun ended."""
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise AssertionError(
                f"{child.args} did not end within {seconds:g} s\n{out}{err}"
            ) from None
        finally:
            self.children.remove(child)
        return Said(child.returncode, out, err)

    def done(self, *arguments: str, seconds: float = VERB_SECONDS) -> Said:
        """Run a verb that must succeed."""
        said = self.fairway(*arguments, seconds=seconds)
        assert said.code == 0, f"fairway {arguments} ended with {said.code}:\n{said.out}{said.err}"
        return said

    def up(self) -> Any:
        """Bring it up and leave it running."""
        return self.done("up", "--detach", "--json").json

    def down(self, *arguments: str) -> Said:
        """Stop it; everything must be gone then."""
        said = self.done("down", *arguments)
        self.until(lambda: not self.processes(), "nothing of it runs", seconds=2)
        return said

    # -- What is there -------------------------------------------------------------------------

    def status(self) -> Any:
        """What `fairway status --json` says, asked as it asks, without a process for each look."""
        return asyncio.run(self.asked_status())

    async def asked_status(self) -> Any:
        async for said in client.request(self.state / "control.sock", {"verb": "status"}):
            if "result" in said:
                return said["result"]
        raise AssertionError("the engine ended while it was asked")

    def replicas(self, service: str = "web") -> dict[str, Any]:
        """Its replicas by name, as `fairway status` shows them; a worker's too."""
        status = self.status()
        services = {each["name"]: each for each in (*status["services"], *status["workers"])}
        return {each["name"]: each for each in services[service]["replicas"]}

    def ready(self, service: str = "web") -> list[str]:
        """The names of the replicas that are ready."""
        found = self.replicas(service)
        return sorted(name for name, each in found.items() if each["state"] == "ready")

    def job(self, name: str) -> Any:
        """One job, as `fairway status` shows it."""
        return next(each for each in self.status()["jobs"] if each["name"] == name)

    def journal(self) -> list[Any]:
        """The whole lines of the journal."""
        path = self.state / "journal.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def told(self) -> list[str]:
        """What happened, in words, oldest first."""
        return [f"{each['node']} {each['text']}" for each in self.journal() if "text" in each]

    def history(self, job: str) -> list[Any]:
        """The ended runs of a job, from the journal."""
        ledger = Journal(self.state / "journal.jsonl", reads_only=True).ledger
        records = ledger.jobs[job].history if job in ledger.jobs else ()
        return [asdict(each) for each in records if each.run]

    def pid(self, process: str) -> int:
        """The process id of a replica, a run, `postgres`, ..."""
        return int(json.loads((self.state / "run" / f"{process}.json").read_text())["pid"])

    def engine_pid(self) -> int:
        """The process id of the engine that holds the project."""
        return int(json.loads((self.state / "lock").read_text())["pid"])

    def kill(self, process: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one of its processes; its id."""
        pid = self.pid(process)
        os.kill(pid, number)
        return pid

    def until(self, reached: Callable[[], T], what: str, *, seconds: float = 15.0) -> T:
        """Wait for what must come true; what it is then."""
        deadline = time.monotonic() + seconds
        while True:
            found = reached()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {what}; it is {found!r}")
            time.sleep(LOOK_SECONDS)

    # -- Requests ------------------------------------------------------------------------------

    def ask(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        port: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        seconds: float = 10.0,
    ) -> Answer:
        """One request on a connection of its own, through the balancer if no `port` is given."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=seconds)
        try:
            closing = {"connection": "close", **(headers or {})}
            connection.request(method, path, body, closing)
            answer = connection.getresponse()
            said = answer.read().decode()
            found = {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, repr(error), {}, time.monotonic() - began)
        finally:
            connection.close()
        return Answer(answer.status, said, found, time.monotonic() - began)

    # -- The end -------------------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Every living process that is of this project: its id and its command."""
        digest = hashlib.sha256(os.fsencode((self.state / "run").absolute())).hexdigest()[:16]
        marks = (f"FAIRWAY_PROJECT={digest}".encode(), f"{MARK}={self.mark}".encode())
        known = {child.pid for child in self.children}
        found: dict[int, str] = {}
        for process in Path("/proc").glob("[0-9]*"):
            pid = int(process.name)
            with suppress(OSError):
                entries = (process / "environ").read_bytes().split(b"\0")
                if pid not in known and any(mark in entries for mark in marks):
                    words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    if words:  # a zombie has none
                        found[pid] = words.decode(errors="replace").strip()
        return found

    def end(self) -> None:
        """Take it down, kill what is left, and raise if something was."""
        for child in list(self.children):
            child.kill()
            self.ended(child)
        ended = self.fairway("down", "--quick") if self.processes() else None
        deadline = time.monotonic() + 2
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert not left, f"still running after `down` ({ended}): {left}"

    def artefacts(self) -> str:
        """What tells why something went wrong: the journal and the end of every log."""
        parts = [f"folder {self.folder}, port {self.port}", "-- journal"]
        for line in self.journal()[-60:]:
            known = line.get("ledger", {})
            kept = line.get("change") or {
                name: known.get(name) for name in ("deployment", "serving")
            }
            said = line.get("text") or f"ledger {kept}"
            parts.append(f"{line['at']:.3f} {line.get('node', '')} {said}"[:400])
        logs = sorted(self.state.glob("logs/*.log")) + sorted(self.state.glob("data/*/log"))
        for log in logs:
            text = log.read_text(errors="replace").splitlines()
            said = [line[:250] for line in text if '"path":' not in line]  # no requests
            parts += [f"-- {log.relative_to(self.folder)}", *said[-12:]]
        return "\n".join(parts)
