"""The app's own Python environment: its `.venv` with what the app says that it needs.

A `.venv` that fits is used as it is, whoever made it. One that does not is brought up to date
while nothing runs from it, never emptied: a developer's tools stay. While something does run
from it, the new revision gets its own under `.fairway/environments/<digest>/`.

Two small files inside an environment say how it stands: `.fairway` that it fits which digest,
`.fairway.installing` that an installation began. A kill leaves the second one, and the next
`ensure` installs everything again. What changes an environment from outside changes the times
that the first one holds, and it is looked at anew. No change: three files are read, uv not run.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fairway.core.problem import Problem, Problems
from fairway.targets.local import declarations, private
from fairway.targets.local.declarations import Declaration
from fairway.targets.local.installation import fits, install
from fairway.targets.local.uv_command import Uv

__all__ = ["Environment", "ensure", "prune_environments"]

FORMAT = 1
MARKER = ".fairway"
INSTALLING = ".fairway.installing"
MADE_HERE = "made here"  # in the second line of that: there was no environment before

Condition = Literal["absent", "usable", "broken", "foreign"]


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that fits; `notes` are sentences that its user should hear."""

    folder: Path
    python_version: str
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where its packages are."""
        return packages_folder(self.folder, self.python_version)


def ensure(
    root: Path, folder: str, *, home: Path, state: Path, in_use: bool, uv: Uv
) -> Environment:
    """An environment with what the code in `root`/`folder` needs, installed where it is missing.

    `root` is a revision's source or the app's folder itself; `home` is the app's folder, whose
    `.venv` this is about; `state` is `.fairway`. `in_use`: something runs from that `.venv`.
    Raises `Problems` where it cannot be had, with uv's reason.
    """
    wanted = declarations.read(root, folder)
    place = os.path.relpath(wanted.folder, os.path.normpath(root))
    own = Path(os.path.normpath(home / place / ".venv"))
    separate = state / "environments" / wanted.digest[:12]
    for candidate in (own, separate):
        ready = _ready(candidate, wanted.digest)
        if ready:
            return ready
    with _alone(state / "environments", uv):
        ready = _ready(own, wanted.digest) or _ready(separate, wanted.digest)
        if ready:
            return ready
        at_home = _same_at(home, folder, wanted)
        ready = _bring_about(wanted, at_home, own, separate, in_use=in_use, uv=uv)
        if at_home and not _same_at(home, folder, wanted):
            (ready.folder / MARKER).unlink()
            what = "It changed while it was being installed."
            raise Problems([Problem(wanted.where, what, "Run it again.")], exit_code=1)
        return ready


def prune_environments(state: Path, keep: Collection[str]) -> tuple[str, ...]:
    """Delete the separate environments whose digest is not in `keep`; the digests' starts."""
    folder = state / "environments"
    short = {digest[:12] for digest in keep}
    gone: list[str] = []
    for found in sorted(folder.iterdir()) if folder.is_dir() else []:
        if found.is_dir() and found.name not in short:
            shutil.rmtree(found, ignore_errors=True)
            gone.append(found.name)
    return tuple(gone)


def packages_folder(environment: Path, python_version: str) -> Path:
    """`lib/python3.11/site-packages` of an environment."""
    minor = ".".join(python_version.split(".")[:2])
    return environment / "lib" / f"python{minor}" / "site-packages"


# -- Which environment -----------------------------------------------------------------------


def _bring_about(
    wanted: Declaration,
    at_home: Declaration | None,
    own: Path,
    separate: Path,
    *,
    in_use: bool,
    uv: Uv,
) -> Environment:
    """Use, mend or make `.venv` where that is right, else the separate one."""
    notes: tuple[str, ...] = ()
    condition = _condition(own)
    if at_home and condition == "foreign":
        notes = (f"{own} is no Python environment, so it was left alone.",)
    elif at_home and condition == "usable" and (asked := _other_python(own, wanted)):
        if _is_unfinished(own) and not in_use:
            shutil.rmtree(own)
            return _install_into(own, at_home, wanted.digest, uv, ())
        note = (
            f"{own} has Python {_python_version(own)}, which {asked}, so it was left alone. "
            "Remove it to get it made anew."
        )
        notes = (note,)
    elif at_home:
        interrupted = (own / INSTALLING).exists()
        if condition == "usable" and not interrupted and fits(uv, at_home, own):
            return _mark(own, wanted.digest, ())
        if not in_use:
            return _install_into(own, at_home, wanted.digest, uv, notes)
    return _install_into(separate, at_home or wanted, wanted.digest, uv, notes)


