"""What a project depends on, and how its dependencies are installed.

Reads requirements files, pyproject.toml (standard, Poetry, PDM), Pipfile, setup.cfg and conda's
environment.yml. Names only: resolving versions is the installer's work.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fairway.core.detect.sources import Finding, Sources, join, line_of, name_of, parent_of
from fairway.core.detect.tables import as_table, as_text, as_texts, at, read_toml
from fairway.core.detect.yaml_reader import read_yaml

__all__ = ["Dependencies", "read_dependencies"]

LOCKS = (
    ("uv.lock", "uv"),
    ("poetry.lock", "Poetry"),
    ("pdm.lock", "PDM"),
    ("Pipfile.lock", "Pipenv"),
    ("pylock.toml", "pip"),
)
NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
REQUIREMENTS = re.compile(r"requirements?[\w.-]*\.txt$|requirements/[\w.-]+\.(?:txt|in)$")
COMMENT = re.compile(r"(?:^|\s)#.*")
INCLUDED = re.compile(r"^\s*(?:-r|--requirement)(?:\s+|=)(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The dependencies of one folder.

    `names` are normalised (`psycopg2-binary`), each with where it is written; `lock` is the lock
    file's path or empty; `installed` says whether the project itself is a package that gets
    installed; `python` is the version asked for, or empty.
    """

    folder: str
    file: Finding[str] | None
    tool: str
    lock: str
    names: dict[str, str]
    installed: bool
    python: str

    @property
    def not_installable(self) -> tuple[str, str] | None:
        """Why nothing can be installed from these files as they are, and what to do."""
        name = name_of(self.file.value) if self.file else ""
        if self.tool == "conda":
            return (
                "Only conda lists the dependencies.",
                "Write requirements.txt with what pip installs.",
            )
        if name == "Pipfile" and not self.lock:
            return "Pipfile has no lock.", "Run `pipenv lock`."
        if self.tool == "Poetry" and not self.lock:
            return "There is no poetry.lock.", "Run `poetry lock`."
        if name.endswith((".txt", ".in")) and name_of(name) != "requirements.txt" and self.file:
            return (
                f"The dependencies stand in {self.file.value}.",
                f'Write requirements.txt with the line "-r {self.file.value}".',
            )
        return None

    def where(self, *names: str) -> Finding[str] | None:
        """The first of these packages that is depended on."""
        for name in names:
            if name in self.names:
                return Finding(name, self.names[name], name)
        return None


def read_dependencies(sources: Sources, folder: str) -> Dependencies:
    """What the files in `folder` (or, if they are silent, in the folders above) ask for."""
    here = folder
    while True:
        found = _in_folder(sources, here)
        if found.file is not None or not here:
            return found
        here = parent_of(here)


def _in_folder(sources: Sources, folder: str) -> Dependencies:
    names: dict[str, str] = {}
    file: Finding[str] | None = None
    for path in _files(sources, folder):
        before = len(names)
        for part in _with_included(sources, path, frozenset()):
            text = sources.texts.get(part, "")
            for name, line in _names(part, text):
                names.setdefault(_normal(name), f"{part}:{line}")
                for extra in _extras(text, line):
                    names.setdefault(f"{_normal(name)}[{extra}]", f"{part}:{line}")
        if file is None and (len(names) > before or name_of(path) == "pyproject.toml"):
            file = Finding(path, path)
    lock, tool = next(
        ((join(folder, lock), tool) for lock, tool in LOCKS if sources.has(join(folder, lock))),
        ("", ""),
    )
    pyproject = read_toml(sources.texts.get(join(folder, "pyproject.toml"), ""))
    if not tool and file is not None:
        tool = _tool(file.value, pyproject)
    return Dependencies(
        folder,
        file,
        tool,
        lock,
        names,
        _is_installed(sources, folder, pyproject),
        _python(sources, folder, pyproject),
    )


def _files(sources: Sources, folder: str) -> Iterator[str]:
    """The files that list dependencies, the one that is meant for installing first."""
    plain = ("pyproject.toml", "requirements.txt", "Pipfile", "setup.cfg")
    order = [join(folder, name) for name in plain]
    yield from (path for path in order if path in sources.texts)
    ordered = sorted(sources.texts, key=lambda path: ("prod" not in name_of(path), path))
    for path in ordered:
        inside = path[len(folder) + 1 :] if folder else path
        if path not in order and path.startswith(folder) and REQUIREMENTS.match(inside):
            yield path
    for name in ("environment.yml", "environment.yaml"):
        if join(folder, name) in sources.texts:
            yield join(folder, name)


