"""Which images an app is made of: one for all nodes that need the same, another where they differ.

One image runs every service, job and migration of what it holds; the command comes from whoever
starts it. That an app is one revision (docs/adr/0004) is then one image too. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fairway.core.build.declared import RUNTIME, Declared, declared
from fairway.core.build.locks import locked
from fairway.core.build.package import Locked
from fairway.core.build.page import NODE_TOOLS, Page, page_for
from fairway.core.build.python import DEFAULT, KNOWN, python_for
from fairway.core.build.system_packages import System, system_for
from fairway.core.detect.sources import Sources, join
from fairway.core.problem import Problem
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.variables import build_variables

__all__ = ["Build", "Image", "images"]


@dataclass(frozen=True, slots=True)
class Build:
    """A command in Python that runs after the installation; `variables` are those it finds."""

    command: str
    folder: str
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image. `name` is empty for the only one, else that of its first node.

    `nodes` are the services, workers and jobs that it runs, `main` what it starts by itself.
    `runtime`: the runtime is laid beside the app's packages. `function`: one of its services runs
    as a function somewhere. `problems` say what the image will lack.
    """

    name: str
    nodes: tuple[str, ...]
    main: Service | None
    ports: tuple[int, ...]
    declared: Declared
    locked: Locked
    python: str
    system: System
    pages: tuple[Page, ...] = ()
    builds: tuple[Build, ...] = ()
    runtime: bool = False
    function: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def dockerfile(self) -> str:
        """The file's name: `Dockerfile`, or `api.Dockerfile` where there are several."""
        return f"{self.name}.Dockerfile" if self.name else "Dockerfile"


def images(app: App, sources: Sources, default_port: int) -> tuple[Image, ...]:
    """Every image, in the order of their first nodes: services, workers, jobs."""
    groups: dict[tuple[str, str | None, str], list[Service | Job]] = {}
    found: dict[tuple[str, str | None, str], Declared] = {}
    for node in (*_public_first(app), *app.jobs.values()):
        one = declared(sources, node.folder)
        key = (one.kind, one.member, one.folder)
        groups.setdefault(key, []).append(node)
        found[key] = one
    several = len(groups) > 1
    return tuple(
        _image(
            app,
            nodes,
            found[key],
            sources,
            port=default_port,
            name=nodes[0].name if several else "",
        )
        for key, nodes in groups.items()
    )


def _public_first(app: App) -> list[Service]:
    """Services, those that people reach before others; then workers."""
    programs = app.programs.values()
    return sorted(programs, key=lambda one: (not one.answers, not one.public, one.name))


def _image(
    app: App,
    nodes: Sequence[Service | Job],
    found: Declared,
    sources: Sources,
    *,
    port: int,
    name: str,
) -> Image:
    services = [node for node in nodes if isinstance(node, Service)]
    problems = [*found.problems]
    python = python_for(found.python)
    if python is None:
        what = f"it asks for Python {found.python}; the image has {DEFAULT}"
        problems.append(Problem(found.folder or ".", what, f"Allow one of {', '.join(KNOWN)}."))
    if found.kind == "pyproject":
        what = "it names packages without their versions: two builds may differ"
        problems.append(Problem(found.files[0], what, "Run `uv lock`."))
    pages, builds, more = _built(app, services, sources)
    listed = locked(sources, found, python or DEFAULT)
    own = any(service.command is None for service in services)
    return Image(
        name=name,
        nodes=tuple(node.name for node in nodes),
        main=services[0] if services else None,
        ports=tuple(sorted({service.port or port for service in services if service.answers})),
        declared=found,
        locked=listed,
        python=python or DEFAULT,
        system=_system(found, listed, sources, imports=bool(builds)),
        pages=pages,
        builds=builds,
        runtime=own and (RUNTIME not in found.names or RUNTIME in found.left_out),
        function=any(service.kind == "function" for service in services),
        problems=(*problems, *more, *_foreign(services)),
    )


def _built(
    app: App, services: Sequence[Service], sources: Sources
) -> tuple[tuple[Page, ...], tuple[Build, ...], list[Problem]]:
    """What the services build."""
    pages: list[Page] = []
    builds: list[Build] = []
    problems: list[Problem] = []
    for service in services:
        if service.build is None:
            continue
        at = f"{service.node_kind}.{service.name}.build"
        page = page_for(sources, service.build, service.folder, at)
        variables = tuple(build_variables(app, service).items())
        match page:
            case Page():
                pages.append(replace(page, variables=variables))
                if not page.is_locked:
                    what = f"{page.files[0]} has no lock beside it: two builds may differ"
                    problems.append(Problem(at, what, "Run `npm install`, and keep its lock."))
            case Problem():
                problems.append(page)
            case None:
                builds.append(Build(service.build, join(service.folder), variables))
    return tuple(dict.fromkeys(pages)), tuple(dict.fromkeys(builds)), problems


def _system(found: Declared, listed: Locked, sources: Sources, *, imports: bool) -> System:
    names = {package.name for package in listed.packages}
    # A lock of uv names what development needs too, which no image gets.
    names |= found.names if found.kind != "uv" else set()
    texts = [sources.texts.get(file, "") for file in found.files]
    return system_for(
        names,
        compiles=any(not package.has_wheel for package in listed.packages),
        clones=any("git+" in text or "git = " in text for text in texts),
        imports=imports,
    )


def _foreign(services: Sequence[Service]) -> list[Problem]:
    """Programs that are not Python's: no image holds Node.js at run time."""
    return [
        Problem(
            f"{service.node_kind}.{service.name}.command",
            f"the image has Python, and no {service.command.split()[0]}",
            "Write a Dockerfile of your own for it, and give its image.",
        )
        for service in services
        if service.command is not None and service.command.split()[0] in NODE_TOOLS
    ]
