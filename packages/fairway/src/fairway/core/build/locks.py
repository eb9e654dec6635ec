"""The packages that an image holds, as its lock says: name, version, where from, what it needs.

Reads uv.lock and pdm.lock from the app's own package on, and requirements files as far as they pin;
the locks of Poetry and Pipenv have modules of their own.
Development groups, and what another system or Python would need, are left out. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from fairway.core.build.declared import Declared, read_lock
from fairway.core.build.markers import holds
from fairway.core.build.package import Artifact, Locked, Package, asked_of, fits_linux, of_files
from fairway.core.build.pipenv_lock import pipenv
from fairway.core.build.poetry_lock import poetry
from fairway.core.build.requirement_lines import normal
from fairway.core.detect.sources import Sources, join
from fairway.core.detect.tables import as_items, as_table, as_text, as_texts, at, read_toml

__all__ = ["locked"]

PIN = re.compile(
    r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?\s*==\s*([\w.!+-]+)\s*(?:;\s*([^\\#]*?))?\s*(?:\\|#|--|$)"
)
WHEEL = ("url", "path", "filename")  # where uv.lock says a wheel's name
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(sources: Sources, found: Declared, python: str) -> Locked:
    """What is installed for production on Linux with this Python."""
    match found.kind:
        case "uv":
            return _uv(sources, found, python)
        case "pdm":
            return _pdm(sources, found, python)
        case "poetry":
            return poetry(sources, found, python)
        case "pipenv":
            return pipenv(sources, found, python)
        case "requirements":
            return _requirements(sources, found, python)
        case _:
            return Locked((), tuple(sorted(found.names)), is_whole=not found.names)


def _uv(sources: Sources, found: Declared, python: str) -> Locked:
    table = read_lock(sources.texts.get(join(found.folder, "uv.lock"), ""))
    every = [as_table(one) for one in as_items(table.get("package"))]
    by_name: dict[str, list[Mapping[str, object]]] = {}
    for one in every:
        by_name.setdefault(as_text(one.get("name")), []).append(one)
    root = _root(every, found)
    reached: dict[str, Package] = {}
    asked: dict[str, set[str]] = {}
    named = sorted(_edges(root, (), python))
    waiting = list(named)
    while waiting:
        name, extras = waiting.pop()
        before = asked.get(name)
        if before is not None and before >= set(extras):
            continue
        asked[name] = {*(before or ()), *extras}
        for one in _fitting(by_name.get(name, []), python):
            needs = sorted(_edges(one, tuple(sorted(asked[name])), python))
            reached[name] = _package(one, tuple(dict.fromkeys(need for need, _ in needs)), python)
            waiting += needs
    ordered = tuple(reached[name] for name in sorted(reached))
    return Locked(ordered, tuple(dict.fromkeys(name for name, _ in named)), is_whole=True)


def _root(packages: Sequence[Mapping[str, object]], found: Declared) -> Mapping[str, object]:
    """The app's own package: the one that is meant, or the one in the lock's folder."""
    for one in packages:
        place = as_table(one.get("source"))
        here = "." in {as_text(place.get("virtual")), as_text(place.get("editable"))}
        if as_text(one.get("name")) == found.member or (found.member is None and here):
            return one
    return {}


def _edges(
    package: Mapping[str, object], extras: tuple[str, ...], python: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a package needs, with the extras that it asks of each."""
    lists = [package.get("dependencies")]
    lists += [at(package, "optional-dependencies", extra) for extra in extras]
    for each in lists:
        for table in (as_table(entry) for entry in as_items(each)):
            if holds(as_text(table.get("marker")), python):
                yield as_text(table.get("name")), tuple(as_texts(table.get("extra")))


def _fitting(
    versions: Sequence[Mapping[str, object]], python: str
) -> Sequence[Mapping[str, object]]:
    """Of several versions of a package, the one that this image gets."""
    if len(versions) < 2:
        return versions
    for one in versions:
        if any(holds(text, python) for text in as_texts(one.get("resolution-markers"))):
            return (one,)
    return versions[-1:]


def _package(table: Mapping[str, object], needs: tuple[str, ...], python: str) -> Package:
    wheels = as_items(table.get("wheels"))
    names = [next((as_text(at(one, key)) for key in WHEEL if at(one, key)), "") for one in wheels]
    sdist = table.get("sdist")
    files = [*wheels, *([sdist] if sdist else [])]
    source = as_table(table.get("source"))
    kinds = ("git", "url", "path", "editable", "directory", "virtual")
    return Package(
        name=as_text(table.get("name")),
        version=as_text(table.get("version")),
        needs=needs,
        artifacts=tuple(
            Artifact(as_text(at(file, "url")), as_text(at(file, "hash")).removeprefix("sha256:"))
            for file in files
            if as_text(at(file, "url"))
        ),
        source=next((as_text(source[kind]) for kind in kinds if kind in source), ""),
        has_wheel=any(fits_linux(name, python) for name in names) or not sdist,
    )


def _pdm(sources: Sources, found: Declared, python: str) -> Locked:
    """From the project's own dependencies on; a package stands once more for its extras."""
    project, lock = (read_toml(sources.texts.get(file, "")) for file in found.files[:2])
    by_name: dict[str, list[Mapping[str, object]]] = {}
    for one in (as_table(item) for item in as_items(lock.get("package"))):
        if holds(as_text(one.get("marker")), python):
            by_name.setdefault(normal(as_text(one.get("name"))), []).append(one)
    named = sorted(asked_of(as_texts(at(project, "project", "dependencies")), python))
    reached: dict[str, Package] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = list(named)
    while waiting:
        name, extras = asked = waiting.pop()
        if asked in seen or name not in by_name:
            continue
        seen.add(asked)
        held = [one for one in by_name[name] if {*as_texts(one.get("extras"))} <= {*extras}]
        needs = sorted(
            need for one in held for need in asked_of(as_texts(one.get("dependencies")), python)
        )
        before = reached[name].needs if name in reached else ()
        names = dict.fromkeys((*before, *(need for need, _ in needs if need != name)))
        table = (held or by_name[name])[0]
        source = next(
            (as_text(table[kind]) for kind in ("git", "path", "url") if kind in table), ""
        )
        reached[name] = of_files(table, tuple(names), python, source=source)
        waiting += needs
    ordered = tuple(reached[name] for name in sorted(reached))
    return Locked(ordered, tuple(dict.fromkeys(name for name, _ in named)), is_whole=True)


def _requirements(sources: Sources, found: Declared, python: str) -> Locked:
    """The pins of requirements files; who asked for what, they do not say."""
    packages: dict[str, Package] = {}
    unpinned: set[str] = set()
    for file in found.files:
        text = sources.texts.get(file, "").replace("\\\n", " ")
        for line in text.splitlines():
            pin = PIN.match(line)
            if pin is None:
                unpinned.update(_loose(line))
            elif holds(pin[4] or "", python):
                hashes = tuple(Artifact("", digest) for digest in HASH.findall(line))
                name = normal(pin[1])
                packages[name] = Package(name, pin[3], artifacts=hashes)
    ordered = tuple(packages[name] for name in sorted(packages))
    # With hashes pip takes nothing that is not listed; without, a pin says nothing of its needs.
    is_whole = not unpinned and all(package.artifacts for package in ordered)
    return Locked(ordered, tuple(sorted({*packages, *unpinned})), is_whole=is_whole)


def _loose(line: str) -> Iterator[str]:
    found = re.match(r"\s*([A-Za-z0-9][\w.-]*)", line)
    if found and "://" not in line.partition("@")[0]:
        yield normal(found[1])
