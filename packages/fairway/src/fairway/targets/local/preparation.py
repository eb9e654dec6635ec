"""Revisions made ready to run: snapshot, build, environment, runtime. Blocking; call in a thread.

Place in the flow: the driver's `revise`, `app` and `Prepare`. What a revision is run with (its
file, its environment name, its `.env`) is part of its id, so a rollback restores all of it.
"""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fairway import __version__
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.parse import FILE, parse
from fairway.core.spec.variables import build_variables
from fairway.programs.building import Build
from fairway.targets.local import environments, invocation, private, revisions, strays
from fairway.targets.local.bytecode import compile_ahead
from fairway.targets.local.code_paths import code_paths
from fairway.targets.local.dotenv import read_dotenv
from fairway.targets.local.environments import Environment
from fairway.targets.local.layout import Layout
from fairway.targets.local.revisions import Revision
from fairway.targets.local.runtime_overlay import Overlay, ensure_overlay
from fairway.targets.local.sites import with_sites
from fairway.targets.local.uv_command import Uv

__all__ = ["Place", "Preparation"]

UNSAID = ("+ ", "- ", "~ ", "Audited ", "Built ", "Downloaded ", "Resolved ", "Using CPython ")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service or job of a revision runs."""

    directory: Path
    environment: Environment
    overlay: Overlay
    code: tuple[str, ...]


@dataclass(slots=True)
class Preparation:
    """The revisions of one project. `assumed` is the file's text where the folder has none."""

    layout: Layout
    environment_name: str
    assumed: str | None
    caller: Mapping[str, str]
    say: Callable[[str, str], None]
    apps: dict[str, App] = field(default_factory=dict[str, App])
    places: dict[tuple[str, str], Place] = field(default_factory=dict[tuple[str, str], Place])
    stop: threading.Event = field(default_factory=threading.Event)
    is_ending: bool = False

    # -- What ends it early --------------------------------------------------------------------

    def end(self) -> None:
        """End what is installed or built, for good."""
        self.is_ending = True
        self.stop.set()

    def go_on(self) -> None:
        """After a build was stopped, other work may begin."""
        if not self.is_ending:
            self.stop.clear()

    # -- Revisions ---------------------------------------------------------------------------

    def revise(self, *, in_use: bool) -> str:
        """The revision of the folder as it is now, built where the file says so.

        `in_use`: something runs from the folder's `.venv`, so a build must not change it.
        """
        text = self.text()
        app = self.parsed(text)
        revision = self.snapshot(text)
        if self.needs_build(app, revision):
            self.build(app, in_use=in_use)
            revision = self.snapshot(text)
            self.mark_built(revision)
        for sentence in revision.skipped:
            self.say("revision", sentence)
        return revision.id

    def parsed(self, text: str) -> App:
        """The app of a file as it runs here."""
        return with_sites(parse(text).app(self.environment_name))

    def glance(self) -> str:
        """The revision that the folder would be; nothing is built for who only looks."""
        return self.snapshot(self.text()).id

    def text(self) -> str:
        """The file as it is now."""
        path = self.layout.project / FILE
        if path.exists():
            return path.read_text(encoding="utf-8")
        if self.assumed is None:
            raise Problems([Problem(str(path), "it is gone", "Write it with `fairway init`.")])
        return self.assumed

    def snapshot(self, text: str) -> Revision:
        given = {
            "environment": self.environment_name,
            "dotenv": self.dotenv_text(),
            "assumed": self.assumed or "",
            "fairway": __version__,
        }
        configuration = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        made = revisions.snapshot(
            self.layout.project,
            self.layout.revisions,
            now=time.time(),
            configuration=configuration,
        )
        if self.assumed is not None and not (made.source / FILE).exists():
            path = self.layout.assumed / f"{made.id}.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            private.write(path, text, mode=0o644)
        return made

    def app(self, revision: str) -> App:
        """The app as the revision's own file says it."""
        if revision not in self.apps:
            path = self.source(revision) / FILE
            if not path.exists():
                path = self.layout.assumed / f"{revision}.toml"
            try:
                text = path.read_text(encoding="utf-8")
            except FileNotFoundError:
                raise Problems([lost(revision)], exit_code=1) from None
            self.apps[revision] = self.parsed(text)
        return self.apps[revision]

    def source(self, revision: str) -> Path:
        """The revision's code."""
        found = revisions.find_revision(self.layout.revisions, revision)
        if found is None:
            raise Problems([lost(revision)], exit_code=1)
        return found.source

    def changed_files(self, before: str, after: str) -> tuple[str, ...]:
        """The paths that differ between two revisions, sorted; none where one is gone."""
        old, new = self.digests(before), self.digests(after)
        return tuple(sorted(path for path in {*old, *new} if old.get(path) != new.get(path)))

    def digests(self, revision: str) -> Mapping[str, str]:
        """Path -> digest of a revision's files."""
        found = revisions.find_revision(self.layout.revisions, revision)
        return {} if found is None else revisions.digests(found)

    def prune(self, keep: frozenset[str]) -> None:
        """Drop the revisions that nobody needs."""
        self.apps = {name: app for name, app in self.apps.items() if name in keep}
        for each in revisions.list_revisions(self.layout.revisions):
            if each.id not in keep:
                revisions.remove(self.layout.revisions, each.id)
                (self.layout.assumed / f"{each.id}.toml").unlink(missing_ok=True)

    # -- Builds ------------------------------------------------------------------------------

    def needs_build(self, app: App, revision: Revision) -> bool:
        """Whether something is built from these sources and has not been."""
        builds = any(program.build for program in app.programs.values())
        return builds and not (self.layout.state / "built" / revision.id).exists()

    def mark_built(self, revision: Revision) -> None:
        path = self.layout.state / "built" / revision.id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def build(self, app: App, *, in_use: bool) -> None:
        """Run the builds in the project's folder, with what the app needs installed."""
        for name, service in app.programs.items():
            if service.build is None:
                continue
            at = f"{service.node_kind}.{name}.build"
            python = self.installed(self.layout.project, service, in_use=in_use)
            self.say(name, f"builds: {service.build}")
            folder = self.layout.project / service.folder
            environment = invocation.app_environment(
                self.caller,
                build_variables(app, service),
                environment=str(python.folder),
                code=(),
            )
            argv = invocation.job_argv(service.build, environment, where=at, find=find)
            build = Build(
                where=at,
                argv=argv,
                folder=folder,
                variables={**environment, **strays.marks(self.layout.run, f"{name}/build")},
                tell=partial(self.say, name),
                stop=self.stop,
                beside=in_use,
            )
            done = build.run()
            if done.code:
                from fairway.core.build.failure import build_failure

                failure = build_failure(
                    at,
                    service.build,
                    code=done.code,
                    lines=done.lines,
                    mend=f"Run it in {folder} and mend what it says.",
                )
                raise Problems([failure], exit_code=1)

    # -- Environments ------------------------------------------------------------------------

    def prepare(self, revision: str, *, in_use: bool) -> None:
        """Have the Python environment of all that the revision runs, and bytecode."""
        app = self.app(revision)
        for node in (*app.programs.values(), *app.jobs.values()):
            environment = self.place(revision, node, in_use=in_use).environment
            compile_ahead(
                environment.python,
                environment.python_version,
                self.source(revision),
                stop=self.stop,
                beside=in_use,
            )

    def place(self, revision: str, node: Service | Job, *, in_use: bool = True) -> Place:
        """Where `node` runs; its environment is installed if it is missing."""
        key = (revision, node.folder)
        if key not in self.places:
            source = self.source(revision)
            environment = self.installed(source, node, in_use=in_use)
            for note in environment.notes:
                self.say(node.name, note)
            overlay = ensure_overlay(
                environment.python,
                environment.python_version,
                state=self.layout.state,
                uv=self.uv(node, beside=in_use),
            )
            code = code_paths(
                source, node.folder, home=self.layout.project, packages=environment.packages
            )
            self.places[key] = Place(source / node.folder, environment, overlay, code)
        return self.places[key]

    def installed(self, source: Path, node: Service | Job, *, in_use: bool) -> Environment:
        """The Python environment for what `source` holds."""
        return environments.ensure(
            source,
            node.folder,
            home=self.layout.project,
            state=self.layout.state,
            in_use=in_use,
            uv=self.uv(node, beside=in_use),
        )

    def uv(self, node: Service | Job, *, beside: bool) -> Uv:
        return Uv(
            self.caller,
            report=lambda line: self.say_uv(node.name, line),
            stop=self.stop,
            beside=beside,
        )

    def say_uv(self, node: str, line: str) -> None:
        """What uv does that takes time, without the list of packages."""
        if not line.startswith(UNSAID):
            self.say(node, line)

    # -- Values ------------------------------------------------------------------------------

    def dotenv_text(self) -> str:
        path = self.layout.project / ".env"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def dotenv_names(self) -> frozenset[str]:
        """The names in the project's `.env`; none where it cannot be read."""
        with suppress(Problems):
            return frozenset(self.dotenv())
        return frozenset()

    def dotenv(self) -> Mapping[str, str]:
        """The project's `.env`."""
        return read_dotenv(self.dotenv_text())


def lost(revision: str) -> Problem:
    return Problem(
        where=f"revision {revision}",
        what="its copy under .fairway/revisions is gone",
        mend="Deploy what the folder holds: `fairway deploy`.",
    )


def find(program: str, path: str) -> str | None:
    """The program on PATH."""
    return shutil.which(program, path=path)


def caller_environment() -> dict[str, str]:
    """The variables of whoever started the engine."""
    return dict(os.environ)
