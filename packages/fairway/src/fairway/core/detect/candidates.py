"""Everything in a project that could be the program to run, each with a score and its reasons.

App objects, factories and Streamlit scripts become candidates; every hint from the files around
the code that names one adds to its score. `choose.py` picks.
"""

import re
from dataclasses import dataclass, replace

from fairway.core.detect.django import DjangoProject
from fairway.core.detect.frameworks import ASGI_APP, STREAMLIT, WSGI_APP, Framework
from fairway.core.detect.hints import CONFIGURED, Started
from fairway.core.detect.layout import Layout
from fairway.core.detect.python_apps import AppObject, Apps
from fairway.core.detect.sayable import is_object, is_path
from fairway.core.detect.sources import Finding, join, name_of, parent_of, within
from fairway.core.detect.streamlit_scripts import Script

__all__ = ["Candidate", "Matcher", "find_candidates"]

FILE_NAMES = {
    "main": 20, "app": 20, "asgi": 18, "wsgi": 18, "server": 14, "api": 14, "application": 12,
    "__init__": 10, "run": 8, "web": 8, "webapp": 8, "service": 8, "index": 5, "autoapp": 8,
}  # fmt: skip
OBJECT_NAMES = {"app": 10, "application": 10, "api": 4, "server": 4}
FACTORY_NAMES = {"create_app": 6, "make_app": 6, "get_app": 5, "build_app": 5, "get_application": 5}
ASIDE = re.compile(
    r"(?:^|/)(?:testing|docs?|docs_src|documentation|examples?|samples?|demos?|scripts?|"
    r"bench(?:marks?)?|notebooks?|sandbox|playground|tutorials?|snippets|node_modules|templates?|"
    r"site-packages|\.[^/]+|[^/]*\{\{[^/]*)/"
)
ASIDE_COST = 150
MOUNTED_COST = 120


@dataclass(frozen=True, slots=True)
class Candidate:
    """One program that could be run.

    `target` is `module:object` from `root` (a script: its path), `project` the folder whose
    dependencies it has, `services` the names that other files give it.
    """

    path: str
    name: str
    framework: Framework
    finding: Finding[str]
    root: str
    target: str
    project: str
    factory: bool = False
    required: tuple[str, ...] = ()
    inside: str = ""
    score: int = 0
    reasons: tuple[Finding[str], ...] = ()
    services: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How it is told apart from others: `src/app.py:app`, or a script's path."""
        return f"{self.path}:{self.name}" if self.name else self.path

    @property
    def is_page(self) -> bool:
        """Whether it is a Streamlit script rather than a server."""
        return self.framework.kind == "script"

    @property
    def is_aside(self) -> bool:
        """Whether it stands among tests, examples or documentation."""
        return ASIDE.search(self.path) is not None


def find_candidates(
    apps: Apps,
    scripts: tuple[Script, ...],
    django: tuple[DjangoProject, ...],
    layout: Layout,
    started: tuple[Started, ...],
) -> tuple[Candidate, ...]:
    """All candidates, the best first."""
    found = {
        one.key: _from_object(one, apps, layout)
        for one in apps.objects.values()
        if not _is_doubled(one, apps, django)
    }
    for script in scripts:
        found[f"{script.path}::"] = _from_script(script, layout)
    matcher = Matcher(apps, layout, started)
    for one in started:
        _credit(found, one, matcher, layout)
    sayable = (one for one in found.values() if _is_sayable(one))
    return tuple(sorted(sayable, key=lambda one: (-one.score, one.path, one.name)))


def _is_sayable(one: Candidate) -> bool:
    """Whether the file can name it: a script by its path, an app by an importable module."""
    folders = is_path(one.path) and (is_path(one.root) or not one.root)
    return folders and (one.is_page or is_object(one.target))


