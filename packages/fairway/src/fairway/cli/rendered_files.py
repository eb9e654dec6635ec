"""Writes rendered files into a folder: each whole or not at all, and nobody else's replaced.

A list in the folder, `.fairway-rendered.json`, says which files are Fairway's, with the digest of
what it wrote. A file that is not in it, or was changed since, stops the whole before anything is
written.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from fairway.core.problem import Problem, Problems

__all__ = ["LIST", "write"]

LIST = ".fairway-rendered.json"


def write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Make `folder` hold exactly these files of Fairway's; the paths that were written, sorted.

    Files that Fairway wrote before and that are no longer wanted are removed. Raises `Problems`
    where a file is in the way.
    """
    before = _listed(folder)
    foreign = [
        _in_the_way(folder / path, is_known=path in before)
        for path in sorted({*files, *before})
        if (folder / path).exists()
        and before.get(path) != _digest((folder / path).read_bytes())
        and (folder / path).read_bytes() != files.get(path, "").encode()
    ]
    if foreign:
        raise Problems(foreign)
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in sorted(files.items()):
        _replace(folder / path, content)
    for path in sorted(before.keys() - files.keys()):
        (folder / path).unlink(missing_ok=True)
    now = {path: _digest(content.encode()) for path, content in sorted(files.items())}
    _replace(folder / LIST, json.dumps(now, indent=1) + "\n")
    return sorted(files)


def _listed(folder: Path) -> dict[str, str]:
    """Path -> digest of what Fairway wrote here last; only plain names count."""
    file = folder / LIST
    if not file.exists():
        return {}
    try:
        said: object = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        said = None
    if not isinstance(said, dict):
        mend = "Remove it; the files that it listed then count as yours."
        raise Problems([Problem(str(file), "it is not the list that Fairway wrote", mend)])
    found = cast("dict[str, Any]", said)
    return {path: str(digest) for path, digest in found.items() if Path(path).name == path}


def _in_the_way(file: Path, *, is_known: bool) -> Problem:
    if is_known:
        return Problem(str(file), "it was changed by hand", "Move it away to render it anew.")
    what = "it is there already, and Fairway did not write it"
    return Problem(str(file), what, "Choose another folder, or move it away.")


def _replace(file: Path, content: str) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
