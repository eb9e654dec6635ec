"""`import_copilot`: a Copilot workspace as fairway.toml, and the list of what is not in it.

The way in to `core/copilot`. Sorts the manifests (`manifest`), builds each workload (`workload`,
`runs`), lays environments over, and lists what stands beside manifests: addons, overrides. Pure:
texts in, text out; raises `Problems` where a manifest is no YAML or there is no workspace.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fairway.core.addresses import is_own_block
from fairway.core.copilot import workload
from fairway.core.copilot.beside import beside
from fairway.core.copilot.document import leaves
from fairway.core.copilot.manifest import LeftOut, Manifest, Values, read_manifest
from fairway.core.copilot.pipeline import pipeline
from fairway.core.copilot.runs import how_it_runs, what_it_does
from fairway.core.copilot.workload import Names, Said
from fairway.core.copilot.write import Table, write
from fairway.core.detect.findings import Findings
from fairway.core.detect.label import as_label
from fairway.core.detect.project import detect
from fairway.core.detect.sources import Sources, name_of, parent_of
from fairway.core.problem import Problem, Problems
from fairway.core.toml_text import as_text

__all__ = ["Imported", "import_copilot"]

PUBLIC = frozenset({"Load Balanced Web Service", "Request-Driven Web Service"})
PROJECT = ""  # the folder that holds copilot/


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The file's text, what it does not say, and what Fairway does without being told."""

    text: str
    left: tuple[LeftOut, ...]
    by_itself: tuple[LeftOut, ...]
    runs: bool


@dataclass(slots=True)
class _Draft:
    """The file in the making: tables in their order, lines of environments, secrets by name."""

    names: Names
    tables: list[Table] = field(default_factory=list[Table])
    overlays: dict[str, list[Said]] = field(default_factory=dict[str, list[Said]])
    secrets: dict[str, Said] = field(default_factory=dict[str, Said])
    runs: bool = True

    def lay(self, environment: str, at: str, said: Said) -> None:
        """A line of an environment."""
        key = f"{at}.{said.key}"
        self.overlays.setdefault(environment, []).append(Said(key, said.value, said.where))


def import_copilot(sources: Sources) -> Imported:
    """Read the workspace in `copilot/`."""
    manifests = list(_manifests(sources))
    if not manifests and not sources.has("copilot/.workspace"):
        what = "there is no copilot/.workspace and no manifest under copilot/"
        raise Problems([Problem("copilot", what, "Run it in the folder that holds copilot/.")])
    app = _app(sources)
    environments = dict.fromkeys(
        [
            parent_of(each.path).rpartition("/")[2]
            for each in manifests
            if each.kind == "environment"
        ]
    )
    for each in manifests:
        environments |= dict.fromkeys(scope for scope in each.scopes if scope)
    draft = _Draft(Names(app, tuple(environments)))
    for environment in environments:
        draft.overlays.setdefault(environment, [])
    findings = detect(sources)
    for each in manifests:
        match each.kind:
            case "workload":
                _workload(each, draft, sources, findings)
            case "pipeline":
                draft.tables += pipeline(each, draft.names.environments)
            case "environment":
                _environment(each, draft)
        each.finish()
    known = {each.path for each in manifests}
    left = [*beside(sources, known), *(one for each in manifests for one in each.left)]
    return Imported(
        text=write(as_label(app), draft.tables, draft.secrets, draft.overlays, sorted(left)),
        left=tuple(sorted(left)),
        by_itself=tuple(sorted(one for each in manifests for one in each.itself)),
        runs=draft.runs,
    )


def _environment(manifest: Manifest, draft: _Draft) -> None:
    """The addresses of an environment's network, which stay its own in the new one."""
    manifest.base.take("name")
    manifest.base.take("type")
    cidr = manifest.base.take("network.vpc.cidr")
    if cidr is None:
        return
    if not is_own_block(cidr.text):
        manifest.leave(cidr, "`addresses` takes a block of private ones from /16 to /20")
        return
    name = parent_of(manifest.path).rpartition("/")[2]
    where = f"{manifest.path}:{cidr.line}"
    draft.overlays[name].append(Said("addresses", as_text(cidr.text), where))


def _manifests(sources: Sources) -> Iterator[Manifest]:
    for path, text in sorted(sources.texts.items()):
        parts = path.split("/")
        if parts[0] != "copilot" or parts[-1] not in {"manifest.yml", "manifest.yaml"}:
            if path in {"copilot/pipeline.yml", "copilot/pipeline.yaml"}:
                yield read_manifest(path, "pipeline", text)
            continue
        if len(parts) == 4 and parts[1] == "environments":
            yield read_manifest(path, "environment", text)
        elif len(parts) == 4 and parts[1] == "pipelines":
            yield read_manifest(path, "pipeline", text)
        elif len(parts) == 3:
            yield read_manifest(path, "workload", text)


def _app(sources: Sources) -> str:
    """The application's name, as the workspace says it."""
    path = "copilot/.workspace"
    for leaf in leaves(path, sources.texts.get(path, "")):
        if leaf.path == ("application",) and leaf.text:
            return leaf.text
    return sources.folder


