"""Installing what a declaration names into one environment, by uv; and asking whether it is there.

Every way to declare has one recipe here. What is chosen, and when, is `environments.py`'s.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.local import pinned
from fairway.targets.local.bytecode import is_large
from fairway.targets.local.declarations import Declaration
from fairway.targets.local.uv_command import Uv, problem_of

__all__ = ["fits", "install"]

OLDEST_PYTHON = ">=3.11"  # What fairway-runtime needs.
MOST_COMPILED = 4000  # files: FastAPI with SQLAlchemy has 1,600, Streamlit with pandas 7,000
SYNC = ("sync", "--frozen", "--no-dev", "--inexact")


def fits(uv: Uv, declared: Declaration, environment: Path) -> bool:
    """Whether uv finds nothing to do; changes nothing, needs no network if so.

    Raises `Problems` where the lock lacks what the project asks for.
    """
    if declared.kind == "none":
        return True
    if declared.kind == "uv":
        _refuse_stale_lock(declared)
        outcome = uv.run([*SYNC, "--check"], declared.folder, environment=environment, quiet=True)
        return outcome.code == 0
    if declared.project and not _is_installed(environment, declared.project):
        return False
    arguments = [*_pip(environment), "--dry-run", *_requirements(declared, environment)]
    outcome = uv.run(arguments, declared.folder, quiet=True)
    return outcome.code == 0 and outcome.says("Would make no changes")


def install(
    uv: Uv, declared: Declaration, environment: Path, *, make: bool, again: bool
) -> tuple[str, ...]:
    """Install all that is missing; returns notes. `make`: there is no environment yet.

    `again`: what is there may be half of something, so it is installed anew. Nothing that is not
    declared is removed. Raises `Problems` with uv's reason.
    """
    if declared.kind == "uv":
        _refuse_stale_lock(declared)
    if make:
        _run(uv, ["venv", "--allow-existing", *_python(declared), str(environment)], declared)
    anew = ["--reinstall"] if again else []
    if declared.kind == "none":
        return ("No file names what the app needs, so nothing was installed for it.",)
    if declared.kind == "uv":
        _run(uv, [*SYNC, *anew], declared, environment)
        _compile(uv, [*SYNC], declared, environment)
        return ()
    wanted = _requirements(declared, environment)
    _run(uv, [*_pip(environment), *anew, *wanted], declared)
    _compile(uv, [*_pip(environment), *wanted], declared, environment)
    notes: tuple[str, ...] = ()
    if declared.kind in {"poetry", "pdm"}:
        notes = (f"Installed with uv, at the versions in {declared.where.rpartition('/')[2]}.",)
    return notes + _install_project(uv, declared, environment)


def _compile(uv: Uv, arguments: list[str], declared: Declaration, environment: Path) -> None:
    """Have what was installed compiled, where an app imports most of it anyway.

    Of a large environment it imports a part: compiling all of pandas, pyarrow and Streamlit took
    15 s before the first page, and what they import compiles in 3. What goes wrong here goes
    wrong nowhere else: Python then compiles as it imports.
    """
    if not is_large(environment / "lib", MOST_COMPILED):
        at = environment if declared.kind == "uv" else None
        uv.run([*arguments, "--compile-bytecode"], declared.folder, environment=at, quiet=True)


def _install_project(uv: Uv, declared: Declaration, environment: Path) -> tuple[str, ...]:
    """Install the app itself where it is a package; that it cannot be built stops nothing.

    Its code is found by PYTHONPATH anyway; what it lacks then is its metadata and its commands.
    """
    if not declared.project:
        return ()
    outcome = uv.run([*_pip(environment), "--no-deps", "-e", "."], declared.folder)
    if outcome.code == 0:
        return ()
    last = [line.strip() for line in outcome.lines if line.strip()][-1:]
    return (
        f"{declared.project} itself could not be installed ({' '.join(last)}); it runs anyway.",
    )


def _run(
    uv: Uv, arguments: list[str], declared: Declaration, environment: Path | None = None
) -> None:
    outcome = uv.run(arguments, declared.folder, environment=environment)
    if outcome.code:
        raise Problems([problem_of(outcome, declared.where)], exit_code=1)


def _pip(environment: Path) -> list[str]:
    return ["pip", "install", "--python", str(environment / "bin" / "python")]


def _python(declared: Declaration) -> list[str]:
    """Which Python a new environment gets: what the project pins, or the first that it allows."""
    if declared.python:
        return []
    allowed = [clause for clause in (declared.requires_python, OLDEST_PYTHON) if clause]
    return ["--python", ",".join(allowed)]


def _requirements(declared: Declaration, environment: Path) -> list[str]:
    """The arguments of `uv pip install` that name what the declaration does."""
    own = ["-r", "pyproject.toml"] if declared.has_dependencies else []
    match declared.kind:
        case "requirements":
            return ["-r", "requirements.txt", *own]
        case "pyproject":
            return ["-r", "pyproject.toml"]
        case "setup":
            return ["-r", declared.where.rpartition("/")[2]]
        case "poetry" | "pdm" | "pipenv":
            found = _pinned(declared)
            arguments = _file("-r", environment / ".fairway.requirements.txt", found.requirements)
            if found.constraints:
                constraints = environment / ".fairway.constraints.txt"
                arguments += _file("-c", constraints, found.constraints)
            return arguments + (own if found.own else [])
        case "uv" | "none":
            return []


def _file(option: str, path: Path, lines: tuple[str, ...]) -> list[str]:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [option, str(path)]


def _pinned(declared: Declaration) -> pinned.Pinned:
    assert declared.lock is not None
    lock = declared.lock.read_text(encoding="utf-8")
    try:
        if declared.kind == "pipenv":
            return pinned.from_pipenv(lock)
        if declared.kind == "pdm":
            return pinned.from_pdm(lock)
        pyproject = (declared.folder / "pyproject.toml").read_text(encoding="utf-8")
        return pinned.from_poetry(pyproject, lock)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"The lock cannot be read: {error}."
        raise Problems([Problem(declared.where, what, "Lock again.")]) from None


def _is_installed(environment: Path, project: str) -> bool:
    """Whether the package's metadata is there, under its normalised name."""
    name = re.sub(r"[-_.]+", "_", project).lower()
    found = environment.glob("lib/python*/site-packages/*.dist-info")
    return any(one.name.lower().startswith(f"{name}-") for one in found)


def _refuse_stale_lock(declared: Declaration) -> None:
    """Raise where pyproject.toml asks for a package that uv.lock does not know.

    `uv sync --frozen` takes the lock as it is: the app would start without it, and fail.
    """
    assert declared.lock is not None
    try:
        packages = tomllib.loads(declared.lock.read_text(encoding="utf-8")).get("package", [])
        pyproject = tomllib.loads((declared.folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError):
        return  # uv says it better.
    project = cast("Mapping[str, Any]", pyproject.get("project", {}))
    wanted = {_name(text) for text in cast("list[str]", project.get("dependencies", []))}
    known = {str(package.get("name")) for package in cast("list[Mapping[str, Any]]", packages)}
    missing = sorted(wanted - known)
    if missing:
        what = f"It does not know {', '.join(missing)}, which pyproject.toml asks for."
        raise Problems([Problem(declared.where, what, "Lock again: `uv lock`.")])


def _name(requirement: str) -> str:
    found = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""
