"""How the code in a folder says what it needs, as far as an image is concerned.

The same order as on this machine: `uv.lock` (its own, or that of the workspace around it),
`poetry.lock`, `pdm.lock`, `Pipfile.lock`, `requirements.txt`, `pyproject.toml`. setuptools' and
conda's own files are told as problems with what turns them into one of these. Pure: texts in,
values out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from fairway.core.build.requirement_lines import (
    INCLUDE,
    names_of,
    names_with_extras,
    normal,
    takes_from_project,
)
from fairway.core.detect.sources import Sources, join, parent_of
from fairway.core.detect.tables import (
    as_items,
    as_table,
    as_text,
    as_texts,
    at,
    read_json,
    read_toml,
)
from fairway.core.problem import Problem

__all__ = [
    "RUNTIME",
    "Declared",
    "Kind",
    "declared",
    "pipenv_source",
    "poetry_source",
    "read_lock",
]

Kind = Literal["uv", "poetry", "pdm", "pipenv", "requirements", "pyproject", "none"]

RUNTIME = "fairway-runtime"
CONVERT = {
    "poetry.lock": "Lock again: `poetry lock`; it must say what `pyproject.toml` needs.",
    "Pipfile": "Write its lock: `pipenv lock`.",
    "setup.py": "Write one, with a line for each package.",
    "environment.yml": "Write one, with what pip installs.",
}
# What tells a tool that reads a version from the project's history which one to take instead.
VERSION_VARIABLES = {
    "hatch-vcs": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "pdm-backend": "PDM_BUILD_SCM_VERSION",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "setuptools-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "uv-dynamic-versioning": "UV_DYNAMIC_VERSIONING_BYPASS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What is installed, and from which files.

    `folder` is where the deciding file stands, `files` what must be there before the code is.
    `member` is the package of a uv workspace that is meant. `package`: the project itself is
    installed. `needs_tree`: packages are installed from folders of the project. `left_out` are
    packages that stand outside of it, `above` how many folders up. `names` are the packages that
    are asked for. `version_variable` takes the place of the history that the project's own version
    is read from; empty where it is not.
    """

    kind: Kind
    folder: str = ""
    files: tuple[str, ...] = ()
    member: str | None = None
    package: bool = False
    needs_tree: bool = False
    left_out: tuple[str, ...] = ()
    above: int = 0
    python: str = ""
    names: frozenset[str] = frozenset()
    version_variable: str = ""
    problems: tuple[Problem, ...] = ()


def declared(sources: Sources, folder: str) -> Declared:
    """What the code in `folder` needs: declared there, or in the nearest folder above it."""
    here = join(folder)
    while True:
        found = _in_folder(sources, here)
        if found is not None:
            return replace(found, version_variable=_version_variable(sources, here))
        if not here:
            return Declared(kind="none", problems=_unreadable(sources, join(folder)))
        here = parent_of(here)


@lru_cache(maxsize=4)
def read_lock(text: str) -> Mapping[str, object]:
    """The table of a lock: long, and asked for twice."""
    return read_toml(text)


def _in_folder(sources: Sources, folder: str) -> Declared | None:
    pyproject = read_toml(sources.texts.get(join(folder, "pyproject.toml"), ""))
    project = as_table(at(pyproject, "project"))
    if project or as_table(at(pyproject, "tool", "uv")):
        lock = _uv_lock(sources, folder)
        if lock is not None:
            return _uv(sources, folder, lock)
    python = _python(sources, folder)
    requirements = join(folder, "requirements.txt")
    if join(folder, "poetry.lock") in sources.texts and _is_poetry_s(pyproject):
        found = _poetry(sources, folder, pyproject)
        if not (found.problems and requirements in sources.texts):
            return found
    if "dependencies" in project and join(folder, "pdm.lock") in sources.texts:
        return _pdm(sources, folder, pyproject)
    if join(folder, "Pipfile.lock") in sources.texts:
        found = _pipenv(sources, folder)
        if not (found.problems and requirements in sources.texts):
            return found
    if requirements in sources.texts:
        files = tuple(_with_includes(sources, requirements))
        texts = [sources.texts.get(file, "") for file in files]
        return Declared(
            kind="requirements",
            folder=folder,
            files=files,
            needs_tree=any(takes_from_project(text) for text in texts),
            python=python,
            names=frozenset(
                name for text in texts for name in names_with_extras(text.splitlines())
            ),
        )
    if "dependencies" in project and not sources.has(join(folder, "poetry.lock")):
        return Declared(
            kind="pyproject",
            folder=folder,
            files=(join(folder, "pyproject.toml"),),
            package=_is_package(pyproject),
            python=python,
            names=frozenset(names_with_extras(as_texts(project["dependencies"]))),
        )
    return None