def _workload(manifest: Manifest, draft: _Draft, sources: Sources, findings: Findings) -> None:
    base = manifest.base
    said, kind = base.take("name"), base.take("type")
    name = as_label(said.text if said else name_of(parent_of(manifest.path)), "service")
    match kind.text if kind else "":
        case "Scheduled Job":
            _command(manifest, f"job.{name}", workload.job_keys, draft, sources)
        case "Static Site":
            _site(manifest, name, draft)
        case "Worker Service":
            _command(manifest, f"worker.{name}", workload.worker_keys, draft, sources)
        case "Backend Service" if "image.port" not in base.by_name:  # nobody can reach it
            _command(manifest, f"worker.{name}", workload.worker_keys, draft, sources)
        case "Load Balanced Web Service" | "Backend Service" | "Request-Driven Web Service" as of:
            _service(manifest, name, draft, sources, findings, public=of in PUBLIC)
        case other:
            where = f"{manifest.path}:{kind.line if kind else 1}"
            manifest.left.append(LeftOut(where, f"type = {other}", "Copilot has no such type"))


def _service(
    manifest: Manifest,
    name: str,
    draft: _Draft,
    sources: Sources,
    findings: Findings,
    *,
    public: bool,
) -> None:
    base = manifest.base
    dockerfile, folder = workload.folder_of(base, PROJECT)
    line = workload.words(base)
    runs = how_it_runs(sources, findings, words=line, dockerfile=dockerfile, folder=folder)
    entries: list[Said] = []
    if runs is None:
        draft.runs = False
        why = "say how it runs: asgi, wsgi, script or command"
        manifest.left.append(LeftOut(f"{manifest.path}:1", name, why))
    else:
        entries.append(Said(runs.kind, as_text(runs.target), runs.why))
        entries += [Said("factory", "true", "it is called to make the app")] if runs.factory else []
    entries += [Said("folder", as_text(folder), dockerfile)] if folder else []
    port = workload.port(manifest, base)
    entries += [port] if port else []
    http = base.take("http")
    if public and not (http and http.text.lower() == "false"):
        entries.append(Said("public", "true", manifest.path))
    at = f"service.{name}"
    probed = runs is not None and runs.kind == "command"
    keys = list(workload.service_keys(manifest, base, probed=probed))
    if not any(one.key == "replicas" for one in keys):
        keys.insert(0, Said("replicas", "1", "Copilot's default"))
    _add(manifest, at, entries, keys, draft)
    for environment, values in _overlaid(manifest):
        for one in workload.service_keys(manifest, values, probed=probed):
            draft.lay(environment, at, one)


Keys = Callable[[Manifest, Values], Iterator[Said]]
"""The keys of a node that a command says, of one environment's values."""


def _command(manifest: Manifest, at: str, keys: Keys, draft: _Draft, sources: Sources) -> None:
    """What is a command: a worker, or a job."""
    base = manifest.base
    dockerfile, folder = workload.folder_of(base, PROJECT)
    command = what_it_does(sources, words=workload.words(base), dockerfile=dockerfile)
    entries = [Said("folder", as_text(folder), dockerfile)] if folder else []
    if command is None:
        draft.runs = False
        why = "say what it runs: `command`"
        manifest.left.append(LeftOut(f"{manifest.path}:1", at.partition(".")[2], why))
    else:
        entries.insert(0, Said("command", as_text(command[0]), command[1]))
    _add(manifest, at, entries, list(keys(manifest, base)), draft)
    for environment, values in _overlaid(manifest):
        for one in keys(manifest, values):
            draft.lay(environment, at, one)


def _site(manifest: Manifest, name: str, draft: _Draft) -> None:
    root = workload.root(manifest, manifest.base, PROJECT)
    if root is None:
        why = "say which folder it serves: `root`"
        manifest.left.append(LeftOut(f"{manifest.path}:1", name, why))
        return
    draft.tables.append(Table(f"site.{name}", (root,)))


def _add(
    manifest: Manifest, at: str, entries: list[Said], keys: Sequence[Said], draft: _Draft
) -> None:
    """The table of a node with its secrets and variables, and those of its environments."""
    used: dict[str, Said] = {}
    told: dict[str, Said] = {}
    for scope, values in manifest.scopes.items():
        for one in workload.secrets(manifest, values, draft.names.app):
            used.setdefault(one.key, one)
            draft.secrets.setdefault(one.key, one)
        told |= workload.variables(manifest, values, scope, draft.names)
    if used:
        listed = ", ".join(as_text(each) for each in sorted(used))
        entries.append(Said("uses", f"[{listed}]", next(iter(used.values())).where))
    draft.tables.append(Table(at, (*entries, *keys)))
    base = {key: one for key, one in told.items() if key.startswith("/")}
    if base:
        draft.tables.append(Table(f"{at}.variables", tuple(base.values())))
    for key, one in told.items():
        environment = key.partition("/")[0]
        if environment:
            draft.lay(environment, f"{at}.variables", one)


def _overlaid(manifest: Manifest) -> list[tuple[str, Values]]:
    scopes: Mapping[str, Values] = manifest.scopes
    return [(scope, values) for scope, values in scopes.items() if scope]
