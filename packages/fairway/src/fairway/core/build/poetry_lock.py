"""What poetry.lock holds for an image: from the project's main dependencies on. Pure.

https://python-poetry.org/docs/pyproject/ and the locks that Poetry 1.8 to 2.2 write (2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence

from fairway.core.build.declared import Declared, poetry_source, read_lock
from fairway.core.build.markers import holds
from fairway.core.build.package import Asked, Locked, Package, asked_of, of_files
from fairway.core.build.python import allows
from fairway.core.build.requirement_lines import normal
from fairway.core.detect.sources import Sources
from fairway.core.detect.tables import as_items, as_table, as_text, as_texts, at

__all__ = ["poetry"]

MACHINES = ("x86_64", "aarch64")


def poetry(sources: Sources, found: Declared, python: str) -> Locked:
    """What Poetry would install without its groups, on Linux with this Python."""
    project, lock = (read_lock(sources.texts.get(file, "")) for file in found.files[:2])
    by_name: dict[str, list[Mapping[str, object]]] = {}
    for one in (as_table(item) for item in as_items(lock.get("package"))):
        if holds(_marker(one), python):
            by_name.setdefault(normal(as_text(one.get("name"))), []).append(one)
    named = sorted(set(_main(project, python)))
    reached: dict[str, Package] = {}
    asked: dict[str, set[str]] = {}
    waiting = list(named)
    while waiting:
        name, extras = waiting.pop()
        before = asked.get(name)
        if name not in by_name or (before is not None and before >= {*extras}):
            continue
        asked[name] = {*(before or ()), *extras}
        table = _version(by_name[name], python)
        needs = sorted(_needs(table, asked[name], python))
        waiting += needs
        names = tuple(dict.fromkeys(need for need, _ in needs if need in by_name))
        reached[name] = of_files(table, names, python, source=poetry_source(table))
    ordered = tuple(reached[name] for name in sorted(reached))
    return Locked(ordered, tuple(dict.fromkeys(name for name, _ in named)), is_whole=True)


def _main(project: Mapping[str, object], python: str) -> Iterator[Asked]:
    """The project's own dependencies, in Python's words or in Poetry's."""
    own = as_texts(at(project, "project", "dependencies"))
    if own:
        yield from asked_of(own, python)
        return
    table = as_table(at(project, "tool", "poetry", "dependencies"))
    yield from _tabled(table, frozenset(), python)


def _needs(table: Mapping[str, object], extras: set[str], python: str) -> Iterator[Asked]:
    """What a locked package needs; what is optional, where one of these extras asks for it."""
    wanted = {
        name
        for extra in extras
        for name, _ in asked_of(as_texts(at(table, "extras", extra)), python)
    }
    yield from _tabled(as_table(table.get("dependencies")), frozenset(wanted), python)


def _tabled(table: Mapping[str, object], wanted: frozenset[str], python: str) -> Iterator[Asked]:
    """`name = "^1"`, `name = {version = "^1", extras = [...], markers = "..."}`, or several."""
    for name, said in table.items():
        if name.lower() == "python":
            continue
        for one in as_items(said) or [said]:
            details = as_table(one)
            is_left_out = bool(details.get("optional")) and normal(name) not in wanted
            if not is_left_out and _is_meant(details, python):
                yield normal(name), tuple(sorted(as_texts(details.get("extras"))))


def _is_meant(details: Mapping[str, object], python: str) -> bool:
    """Whether a dependency is one of Linux and of this Python; older locks leave that to here."""
    is_here = as_text(details.get("platform")) in {"", "linux"}
    for_python = allows(as_text(details.get("python")), python)
    return is_here and for_python and holds(as_text(details.get("markers")), python)


def _version(tables: Sequence[Mapping[str, object]], python: str) -> Mapping[str, object]:
    """Of several versions that may be meant, the one of both machines that images are made for."""
    for one in tables:
        if all(holds(_marker(one), python, machine) for machine in MACHINES):
            return one
    return tables[-1]


def _marker(table: Mapping[str, object]) -> str:
    """When a package is installed at all: one marker, or one a group."""
    said = table.get("markers")
    return as_text(said) or as_text(as_table(said).get("main"))