def _install_into(
    environment: Path, declared: Declaration, digest: str, uv: Uv, notes: tuple[str, ...]
) -> Environment:
    """Install between two marks, so that an interruption shows."""
    condition = _condition(environment)
    again = condition == "broken" or (environment / INSTALLING).exists()
    environment.mkdir(parents=True, exist_ok=True)
    (environment / MARKER).unlink(missing_ok=True)
    is_new = condition == "absent" or _is_unfinished(environment)
    begun = f"{digest}\n{MADE_HERE if is_new else ''}"
    private.write(environment / INSTALLING, begun, mode=0o644)
    said = install(uv, declared, environment, make=condition != "usable", again=again)
    ready = _mark(environment, digest, notes + said)
    (environment / INSTALLING).unlink()
    return ready


def _same_at(home: Path, folder: str, wanted: Declaration) -> Declaration | None:
    """The app's folder's own declaration, where it says the same as the revision's."""
    try:
        here = declarations.read(home, folder)
    except Problems:
        return None
    return here if here.digest == wanted.digest else None


# -- How one stands --------------------------------------------------------------------------


def _ready(environment: Path, digest: str) -> Environment | None:
    """The environment, where it is known to fit and nothing has touched it since."""
    try:
        marker = json.loads((environment / MARKER).read_bytes())
        version = str(marker["python"])
        packages_ns = packages_folder(environment, version).stat().st_mtime_ns
        fit = (marker["format"], marker["digest"], marker["packages_ns"])
        if fit != (FORMAT, digest, packages_ns) or (environment / INSTALLING).exists():
            return None
        (environment / "bin" / "python").stat()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    notes = tuple(str(note) for note in marker.get("notes", ()))
    return Environment(environment, version, digest, notes)


def _mark(environment: Path, digest: str, notes: tuple[str, ...]) -> Environment:
    version = _python_version(environment)
    marker = {
        "format": FORMAT,
        "digest": digest,
        "python": version,
        "packages_ns": packages_folder(environment, version).stat().st_mtime_ns,
        "notes": notes,
    }
    private.write(environment / MARKER, json.dumps(marker, indent=2) + "\n", mode=0o644)
    return Environment(environment, version, digest, notes)


def _condition(environment: Path) -> Condition:
    if not environment.exists():
        return "absent"
    if not (environment / "pyvenv.cfg").exists():
        ours = (environment / INSTALLING).exists()
        holds = not environment.is_dir() or any(environment.iterdir())
        return "foreign" if holds and not ours else "absent"
    works = (environment / "bin" / "python").exists() and _python_version(environment)
    has_packages = works and packages_folder(environment, _python_version(environment)).is_dir()
    return "usable" if has_packages else "broken"


def _python_version(environment: Path) -> str:
    """What `pyvenv.cfg` says, as uv, virtualenv and the standard library write it."""
    try:
        text = (environment / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return ""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    values = {name.strip(): value.strip() for name, value in said.items()}
    version = values.get("version_info") or values.get("version") or ""
    return ".".join(version.split(".")[:3])


def _other_python(environment: Path, wanted: Declaration) -> str:
    """What says that its Python is not the one; empty where it may be."""
    version = _python_version(environment)
    if not declarations.allows(wanted.requires_python, version):
        return f"{wanted.where} does not allow ({wanted.requires_python})"
    if not declarations.is_the_pinned(wanted.python, version):
        return f".python-version does not name ({wanted.python})"
    return ""


def _is_unfinished(environment: Path) -> bool:
    """Whether it was made here, and nothing has run from it yet."""
    with suppress(OSError):
        return MADE_HERE in (environment / INSTALLING).read_text(encoding="utf-8")
    return False


@contextmanager
def _alone(folder: Path, uv: Uv) -> Generator[None]:
    """One installation at a time; the lock ends with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        said = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    uv.report("Another installation is under way; waiting for it.")
                said = True
                uv.check_stop()
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