def _from_object(one: AppObject, apps: Apps, layout: Layout) -> Candidate:
    project = layout.project_of(one.path)
    root = _root(one.path, project, apps, layout)
    stem = name_of(one.path).removesuffix(".py")
    score = FILE_NAMES.get(stem, 0) + 8 * (one.key in apps.routed or one.factory)
    score += (FACTORY_NAMES if one.factory else OBJECT_NAMES).get(one.name, 2)
    maker = apps.objects.get(one.inside)
    if maker is not None:
        score += 12 if maker.factory else 6
    made = any(other.inside == one.key for other in apps.objects.values())
    is_part = one.factory or bool(one.framework.attribute)
    score -= 15 * (made and is_part) + 40 * bool(one.required)
    score -= MOUNTED_COST * (one.key in apps.mounted)
    score -= ASIDE_COST * bool(ASIDE.search(one.path) or _migrates(one.path, apps))
    score -= 2 * parent_of(one.path).removeprefix(project).count("/")
    name = f"{one.name}.{one.framework.attribute}" if one.framework.attribute else one.name
    return Candidate(
        path=one.path,
        name=one.name,
        framework=one.framework,
        finding=one.finding,
        root=root,
        target=f"{layout.module_of(one.path, root)}:{name}",
        project=project,
        factory=one.factory,
        required=one.required,
        inside=one.inside,
        score=score,
    )


def _root(path: str, project: str, apps: Apps, layout: Layout) -> str:
    """The import root: the folder whose dependencies the app has, if it lies below and will do.

    It will not where the code says that this folder is a package: by its name, or by relative
    imports that go above what is in it.
    """
    root = layout.root_of(path)
    if project == root or not within(project, root):
        return root
    package = project[len(root) + 1 if root else 0 :].replace("/", ".")
    for tree in apps.search.trees.values():
        inner = within(tree.path, project)
        depth = tree.path[len(project) + 1 :].count("/")
        for one in tree.imported:
            named = f"{one.module}.".startswith(f"{package}.") and not one.level
            if named or (inner and one.level > depth):
                return root
    return project


def _migrates(path: str, apps: Apps) -> bool:
    """Whether this is Alembic's env.py: the app that it makes is for looking at its tables."""
    tree = apps.search.trees.get(path)
    return tree is not None and any(
        (one.module, one.name) == ("alembic", "context") for one in tree.imported
    )


def _from_script(script: Script, layout: Layout) -> Candidate:
    project = layout.project_of(script.path)
    target = script.path[len(project) + 1 :] if project else script.path
    return Candidate(
        path=script.path,
        name="",
        framework=STREAMLIT,
        finding=script.finding,
        root=project,
        target=target,
        project=project,
        score=script.score + 10 - ASIDE_COST * bool(ASIDE.search(script.path)),
    )


def _is_doubled(one: AppObject, apps: Apps, django: tuple[DjangoProject, ...]) -> bool:
    """Whether Django offers this app in the other form too, and that one fits better."""
    if one.framework.name != "Django":
        return False
    asgi = any(project.speaks_asgi and within(one.path, project.folder) for project in django)
    wanted = "asgi" if asgi else "wsgi"
    return one.framework.kind != wanted and any(
        other.framework.kind == wanted and parent_of(other.path) == parent_of(one.path)
        for other in apps.objects.values()
    )