def _version_variable(sources: Sources, folder: str) -> str:
    pyproject = read_toml(sources.texts.get(join(folder, "pyproject.toml"), ""))
    if "version" not in as_texts(at(pyproject, "project", "dynamic")):
        return ""
    tools = names_of(as_texts(at(pyproject, "build-system", "requires")))
    return next((VERSION_VARIABLES[tool] for tool in tools if tool in VERSION_VARIABLES), "")


def _uv(sources: Sources, folder: str, lock_folder: str) -> Declared:
    pyproject = read_toml(sources.texts.get(join(folder, "pyproject.toml"), ""))
    lock = join(lock_folder, "uv.lock")
    locked = read_lock(sources.texts.get(lock, ""))
    tables = [as_table(one) for one in as_items(locked.get("package"))]
    places = {as_text(one.get("name")): _place(one) for one in tables}
    outside = [name for name, place in places.items() if place.startswith("..")]
    inside = [
        name for name, place in places.items() if place and place != "." and name not in outside
    ]
    # Members of the workspace can be left out until the code is there; other folders can not.
    members = as_texts(at(locked, "manifest", "members")) if folder != lock_folder else ()
    own = [join(lock_folder, "pyproject.toml"), lock, join(lock_folder, ".python-version")]
    asked = frozenset(names_of(as_texts(at(pyproject, "project", "dependencies"))))
    held = {
        normal(as_text(at(one, "name")))
        for table in tables
        for one in (table, *as_items(at(table, "metadata", "requires-dist")))
    }
    return Declared(
        kind="uv",
        folder=lock_folder,
        files=tuple(file for file in own if sources.has(file)),
        member=as_text(at(pyproject, "project", "name")) if folder != lock_folder else None,
        package=_is_package(pyproject),
        needs_tree=bool({*inside} - {*members}) and not outside,
        left_out=tuple(sorted(outside)),
        above=max((places[name].split("/").count("..") for name in outside), default=0),
        python=_python(sources, folder) or as_text(locked.get("requires-python")),
        names=frozenset(name for name in places if name),
        problems=(*_outside(lock, outside), *_not_held(lock, asked - held, "uv lock")),
    )


def _is_poetry_s(pyproject: object) -> bool:
    """Whether it names dependencies, in Python's words or in Poetry's."""
    own = at(pyproject, "project", "dependencies")
    return bool(own or as_table(at(pyproject, "tool", "poetry", "dependencies")))


def _poetry(sources: Sources, folder: str, pyproject: object) -> Declared:
    lock = join(folder, "poetry.lock")
    packages = as_items(read_lock(sources.texts[lock]).get("package"))
    own = as_texts(at(pyproject, "project", "dependencies"))
    table = as_table(at(pyproject, "tool", "poetry", "dependencies"))
    names = frozenset(names_of(own) if own else map(normal, table.keys() - {"python"}))
    held = {normal(as_text(at(one, "name"))) for one in packages}
    foreign = [
        as_text(at(one, "name")) for one in packages if poetry_source(one) and _is_of_main(one)
    ]
    line = "poetry export --output requirements.txt"
    return Declared(
        kind="poetry",
        folder=folder,
        files=(join(folder, "pyproject.toml"), lock),
        package=_is_package(pyproject)
        and at(pyproject, "tool", "poetry", "package-mode") is not False,
        python=_python(sources, folder) or as_text(table.get("python")),
        names=names,
        problems=(
            *_not_held(lock, names - held, "poetry lock"),
            *_elsewhere(lock, foreign, line),
        ),
    )


def _is_of_main(package: object) -> bool:
    """Whether it is locked for production too; locks before 2.1 do not say."""
    groups = as_texts(at(package, "groups"))
    return not groups or "main" in groups


def _not_held(lock: str, names: Iterable[str], line: str) -> Iterator[Problem]:
    for name in sorted(names):
        what = f"pyproject.toml asks for {name}, which it does not hold; the image lacks it"
        yield Problem(lock, what, f"Run `{line}`.")


def _pipenv(sources: Sources, folder: str) -> Declared:
    file = join(folder, "Pipfile.lock")
    lock = read_json(sources.texts[file])
    default = as_table(lock.get("default"))
    foreign = [name for name, said in default.items() if pipenv_source(said, lock)]
    return Declared(
        kind="pipenv",
        folder=folder,
        files=(file,),
        python=_python(sources, folder) or as_text(at(lock, "_meta", "requires", "python_version")),
        names=frozenset(map(normal, default)),
        problems=(
            *_elsewhere(file, foreign, "pipenv requirements > requirements.txt"),
            *_empty(file, default),
        ),
    )


