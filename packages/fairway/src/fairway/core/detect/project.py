"""`detect`: a project's sources to findings.

The way in to `core/detect`: parse the trees (`syntax`), lay out the modules (`layout`), find apps
and scripts (`python_apps`, `streamlit_scripts`, `django`), weigh them by what other files say
(`hints`, `candidates`), choose (`choose`), and gather what each service needs (`services`).
Never raises, whatever the texts hold; what cannot be read is a note.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from fairway.core.detect.candidates import Candidate, find_candidates
from fairway.core.detect.choose import choose
from fairway.core.detect.compose import ComposeService
from fairway.core.detect.dependencies import read_dependencies
from fairway.core.detect.django import find_django
from fairway.core.detect.environment import read_variables
from fairway.core.detect.findings import (
    Findings,
    FoundJob,
    FoundNode,
    FoundService,
    FoundSite,
    FoundWorker,
    Note,
)
from fairway.core.detect.frontend import (
    FrontEnd,
    find_front_ends,
    find_plain_sites,
    serving_call,
)
from fairway.core.detect.hints import read_hints
from fairway.core.detect.jobs import find_jobs
from fairway.core.detect.label import as_label
from fairway.core.detect.layout import lay_out
from fairway.core.detect.other_servers import find_other_server
from fairway.core.detect.own_words import own_words, untold_words
from fairway.core.detect.python_apps import find_apps
from fairway.core.detect.services import STORES, Project, ServiceUse, build_services
from fairway.core.detect.sources import Finding, Skipped, Sources, line_of, name_of
from fairway.core.detect.streamlit_scripts import find_scripts
from fairway.core.detect.syntax import parse_trees
from fairway.core.detect.tables import as_text, at, read_toml
from fairway.core.detect.workers import find_lone_worker, find_workers, step_notes, worker_notes

__all__ = ["detect"]

NO_ANSWERS: Mapping[str, str] = {}
PLAIN_NAMES = frozenset({"app", "api", "backend", "server", "src", "web", "project", "my-project"})


def detect(sources: Sources, answers: Mapping[str, str] = NO_ANSWERS) -> Findings:
    """What a project is, as far as its text tells.

    `answers` holds the chosen option's value by question key (`Findings.questions`), so that a
    second call with answers asks nothing twice.
    """
    trees, unreadable = parse_trees(sources)
    layout = lay_out(trees, sources.paths)
    hints = read_hints(sources, trees)
    django = find_django(trees, layout)
    scripts = find_scripts(trees, layout)
    candidates = find_candidates(find_apps(trees, layout), scripts, django, layout, hints.started)
    choice = choose(candidates, answers)
    front_ends = find_front_ends(sources)
    served = {one: serving_call(one, trees, sources) for one in front_ends}
    own = tuple(one for one in front_ends if served[one] is None and not one.notes)
    sites = _sites(own, find_plain_sites(sources, front_ends, trees))
    chosen = choice.services
    if len(chosen) == 1:
        named = [one.name for one in hints.copilot if one.name in chosen[0][1].services]
        page = ["api"] if sites else []  # the page is what people call the web
        chosen = ((next(iter((*named, *page)), chosen[0][0]), chosen[0][1]),)
    project = Project(sources, trees, layout, hints, read_variables(trees), django)
    made = build_services(project, chosen)
    lone: ServiceUse | None = None
    if not made and not choice.questions:
        lone = find_lone_worker(project)
        made = () if lone else find_other_server(project)
    services = _with_builds(made, tuple(one for one in front_ends if served[one] is not None))
    servers = tuple(one.name for one in services if one.kind != "script")
    sites = tuple(replace(site, calls=servers) for site in _sites_apart(sites, services))
    notes = tuple(note for one in front_ends for note in one.notes)
    folder = services[0].folder if services else ""
    jobs = find_jobs(sources, trees, layout, hints, folder)
    workers = find_workers(project, services or ((lone.service,) if lone else ()))
    taken = {*STORES, *(one.name for one in services), *(one.name for one in sites)}
    workers = tuple(_named_apart(workers, taken, "worker"))
    jobs = replace(jobs, jobs=tuple(_named_apart(jobs.jobs, taken, "job")))
    nodes = _nodes(made or ((lone,) if lone else ()))
    return Findings(
        name=_name(sources, services),
        services=services,
        sites=sites,
        nodes=nodes,
        jobs=tuple(replace(job, uses=_uses(services)) for job in jobs.jobs),
        workers=workers,
        words=own_words(project.reads),
        questions=choice.questions,
        notes=tuple(
            dict.fromkeys(
                (
                    *(note for one in (*made, *([lone] if lone else [])) for note in one.notes),
                    *notes,
                    *untold_words(project.reads),
                    *jobs.notes,
                    *worker_notes(workers),
                    *step_notes(project, services),
                    *_other_images(hints.compose, choice.services, services, workers),
                    *([] if lone else _nothing(sources, services, sites, candidates)),
                    *_skipped((*unreadable, *sources.skipped)),
                )
            )
        ),
    )


Named = TypeVar("Named", FoundJob, FoundWorker)


def _named_apart(found: Iterable[Named], taken: set[str], noun: str) -> Iterator[Named]:
    """Each under a name of its own, added to `taken`: names are unique over all kinds."""
    for one in found:
        name = one.name
        forms = (f"{one.name[:32]}-{each}" for each in (noun, *range(2, 1000)))
        while name in taken:
            name = next(forms)
        taken.add(name)
        yield replace(one, name=name)


def _uses(services: tuple[FoundService, ...]) -> tuple[str, ...]:
    return services[0].uses if services else ()


def _nodes(made: tuple[ServiceUse, ...]) -> tuple[FoundNode, ...]:
    """Each node once, though several services use it; stores before secrets."""
    found: dict[str, FoundNode] = {}
    for one in made:
        for node in one.nodes:
            found[node.name] = _of_both(found.get(node.name, node), node)
    order = ("database", "cache", "bucket", "secret")
    return tuple(sorted(found.values(), key=lambda node: (order.index(node.kind), node.name)))


def _of_both(one: FoundNode, other: FoundNode) -> FoundNode:
    """What serves both: PostgreSQL rather than a SQLite file, a cache that is on everywhere."""
    if one.kind == "database":
        return one if not one.keys or other.keys else other
    return one if one.keys or not other.keys else other


def _sites(own: tuple[FrontEnd, ...], plain: tuple[Finding[str], ...]) -> tuple[FoundSite, ...]:
    """Front ends that stand on their own; a plain `index.html` counts if nothing is built."""
    if not own:
        return tuple(
            FoundSite(name="page", root=replace(root, value=root.value or ".")) for root in plain
        )
    return tuple(
        FoundSite(
            name="web" if one is own[0] else as_label(name_of(one.folder), "page"),
            root=Finding(one.out, one.finding.where, one.tool),
            build=Finding(one.build, one.finding.where, one.finding.why),
        )
        for one in own
    )


def _sites_apart(
    sites: tuple[FoundSite, ...], services: tuple[FoundService, ...]
) -> Iterator[FoundSite]:
    """Sites under names that no service has."""
    taken = {*STORES, *(one.name for one in services)}
    for site in sites:
        name = site.name
        while name in taken:
            name = "page" if "page" not in taken else f"{name}-site"
        taken.add(name)
        yield replace(site, name=name)


def _with_builds(
    made: tuple[ServiceUse, ...], served: tuple[FrontEnd, ...]
) -> tuple[FoundService, ...]:
    """The services; the first server builds the front end that it serves."""
    services = [one.service for one in made]
    server = next((i for i, one in enumerate(services) if one.kind != "script"), None)
    if server is None or not served:
        return tuple(services)
    one, folder = served[0], services[server].folder
    build = one.build
    if folder and one.folder:
        build = build.replace(f" {one.folder} ", f" {_up(folder, one.folder)} ")
    found = Finding(build, one.finding.where, one.finding.why)
    services[server] = replace(services[server], build=found)
    return tuple(services)


def _up(start: str, folder: str) -> str:
    """The way from one folder to another: `backend` to `frontend` is `../frontend`."""
    here, there = start.split("/"), folder.split("/")
    while here and there and here[0] == there[0]:
        here, there = here[1:], there[1:]
    return "/".join([".."] * len(here) + there) or "."


def _name(sources: Sources, services: tuple[FoundService, ...]) -> Finding[str]:
    """The app's name: what the project calls itself, else its folder's name."""
    folder = services[0].dependencies.folder if services else ""
    for place in dict.fromkeys(("", folder)):
        path = f"{place}/pyproject.toml".lstrip("/")
        table = read_toml(sources.texts.get(path, ""))
        name = as_text(at(table, "project", "name")) or as_text(at(table, "tool", "poetry", "name"))
        if name and as_label(name, "") not in {"", *PLAIN_NAMES}:
            number = line_of(sources.texts[path], r"^\s*name\s*=")
            return Finding(as_label(name), f"{path}:{number}", f'name = "{name}"')
    return Finding(as_label(sources.folder), "", "")


def _nothing(
    sources: Sources,
    services: tuple[FoundService, ...],
    sites: tuple[FoundSite, ...],
    candidates: tuple[Candidate, ...],
) -> Iterator[Note]:
    """What to say where nothing was found that answers requests."""
    if services or candidates:
        return
    mend = (
        'Write how it runs: [service.web] with asgi = "module:object", wsgi = "module:object", '
        'script = "app.py" (Streamlit) or command = "…" (listens on $PORT), and public = true.'
    )
    if sites:
        return
    books = sorted(path for path in sources.paths if path.endswith(".ipynb"))
    if books:
        what = f"There are notebooks ({len(books)}), but no app that answers requests."
        yield Note("untold", books[0], what, mend)
    elif not read_dependencies(sources, "").file and not any(
        path.endswith(".py") for path in sources.paths
    ):
        yield Note("untold", "", "This folder holds no Python project.", mend)
    else:
        yield Note("untold", "", "No app that answers requests was found in the code.", mend)


def _other_images(
    compose: tuple[ComposeService, ...],
    chosen: tuple[tuple[str, Candidate], ...],
    services: tuple[FoundService, ...],
    workers: tuple[FoundWorker, ...],
) -> Iterator[Note]:
    """Services of a compose file that are built here, and that nothing above speaks of."""
    known = {name for _, one in chosen for name in one.services}
    folders = {one.folder for one in (*services, *workers)} | {one.project for _, one in chosen}
    for one in compose:
        if one.builds and one.name not in known and one.context not in folders:
            what = f"The compose service {one.name} is no Python app that is known here."
            mend = f'If it listens on $PORT: [service.{as_label(one.name)}] command = "…".'
            yield Note("untold", one.where, what, mend)


def _skipped(skipped: tuple[Skipped, ...]) -> Iterator[Note]:
    for one in sorted(skipped, key=lambda one: one.path):
        yield Note("skipped", one.path, one.why)
