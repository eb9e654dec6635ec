"""How an app says what it needs: the files that name its dependencies, and their digest.

`read` looks for, in this order: `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`,
`requirements.txt`, `pyproject.toml`, `setup.py`. The digest covers what decides an installation and
nothing else, so that a change of a linter's settings does not make a new environment. Nothing is
installed here.
"""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from fairway.core.problem import Problem, Problems

__all__ = ["Declaration", "allows", "is_the_pinned", "read"]

Kind = Literal["uv", "poetry", "pdm", "pipenv", "requirements", "pyproject", "setup", "none"]

FORMAT = 1
# The tables of pyproject.toml that decide what is installed, and how.
PROJECT_TABLES = ("project", "build-system", "dependency-groups")
TOOL_TABLES = ("uv", "poetry", "hatch", "pdm", "flit", "setuptools", "setuptools_scm")
INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)(?:\s+|=)(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an app needs, and where it says so.

    `folder` is where it says so, `where` the file, `lock` the lock's path. `project` is the name
    under which the app itself is to be installed, None where it is not a package; `python` what
    `.python-version` says.
    """

    kind: Kind
    folder: Path
    where: str
    digest: str
    lock: Path | None = None
    requires_python: str = ""
    python: str = ""
    project: str | None = None
    has_dependencies: bool = False


def read(root: Path, folder: str = ".") -> Declaration:
    """What the code in `root`/`folder` needs: declared there, or in the nearest folder above it.

    Looks no higher than `root`. Raises `Problems` where a file cannot be read, or names
    dependencies in a way that cannot be installed.
    """
    top = Path(os.path.normpath(root))
    start = Path(os.path.normpath(root / folder))
    for here in (start, *start.parents):
        found = _read_folder(here, top)
        if found:
            return replace(found, where=os.path.relpath(here / found.where, top))
        if here == top:
            break
    conda = start / "environment.yml"
    if conda.exists():
        what = "Fairway does not install conda environments."
        raise Problems([Problem("environment.yml", what, "Name the packages in requirements.txt.")])
    return Declaration("none", top, "", hashlib.sha256(b"none").hexdigest())


def _read_folder(folder: Path, root: Path) -> Declaration | None:
    toml = _pyproject(folder)
    found = _decisive(folder, root, toml)
    if not found:
        return None
    project = _table(toml, "project")
    dependencies = project.get("dependencies") or "dependencies" in _dynamic(project)
    return Declaration(
        kind=found.kind,
        folder=folder,
        where=found.where,
        digest=_digest(found, folder, toml),
        lock=found.files[0] if found.kind in {"uv", "poetry", "pdm", "pipenv"} else None,
        requires_python=str(project.get("requires-python", "")),
        python=_pinned_python(folder),
        project=_package_name(toml),
        has_dependencies=bool(dependencies),
    )


def _pinned_python(folder: Path) -> str:
    """What `.python-version` says: its first line that is no comment, as uv reads it."""
    path = folder / ".python-version"
    text = _bytes(path).decode(errors="replace") if path.exists() else ""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return next(filter(None, lines), "")


class _Decisive(NamedTuple):
    """The file that decides, and all that it takes to install what it says."""

    kind: Kind
    where: str
    files: tuple[Path, ...]


def _decisive(folder: Path, root: Path, toml: Mapping[str, Any]) -> _Decisive | None:
    """The first of the ways to declare that this folder uses; raises where it has no lock."""
    project = _table(toml, "project")
    poetry = _table(toml, "tool", "poetry")
    lock = _uv_lock(folder, root) if project or _table(toml, "tool", "uv") else None
    if lock:
        return _Decisive("uv", os.path.relpath(lock, folder), (lock,))
    if toml and (folder / "poetry.lock").exists():
        return _Decisive("poetry", "poetry.lock", (folder / "poetry.lock",))
    if project and (folder / "pdm.lock").exists():
        return _Decisive("pdm", "pdm.lock", (folder / "pdm.lock",))
    if (folder / "Pipfile.lock").exists():
        return _Decisive("pipenv", "Pipfile.lock", (folder / "Pipfile.lock",))
    if (folder / "requirements.txt").exists():
        files = _with_includes(folder / "requirements.txt")
        return _Decisive("requirements", "requirements.txt", tuple(files))
    if (folder / "Pipfile").exists():
        what = "Pipfile has no lock, so what it needs is not decided."
        raise Problems([Problem("Pipfile", what, "Run `pipenv lock`.")])
    if poetry.get("dependencies") and not project.get("dependencies"):
        what = "The project has no poetry.lock, so what it needs is not decided."
        raise Problems([Problem("pyproject.toml", what, "Run `poetry lock`.")])
    if project:
        return _Decisive("pyproject", "pyproject.toml", ())
    setup = [folder / name for name in ("setup.py", "setup.cfg") if (folder / name).exists()]
    if any(b"install_requires" in _bytes(path) for path in setup):
        return _Decisive("setup", setup[0].name, tuple(setup))
    return None


def _digest(found: _Decisive, folder: Path, toml: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(f"fairway environment {FORMAT}\0{found.kind}\0".encode())
    tool = _table(toml, "tool")
    deciding = {name: toml.get(name) for name in PROJECT_TABLES}
    deciding["tool"] = {name: tool.get(name) for name in TOOL_TABLES}
    digest.update(json.dumps(deciding, sort_keys=True, default=str).encode())
    python = folder / ".python-version"
    for path in (*found.files, *([python] if python.exists() else [])):
        content = _bytes(path)
        digest.update(f"\0{os.path.relpath(path, folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _uv_lock(folder: Path, root: Path) -> Path | None:
    """The project's lock: its own, or that of the workspace around it."""
    if (folder / "uv.lock").exists():
        return folder / "uv.lock"
    for above in folder.parents:
        if not above.is_relative_to(root):
            return None
        if (above / "uv.lock").exists() and _table(_pyproject(above), "tool", "uv", "workspace"):
            return above / "uv.lock"
    return None


def _with_includes(first: Path) -> list[Path]:
    """A requirements file and all that it includes, each once."""
    files: list[Path] = []
    waiting = [first]
    while waiting:
        path = Path(os.path.normpath(waiting.pop()))
        if path in files:
            continue
        files.append(path)
        included = INCLUDE.findall(_bytes(path).decode("utf-8", "replace"))
        waiting.extend(path.parent / name for name in included if "://" not in name)
    return files


def _package_name(toml: Mapping[str, Any]) -> str | None:
    """The name under which the app is installed, where it says how it is built."""
    uv = _table(toml, "tool", "uv")
    is_package = uv.get("package", "build-system" in toml)
    name = _table(toml, "project").get("name")
    return str(name) if is_package and name else None


def _pyproject(folder: Path) -> Mapping[str, Any]:
    path = folder / "pyproject.toml"
    if not path.exists():
        return {}
    try:
        return tomllib.loads(_bytes(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = f"It is not valid TOML: {error}."
        raise Problems([Problem("pyproject.toml", what, "Mend that line.")]) from None


def _table(toml: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """A table in a table; empty where there is none."""
    here: Any = toml
    for name in names:
        here = cast("Mapping[str, Any]", here).get(name)
        if not isinstance(here, dict):
            return {}
    return cast("Mapping[str, Any]", here)


def _dynamic(project: Mapping[str, Any]) -> tuple[str, ...]:
    dynamic: object = project.get("dynamic", [])
    return (
        tuple(str(name) for name in cast("list[object]", dynamic))
        if isinstance(dynamic, list)
        else ()
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        what = "There is no such file, but another one includes it."
        raise Problems([Problem(path.name, what, "Add it, or take out the line.")]) from None
    except OSError as error:
        what = f"It cannot be read: {error.strerror}."
        raise Problems([Problem(path.name, what, "Make it readable.")]) from None


def is_the_pinned(python: str, version: str) -> bool:
    """Whether what `.python-version` says is this version; words other than numbers may be any."""
    return not re.fullmatch(r"[0-9.]+", python) or allows(f"=={python}.*", version)


def allows(requires_python: str, version: str) -> bool:
    """Whether `requires-python` allows this version; a clause that is not understood does.

    Knows the comparisons of PEP 440 on release numbers, which is all that Pythons have.
    """
    have = _numbers(version)
    for clause in requires_python.split(","):
        found = re.fullmatch(r"\s*(~=|===?|!=|<=|>=|<|>)\s*([0-9.]+?)(\.\*)?\s*", clause)
        if not found:
            continue
        sign, wanted, star = found[1], _numbers(found[2]), bool(found[3])
        same = have[: len(wanted)] == wanted if star else _padded(have) == _padded(wanted)
        fits = {
            "~=": _padded(have) >= _padded(wanted) and have[: len(wanted) - 1] == wanted[:-1],
            "==": same,
            "===": same,
            "!=": not same,
            "<=": _padded(have) <= _padded(wanted),
            ">=": _padded(have) >= _padded(wanted),
            "<": _padded(have) < _padded(wanted),
            ">": _padded(have) > _padded(wanted),
        }
        if not fits[sign]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0, 0)[:3]