def poetry_source(package: object) -> str:
    """The address or the folder that a package of poetry.lock comes from; empty for PyPI."""
    url = as_text(at(package, "source", "url"))
    return "" if _is_pypi(url) else url


def pipenv_source(package: object, lock: object) -> str:
    """The same of Pipfile.lock, which names its indexes in one place."""
    table = as_table(package)
    for kind in ("git", "path", "file"):
        if kind in table:
            return as_text(table[kind])
    index = as_text(table.get("index"))
    urls = {
        as_text(at(one, "name")): as_text(at(one, "url"))
        for one in as_items(at(lock, "_meta", "sources"))
    }
    return "" if not index or _is_pypi(urls.get(index, "")) else urls.get(index) or index


def _empty(lock: str, packages: Mapping[str, object]) -> Iterator[Problem]:
    if not packages:
        yield Problem(lock, "it names nothing that is installed", "Run `pipenv lock`.")


def _elsewhere(lock: str, names: Iterable[str], line: str) -> Iterator[Problem]:
    for name in sorted(set(names)):
        what = f"it takes {name} from elsewhere than PyPI; the image lacks it"
        yield Problem(lock, what, f"Make the image from requirements.txt: `{line}`.")


def _is_pypi(url: str) -> bool:
    """Whether an index is the one that everybody has."""
    return url.startswith(("https://pypi.org/", "https://pypi.python.org/"))


def _pdm(sources: Sources, folder: str, pyproject: object) -> Declared:
    lock = join(folder, "pdm.lock")
    packages = as_items(read_lock(sources.texts[lock]).get("package"))
    said = at(pyproject, "tool", "pdm", "distribution")
    return Declared(
        kind="pdm",
        folder=folder,
        files=(join(folder, "pyproject.toml"), lock),
        package=said if isinstance(said, bool) else _is_package(pyproject),
        needs_tree=any(as_text(at(one, "path")) for one in packages),
        python=_python(sources, folder),
        names=frozenset(names_of(as_texts(at(pyproject, "project", "dependencies")))),
    )


def _outside(lock: str, names: list[str]) -> Iterator[Problem]:
    for name in sorted(names):
        if name != RUNTIME:
            what = f"it takes {name} from a folder outside of the project; the image lacks it"
            yield Problem(lock, what, "Take it from an index, or move it into the project.")


def _place(package: object) -> str:
    """The folder that a locked package comes from; empty where it comes from elsewhere."""
    source = as_table(at(package, "source"))
    return next(
        (
            as_text(source[key])
            for key in ("editable", "directory", "virtual", "path")
            if key in source
        ),
        "",
    )


def _uv_lock(sources: Sources, folder: str) -> str | None:
    """The folder of the project's lock: its own, or that of the workspace around it."""
    if join(folder, "uv.lock") in sources.texts:
        return folder
    above = folder
    while above:
        above = parent_of(above)
        around = read_toml(sources.texts.get(join(above, "pyproject.toml"), ""))
        if join(above, "uv.lock") in sources.texts and at(around, "tool", "uv", "workspace"):
            return above
    return None


def _is_package(pyproject: object) -> bool:
    said = at(pyproject, "tool", "uv", "package")
    return said if isinstance(said, bool) else bool(as_table(at(pyproject, "build-system")))


def _python(sources: Sources, folder: str) -> str:
    """The version that is pinned, else the versions that are allowed."""
    here = folder
    while True:
        pinned = sources.texts.get(join(here, ".python-version"), "")
        line = next((line.strip() for line in pinned.splitlines() if line[:1].isdigit()), "")
        if line:
            return line
        if not here:
            break
        here = parent_of(here)
    pyproject = read_toml(sources.texts.get(join(folder, "pyproject.toml"), ""))
    return as_text(at(pyproject, "project", "requires-python"))


def _with_includes(sources: Sources, first: str) -> Iterator[str]:
    """A requirements file and all that it includes, each once."""
    seen: list[str] = []
    waiting = [first]
    while waiting:
        path = waiting.pop(0)
        if path in seen or path not in sources.texts:
            continue
        seen.append(path)
        yield path
        included = INCLUDE.findall(sources.texts[path])
        waiting += [join(parent_of(path), name) for name in included if "://" not in name]


def _unreadable(sources: Sources, folder: str) -> tuple[Problem, ...]:
    """Why nothing is installed, where a file of another tool names packages."""
    for name, mend in CONVERT.items():
        for path in dict.fromkeys((join(folder, name), name)):
            if sources.has(path):
                what = "an image is made from uv.lock, requirements.txt or pyproject.toml"
                return (Problem(path, what, mend),)
    what = "no file names what the app needs, so nothing is installed into its image"
    return (Problem(folder or ".", what, "Write requirements.txt, or `uv init` and `uv add`."),)