def _with_included(sources: Sources, path: str, above: frozenset[str]) -> Iterator[str]:
    """A requirements file, and those that its lines `-r other.txt` bring in."""
    yield path
    if not path.endswith((".txt", ".in")):
        return
    for found in INCLUDED.finditer(sources.texts.get(path, "")):
        inner = join(parent_of(path), found[1])
        if inner in sources.texts and inner not in above | {path}:
            yield from _with_included(sources, inner, above | {path})


def _names(path: str, text: str) -> Iterator[tuple[str, int]]:
    name = name_of(path)
    if name == "pyproject.toml":
        yield from _pyproject(text)
    elif name == "Pipfile":
        for package in as_table(at(read_toml(text), "packages")):
            yield package, line_of(text, rf"^\s*\"?{re.escape(package)}\b")
    elif name == "setup.cfg":
        block = re.search(r"^install_requires\s*=\s*\n((?:[ \t]+.*\n?)+)", text, re.MULTILINE)
        first = text.count("\n", 0, block.start(1)) + 1 if block else 1
        yield from _lines(block[1] if block else "", first)
    elif name.startswith("environment."):
        yield from _conda(text)
    else:
        yield from _lines(text, 1)


def _lines(text: str, first: int) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(text.splitlines(), first):
        said = COMMENT.sub("", line)
        found = NAME.match(said)
        if found and "://" not in said.partition("@")[0]:
            yield found[1], number


def _pyproject(text: str) -> Iterator[tuple[str, int]]:
    table = read_toml(text)
    poetry = at(table, "tool", "poetry", "dependencies")
    listed = [
        *as_texts(at(table, "project", "dependencies")),
        *(name for name in as_table(poetry) if name != "python"),
    ]
    for group in as_table(at(table, "project", "optional-dependencies")).values():
        listed.extend(as_texts(group))
    for entry in listed:
        found = NAME.match(entry)
        if found:
            yield found[1], line_of(text, rf"^\s*[\"']?{re.escape(found[1])}\b")


def _conda(text: str) -> Iterator[tuple[str, int]]:
    for item in read_yaml(text).at("dependencies").items:
        for entry in (item, *item.at("pip").items):
            found = NAME.match(entry.text)
            if found:
                yield found[1], entry.line


def _extras(text: str, line: int) -> Iterator[str]:
    """The extras on a line: `celery[redis,msgpack]` asks for two."""
    shown = text.split("\n", line)[line - 1 : line]
    for found in re.findall(r"\w\[([\w, -]+)\]", shown[0] if shown else ""):
        yield from (extra.strip() for extra in found.split(","))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tool(path: str, pyproject: object) -> str:
    if name_of(path) == "pyproject.toml":
        return "Poetry" if as_table(at(pyproject, "tool", "poetry")) else "pyproject.toml"
    if name_of(path).startswith("environment."):
        return "conda"
    return {"Pipfile": "Pipenv", "setup.cfg": "setuptools"}.get(name_of(path), "requirements")


def _is_installed(sources: Sources, folder: str, pyproject: object) -> bool:
    """Whether installing the dependencies installs the project's own package too."""
    if at(pyproject, "tool", "uv", "package") is False:
        return False
    if as_table(at(pyproject, "build-system")):
        return at(pyproject, "tool", "poetry", "package-mode") is not False
    return is_setup(sources, join(folder, "setup.py")) or sources.has(join(folder, "setup.cfg"))


def is_setup(sources: Sources, path: str) -> bool:
    """Whether a `setup.py` makes a package; in an app it may be a module of that name."""
    text = sources.texts.get(path)
    return sources.has(path) if text is None else "setup(" in text


def _python(sources: Sources, folder: str, pyproject: object) -> str:
    version = sources.texts.get(join(folder, ".python-version"), "")
    pinned = next((line.strip() for line in version.splitlines() if line[:1].isdigit()), "")
    asked = as_text(at(pyproject, "project", "requires-python"))
    poetry = as_text(at(pyproject, "tool", "poetry", "dependencies", "python"))
    return pinned or asked or poetry
