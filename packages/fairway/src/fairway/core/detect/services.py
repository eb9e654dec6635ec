"""Chosen candidates as services: folder, target, port, what they use, what runs before them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fairway.core import names
from fairway.core.detect.candidates import ASIDE, Candidate
from fairway.core.detect.compose import ComposeService
from fairway.core.detect.copilot import CopilotManifest
from fairway.core.detect.data import find_database
from fairway.core.detect.dependencies import Dependencies, read_dependencies
from fairway.core.detect.django import DjangoProject
from fairway.core.detect.django_advice import advise
from fairway.core.detect.django_settings import find_settings_module
from fairway.core.detect.environment import VariableRead
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.findings import FoundNode, FoundService, Note
from fairway.core.detect.frameworks import ASGI_APP, WSGI_APP
from fairway.core.detect.hints import Hints
from fairway.core.detect.label import as_label
from fairway.core.detect.layout import Layout
from fairway.core.detect.migrations import find_migrations
from fairway.core.detect.old_versions import too_old
from fairway.core.detect.sayable import is_port
from fairway.core.detect.sources import Finding, Sources, join, parent_of, within
from fairway.core.detect.static_files import collected
from fairway.core.detect.stores import find_bucket, find_cache, find_state
from fairway.core.detect.syntax import Tree
from fairway.core.detect.variables import example_values, find_variables
from fairway.core.spec.mentions import escaped

__all__ = ["STORES", "Project", "ServiceUse", "build_services"]

LOWEST_PORT = 1024  # below it, only the machine's administrator may listen
STORES = frozenset({"db", "cache", "files"})  # what databases, caches and buckets are called
DJANGO_SERVERS = frozenset({"Django", ASGI_APP.name, WSGI_APP.name})  # its app, and what wraps it
FIRST_PORT = 8000  # what Fairway tries first by itself
DATA_PORTS = frozenset({3306, 5432, 6379, 9000, 27017})


@dataclass(frozen=True, slots=True)
class Project:
    """Everything read of a project before its services are made."""

    sources: Sources
    trees: Mapping[str, Tree]
    layout: Layout
    hints: Hints
    reads: tuple[VariableRead, ...]
    django: tuple[DjangoProject, ...]


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """A service, the nodes that it uses, and what must be said of it."""

    service: FoundService
    nodes: tuple[FoundNode, ...]
    notes: tuple[Note, ...]
    reads: frozenset[str] = frozenset()  # the variables that its code reads


def build_services(
    project: Project, chosen: tuple[tuple[str, Candidate], ...]
) -> tuple[ServiceUse, ...]:
    """One service for each chosen candidate."""
    made = [_service(project, name, one, chosen) for name, one in chosen]
    return tuple(_connected(_with_own_ports(made)))


def _service(
    project: Project, name: str, chosen: Candidate, all_chosen: tuple[tuple[str, Candidate], ...]
) -> ServiceUse:
    dependencies = read_dependencies(project.sources, chosen.project)
    folder = _folder(chosen)
    manifest = _manifest(project.hints, chosen, folder)
    candidates = [one for _, one in all_chosen]
    examples = {
        **example_values(project.sources, ""),
        **example_values(project.sources, chosen.project),
    }
    evidence = _evidence(project, chosen, candidates, dependencies, manifest, examples=examples)
    database, cache = find_database(evidence), find_cache(evidence)
    bucket = find_bucket(evidence)
    state = find_state(evidence, is_wired=bool(database.variables) and not database.notes)
    own = {**database.variables, **cache.variables, **bucket.variables}
    use = find_variables(
        evidence,
        examples,
        _service_name(name),
        frozenset(names.service_variable(_service_name(other)) for other, _ in all_chosen)
        | own.keys(),
    )
    target = chosen.target
    migrations = find_migrations(project.sources, evidence, project.hints, folder, target)
    settings = find_settings_module(evidence.django, project.trees, chosen.path, evidence.built)
    variables = {**_stated(manifest), **use.variables, **settings.variables, **own}
    stores = [one.node for one in (database, cache, bucket) if one.node is not None]
    nodes = (*stores, *use.secrets)
    notes = [*database.notes, *cache.notes, *bucket.notes, *migrations.notes, *use.notes]
    notes.extend(settings.notes)
    notes.extend(_candidate_notes(chosen, dependencies, evidence))
    notes.extend(advise(evidence, _service_name(name)))
    for package in ("streamlit", "uvicorn") if chosen.is_page else ("uvicorn",):
        notes.extend(too_old(project.sources, dependencies, package))
    is_file = any(("engine", '"sqlite"') in node.keys for node in stores)
    replicas = manifest.replicas if manifest else None
    if is_file and state is None:
        state = Finding("", database.node.finding.where if database.node else "", "")
    if state is not None:
        replicas = Finding("1", state.where, state.why)
        notes.append(_state_note(state)) if state.value else None
    service = FoundService(
        name=_service_name(name),
        kind=chosen.framework.kind,
        framework=chosen.framework.name,
        target=replace(chosen.finding, value=_relative(target, chosen, folder)),
        factory=chosen.factory,
        folder=folder,
        public=manifest.is_public if manifest else True,
        port=_port(project.hints, chosen, folder, alone=len(all_chosen) == 1),
        uses=tuple(node.name for node in nodes),
        before=migrations.before,
        build=collected(evidence, folder, use),
        replicas=replicas,
        memory_mib=manifest.memory if manifest else None,
        cpu=_processors(manifest),
        variables=dict(sorted(variables.items())),
        told=frozenset(_stated(manifest)),
        dependencies=dependencies,
    )
    return ServiceUse(service, nodes, tuple(notes), frozenset(r.name for r in evidence.reads))


def _service_name(name: str) -> str:
    """A name that no database, cache or bucket has: names are unique over all kinds."""
    label = as_label(name, "web")
    return f"{label[:30]}-service" if label in STORES else label


def _folder(chosen: Candidate) -> str:
    """Where the service's code is: its import root, or the project around a `src`.

    Fairway itself puts a service's folder and its `src` on the import path.
    """
    if chosen.is_page or chosen.root == join(chosen.project, "src"):
        return chosen.project
    return chosen.root


def _relative(target: str, chosen: Candidate, folder: str) -> str:
    """A script's path from the service's folder; a server's target as it is."""
    if not chosen.is_page:
        return target
    return chosen.path[len(folder) + 1 :] if folder else chosen.path