class Matcher:
    """Which app or script a launch means."""

    def __init__(self, apps: Apps, layout: Layout, started: tuple[Started, ...]) -> None:
        self.apps = apps
        self.layout = layout
        self.by_code: dict[str, str] = {}
        for one in started:
            if "::" in one.launch.target:
                self.by_code.setdefault(one.finding.where.rpartition(":")[0], one.launch.target)

    def match(self, one: Started) -> tuple[str, str | None] | None:
        """The key of what is launched, and the import root that the launch implies, if it does."""
        target = one.launch.target
        base = join(one.folder, one.launch.folder)
        if "::" in target:
            path, _, name = target.partition("::")
            return self._key(path, (name,)), None
        if target.endswith(".py"):
            return self._file(target, base)
        module, _, name = target.partition(":")
        if not module:
            return self._file("main.py", base) or self._file("app.py", base)
        found = self.find_module(module, base)
        if found is None:
            return None
        path, root = found
        names = (name,) if name else ("application", "app", "create_app", "make_app")
        return self._key(path, names), root

    def _key(self, path: str, names: tuple[str, ...]) -> str:
        keys = [self.apps.search.origin(path, name) for name in names]
        return next((key for key in keys if key in self.apps.objects), f"{path}::{names[0]}")

    def _file(self, file: str, base: str) -> tuple[str, str | None] | None:
        """The app that running a file runs: one in it, or one that it imports and runs."""
        ending = join(file)
        paths = [
            path
            for path in self.layout.files
            if path == ending or path.endswith(f"/{ending}") or path == join(base, name_of(file))
        ]
        if not paths:
            return None
        path = min(paths, key=lambda path: (path != join(base, ending), path.count("/"), path))
        if path in self.by_code:
            inner, _, name = self.by_code[path].partition("::")
            return self._key(inner, (name,)), None
        inside = [one.key for one in self.apps.objects.values() if one.path == path]
        plain = [key for key in inside if not self.apps.objects[key].factory]
        return next(iter((*plain, *inside)), f"{path}::"), None

    def find_module(self, module: str, base: str) -> tuple[str, str] | None:
        """The file of a module that a launch names, and the folder that it is found from."""
        ending = module.replace(".", "/")
        found: list[tuple[str, str]] = []
        for path in self.layout.files:
            bare = path.removesuffix(".py").removesuffix("/__init__")
            if bare == ending or bare.endswith(f"/{ending}"):
                found.append((path, bare[: -len(ending)].rstrip("/")))
        if not found:
            return None
        return min(
            found,
            key=lambda one: (one[1] != base, not within(one[1], base), one[1].count("/"), one),
        )


def _credit(found: dict[str, Candidate], one: Started, matcher: Matcher, layout: Layout) -> None:
    """Adds a launch's weight to what it launches, once for each kind of source."""
    if one.launch.kind not in {"asgi", "wsgi", "script", "python"}:
        return
    matched = matcher.match(one)
    if matched is None:
        return
    key, root = matched
    candidate = found.get(key) or _unseen(key, root, one, layout)
    if candidate is None:
        return
    weights = {reason.why for reason in candidate.reasons}
    if root is not None and one.weight >= CONFIGURED and root != candidate.root:
        module = layout.module_of(candidate.path, root)
        target = f"{module}:{candidate.target.partition(':')[2]}"
        candidate = replace(candidate, root=root, target=target)
    services = {*candidate.services, one.service} - {""}
    found[key] = replace(
        candidate,
        score=candidate.score + (0 if one.finding.why in weights else _worth(candidate, one)),
        reasons=(*candidate.reasons, one.finding),
        services=tuple(sorted(services)),
        factory=candidate.factory or one.launch.factory,
    )


def _worth(candidate: Candidate, one: Started) -> int:
    """The first mention counts in full, further ones little."""
    return 5 if candidate.reasons else one.weight


def _unseen(key: str, root: str | None, one: Started, layout: Layout) -> Candidate | None:
    """A server's `module:object` whose file is here though the object was not recognised."""
    path, _, name = key.partition("::")
    if one.launch.kind not in {"asgi", "wsgi"} or not name or path not in layout.files:
        return None
    if one.weight < CONFIGURED:
        return None
    top = layout.root_of(path) if root is None else root
    return Candidate(
        path=path,
        name=name,
        framework=ASGI_APP if one.launch.kind == "asgi" else WSGI_APP,
        finding=one.finding,
        root=top,
        target=f"{layout.module_of(path, top)}:{name}",
        project=layout.project_of(path),
        factory=one.launch.factory,
    )
