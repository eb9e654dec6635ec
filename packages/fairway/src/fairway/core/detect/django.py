"""A Django project: its `manage.py`, its settings, and what they say of data and static files."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.layout import Layout
from fairway.core.detect.sources import Finding, join, name_of, parent_of, within
from fairway.core.detect.syntax import Tree, literal_texts, text_value

__all__ = ["DjangoProject", "find_django"]

BACKENDS = {
    "sqlite3": "sqlite",
    "spatialite": "sqlite",
    "postgresql": "postgres",
    "postgresql_psycopg2": "postgres",
    "postgis": "postgres",
    "mysql": "mysql",
    "oracle": "oracle",
}


@dataclass(frozen=True, slots=True)
class DjangoProject:
    """One `manage.py` and the settings beside it."""

    folder: str
    manage: Finding[str]
    settings: tuple[str, ...]  # paths of its settings files
    engines: tuple[Finding[str], ...]  # postgres, sqlite, mysql, oracle
    static_root: Finding[str] | None
    serves_static: bool  # whitenoise, or static files kept elsewhere
    speaks_asgi: bool


def find_django(trees: Mapping[str, Tree], layout: Layout) -> tuple[DjangoProject, ...]:
    """Every Django project, the shallowest first."""
    manages = [path for path in trees if name_of(path) == "manage.py"]
    manages.sort(key=lambda path: (path.count("/"), path))
    return tuple(
        _project(path, trees, layout)
        for path in manages
        if any("DJANGO_SETTINGS_MODULE" in line for line in trees[path].lines)
    )


def _project(path: str, trees: Mapping[str, Tree], layout: Layout) -> DjangoProject:
    folder, tree = parent_of(path), trees[path]
    settings = tuple(_settings_files(tree, folder, trees, layout))
    engines: list[Finding[str]] = []
    static_root: Finding[str] | None = None
    text = ""
    for file in settings:
        text += "\n".join(trees[file].lines)
        engines.extend(_engines(trees[file]))
        for node in trees[file].nodes:
            if isinstance(node, ast.Assign):
                name = _target(node)
                if name == "STATIC_ROOT" and static_root is None:
                    static_root = trees[file].finding("STATIC_ROOT", node)
    return DjangoProject(
        folder=folder,
        manage=Finding(path, f"{path}:1"),
        settings=settings,
        engines=tuple(engines),
        static_root=static_root,
        serves_static="whitenoise" in text.lower() or "storages" in text,
        speaks_asgi="ASGI_APPLICATION" in text or "channels" in text,
    )


def _settings_files(
    manage: Tree, folder: str, trees: Mapping[str, Tree], layout: Layout
) -> Iterator[str]:
    """The module that manage.py names, and the others of its package."""
    for node in manage.calls:
        texts = literal_texts(node)
        if "DJANGO_SETTINGS_MODULE" not in texts:
            continue
        module = texts[texts.index("DJANGO_SETTINGS_MODULE") + 1 :][:1]
        path = layout.file_at(folder, module[0]) if module else None
        if path is None and module:
            path = layout.find(module[0], folder)
        if path is None or path not in trees:
            continue
        package = parent_of(path)
        inside = "settings" in name_of(package) or "config" in name_of(package)
        yield path
        for other in sorted(trees):
            beside = inside and within(other, package)
            if other != path and (beside or parent_of(other) == join(package, "settings")):
                yield other
        return


def _target(node: ast.Assign) -> str:
    target = node.targets[0]
    if isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _engines(tree: Tree) -> Iterator[Finding[str]]:
    """The database backends that a settings file names, in whatever dictionary."""
    for node in tree.texts:
        head, _, backend = text_value(node).rpartition(".")
        if "backends" in head and backend in BACKENDS:
            yield tree.finding(BACKENDS[backend], node)