def _manifest(hints: Hints, chosen: Candidate, folder: str) -> CopilotManifest | None:
    for one in hints.copilot:
        if one.is_job:
            continue
        if one.name in chosen.services or one.context in {folder, chosen.project}:
            return one
    return None


def _compose(hints: Hints, chosen: Candidate) -> ComposeService | None:
    named = (one for one in hints.compose if one.name in chosen.services)
    built = (one for one in hints.compose if one.builds and one.context == chosen.project)
    return next(named, None) or next(built, None)


def _image(hints: Hints, chosen: Candidate) -> Mapping[str, Finding[str]]:
    """What the Dockerfile of its image sets."""
    named = (one for one in hints.images if one.service and one.service in chosen.services)
    near = (one for one in hints.images if one.folder == chosen.project)
    found = next(named, None) or next(near, None)
    return found.variables if found else {}


def _evidence(
    project: Project,
    chosen: Candidate,
    all_chosen: list[Candidate],
    dependencies: Dependencies,
    manifest: CopilotManifest | None,
    *,
    examples: Mapping[str, Finding[str]],
) -> Evidence:
    django = next((one for one in project.django if within(chosen.path, one.folder)), None)
    scope = list(_scope(project, chosen, all_chosen, django))
    order = {path: index for index, path in enumerate(scope)}
    reads = [one for one in project.reads if one.path in order]
    reads.sort(key=lambda one: order[one.path])
    compose = _compose(project.hints, chosen)
    image = _image(project.hints, chosen)
    given = {
        **image,
        **(compose.variables if compose else {}),
        **(manifest.variables if manifest else {}),
    }
    return Evidence(
        trees={path: project.trees[path] for path in scope},
        reads=tuple(reads),
        dependencies=dependencies,
        django=django if chosen.framework.name in DJANGO_SERVERS else None,
        compose=project.hints.compose,
        given=given,
        built=image,
        examples=examples,
        running=_running(project, chosen, django),
    )


def _running(project: Project, chosen: Candidate, django: DjangoProject | None) -> frozenset[str]:
    """What the entry file imports; of Django, which imports by name, all but its commands."""
    reached = project.layout.reached(chosen.path, project.trees)
    if django is None:
        pages = join(parent_of(chosen.path), "pages")
        return reached | {path for path in project.trees if within(path, pages)}
    return frozenset(path for path in project.trees if "/management/commands/" not in f"/{path}")


