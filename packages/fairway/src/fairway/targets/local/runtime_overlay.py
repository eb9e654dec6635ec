"""Fairway's runtime for apps that do not have it: a folder of packages beside the environment.

The app's environment stays its own: `fairway-runtime`, its server and what makes it fast are
installed into `.fairway/runtime/<key>/`, and `boot.py` puts that folder at the END of the search
path, so a version that the app has wins. The key comes from the runtime's version (its source,
where it is installed from a folder), the app's Python and the platform. The folder is built under
another name and renamed: one that has its name is whole.
"""

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from fairway.core.problem import Problem, Problems
from fairway.targets.local import file_contents, source_tree
from fairway.targets.local.uv_command import Outcome, Uv, problem_of

__all__ = ["Overlay", "Source", "ensure_overlay", "find_source", "prune_overlays"]

FORMAT = 1
OLDEST = (3, 11)
DISTRIBUTION = "fairway_runtime"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A folder with the runtime and what it needs."""

    folder: Path
    key: str

    @property
    def boot(self) -> Path:
        """The script that starts a replica."""
        return self.folder / DISTRIBUTION / "boot.py"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the runtime comes from: the requirement for uv, and what tells one from another."""

    requirement: str
    digest: str


def ensure_overlay(
    python: Path, python_version: str, *, state: Path, uv: Uv, source: Source | None = None
) -> Overlay:
    """The overlay for an environment's `python`, installed into `state`/runtime if it is missing.

    `source` is found where it is not given. Raises `Problems` with uv's reason.
    """
    if tuple(int(part) for part in python_version.split(".")[:2]) < OLDEST:
        what = f"The app's environment has Python {python_version}; Fairway's runtime needs 3.11."
        mend = 'Set requires-python = ">=3.11" (or .python-version), and remove its .venv.'
        raise Problems([Problem(str(python), what, mend)])
    source = source or find_source(sys.path)
    minor = ".".join(python_version.split(".")[:2])
    about = f"{FORMAT}\0{source.digest}\0{minor}\0{sysconfig.get_platform()}"
    key = hashlib.sha256(about.encode()).hexdigest()[:12]
    overlay = Overlay(state / "runtime" / key, key)
    if not overlay.boot.exists():
        _install(overlay, python, source, uv)
    return overlay


def prune_overlays(state: Path, keep: Collection[str]) -> None:
    """Delete all overlays but those with these keys."""
    folder = state / "runtime"
    for found in sorted(folder.iterdir()) if folder.is_dir() else []:
        if found.name not in keep:
            shutil.rmtree(found, ignore_errors=True)


def find_source(search_path: Iterable[str]) -> Source:
    """Where this tool's own runtime came from, which is what apps get: `direct_url.json`'s word.

    Read by hand: `importlib.metadata` takes longer to import than all of this.
    """
    metadata = _metadata_folder(search_path)
    version = metadata.name.removesuffix(".dist-info").rpartition("-")[2]
    try:
        told = json.loads((metadata / "direct_url.json").read_bytes())
    except FileNotFoundError:
        return Source(f"fairway-runtime[all]=={version}", version)
    url = str(told["url"])
    if "dir_info" in told:
        folder = Path(unquote(urlsplit(url).path))
        return Source(f"fairway-runtime[all] @ {folder.as_uri()}", _folder_digest(folder))
    if "vcs_info" in told:
        vcs = cast("dict[str, Any]", told["vcs_info"])
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return Source(f"fairway-runtime[all] @ {url}", f"{version} {url}")


def _metadata_folder(search_path: Iterable[str]) -> Path:
    for place in search_path:
        try:
            found = sorted(Path(place).glob(f"{DISTRIBUTION}-*.dist-info"))
        except OSError:
            continue
        if found:
            return found[0]
    what = "Fairway's own runtime is not installed beside it."
    raise Problems([Problem("fairway-runtime", what, "Install Fairway again.")])


def _folder_digest(folder: Path) -> str:
    """The digest of a runtime that is being worked on: of its package and its project file."""
    root = folder / "src"
    entries = source_tree.scan(root, source_tree.Limits.none()).entries
    digests = file_contents.read_digests(str(root), entries, {})
    whole = hashlib.sha256(json.dumps(sorted(digests.items())).encode())
    whole.update((folder / "pyproject.toml").read_bytes())
    return whole.hexdigest()


def _install(overlay: Overlay, python: Path, source: Source, uv: Uv) -> None:
    parent = overlay.folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".making-{os.getpid()}-", dir=parent))
    try:
        place = making / "packages"
        target = ["--target", str(place), "--python", str(python)]
        # Of a folder uv would take the wheel that it built from it before.
        fresh = ["--compile-bytecode", "--refresh-package", "fairway-runtime"]
        outcome: Outcome = uv.run(["pip", "install", *fresh, *target, source.requirement], parent)
        if outcome.code:
            raise Problems([problem_of(outcome, source.requirement)], exit_code=1)
        try:
            place.rename(overlay.folder)
        except OSError:
            if not overlay.boot.exists():  # Otherwise another process was first.
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