def _scope(
    project: Project,
    chosen: Candidate,
    all_chosen: list[Candidate],
    django: DjangoProject | None,
) -> Iterator[str]:
    """The files that belong to a service, those that its entry file imports first.

    A server alone in its folder has all of it, because apps also import by name at run time.
    Where several share a folder, and for pages, it is what the entry file imports.
    """
    reached = project.layout.reached(chosen.path, project.trees)
    pages = join(parent_of(chosen.path), "pages")
    inner = {one.project for one in all_chosen if one.project != chosen.project}
    shared = any(one.project == chosen.project for one in all_chosen if one is not chosen)
    whole = not chosen.is_page and (not shared or django is not None)
    ordered = sorted(project.trees, key=lambda path: (path not in reached, path))
    for path in ordered:
        part = path in reached or (chosen.is_page and within(path, pages))
        foreign = any(folder and within(path, folder) for folder in inner)
        own = whole and within(path, chosen.project) and not ASIDE.search(path)
        if part or (own and not foreign):
            yield path


def _port(hints: Hints, chosen: Candidate, folder: str, *, alone: bool) -> Finding[int] | None:
    for one in hints.ports:
        if not is_port(one.finding.value) or one.finding.value < LOWEST_PORT:
            continue
        if one.finding.value in {FIRST_PORT, *DATA_PORTS}:
            continue
        named = one.service in chosen.services
        if one.service and chosen.services and not named:
            continue
        near = one.folder in {folder, chosen.project, parent_of(chosen.path)}
        if named or (near and not one.service) or (alone and near):
            return one.finding
    return None


def _stated(manifest: CopilotManifest | None) -> dict[str, Finding[str]]:
    """Values of a Copilot manifest; in the file `${` would name a part of a node."""
    stated: Mapping[str, Finding[str]] = manifest.variables if manifest else {}
    return {name: replace(one, value=escaped(one.value)) for name, one in stated.items()}


def _processors(manifest: CopilotManifest | None) -> Finding[str] | None:
    """Copilot counts 1024 to a processor."""
    if manifest is None or manifest.cpu is None:
        return None
    return Finding(f"{manifest.cpu.value / 1024:g}", manifest.cpu.where, manifest.cpu.why)


def _candidate_notes(
    chosen: Candidate, dependencies: Dependencies, evidence: Evidence
) -> Iterator[Note]:
    if chosen.required:
        listed = ", ".join(chosen.required)
        mend = f"Give them defaults, or assign the app at a module's top: app = {chosen.name}(…)."
        what = f"{chosen.name} makes the app but needs arguments: {listed}."
        yield Note("untold", chosen.finding.where, what, mend)
    if dependencies.file is None:
        mend = "Write requirements.txt, or pyproject.toml with [project] dependencies."
        yield Note("untold", chosen.path, "No file lists the dependencies.", mend)
    elif (reason := dependencies.not_installable) is not None:
        yield Note("untold", dependencies.file.where, *reason)
    secret = next((tree for tree in evidence.trees.values() if "st.secrets" in _text(tree)), None)
    if secret is not None and chosen.is_page:
        where = f"{secret.path}:{_line(secret, 'st.secrets')}"
        mend = "Read os.environ instead, and declare [secret.NAME]; or keep secrets.toml beside it."
        yield Note("advice", where, "st.secrets reads .streamlit/secrets.toml.", mend)


def _text(tree: Tree) -> str:
    return "\n".join(tree.lines)


def _line(tree: Tree, word: str) -> int:
    return next((n for n, line in enumerate(tree.lines, 1) if word in line), 1)


def _state_note(state: Finding[str]) -> Note:
    return Note(
        "advice",
        state.where,
        f"{state.value} keeps the app's state in a file: only one replica may run, and a "
        "cloud loses the file with the replica.",
        'Move it to a database that os.environ["DATABASE_URL"] names, write [database.db], '
        "and delete `replicas = 1`.",
    )


def _with_own_ports(made: list[ServiceUse]) -> list[ServiceUse]:
    """A port that two services state is the first one's."""
    taken: set[int] = set()
    kept: list[ServiceUse] = []
    for one in made:
        port = one.service.port
        if port is not None and port.value in taken:
            one = replace(one, service=replace(one.service, port=None))  # noqa: PLW2901
        elif port is not None:
            taken.add(port.value)
        kept.append(one)
    return kept


def _connected(made: list[ServiceUse]) -> Iterator[ServiceUse]:
    """Edges between services: one that reads `API_URL` uses the service `api`."""
    edges: set[tuple[str, str]] = set()
    for one in made:
        for other in made:
            user, used = one.service.name, other.service.name
            if names.service_variable(used) in one.reads and (used, user) not in edges:
                edges.add((user, used))
    for one in made:
        used = tuple(used for user, used in sorted(edges) if user == one.service.name != used)
        yield replace(one, service=replace(one.service, uses=(*used, *one.service.uses)))
