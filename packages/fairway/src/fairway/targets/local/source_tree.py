"""What is in an app's folder: the sorted entries that make up its code.

One walk with `os.scandir`; it reads names and times, no contents except `.fairwayignore`.
Environments and caches are left out whatever they are called: a folder that holds `pyvenv.cfg`
or `CACHEDIR.TAG` is one.
"""

# ruff: noqa: PTH115, PTH117, PTH118, PTH120 - for 50,000 names plain strings take half the time

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from fairway.core.problem import Problem, Problems
from fairway.targets.local import ignore

__all__ = ["Entry", "Limits", "Tree", "file_entry", "scan", "unreadable"]

Kind = Literal["f", "x", "l", "d"]  # file, executable file, link, folder
NOT_CODE = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest folder that is taken for an app's code."""

    size_bytes: int = 500_000_000
    files: int = 50_000

    @staticmethod
    def none() -> "Limits":
        """No limit."""
        return Limits(1 << 62, 1 << 62)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `path` has `/` between its parts, `target` is where a link points."""

    path: str
    kind: Kind
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """Entries sorted by path, folders before what is in them; sentences on what was skipped."""

    entries: tuple[Entry, ...]
    skipped: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    """One walk's state: gathered entries, and the sums that the limits hold against."""

    root: str
    rules: Sequence[ignore.Rule]
    limits: Limits
    without: str
    entries: list[Entry] = field(default_factory=list[Entry])
    links: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    skipped: list[str] = field(default_factory=list[str])
    files: int = 0
    size_bytes: int = 0
    ended: bool = False


def scan(source: Path, limits: Limits, *, without: Path | None = None) -> Tree:
    """All that belongs to the code in `source`, except the folder `without`.

    Raises `Problems` where `source` is no folder, cannot be read, or is over the limits.
    """
    root = str(source.absolute())
    left_out = str(without.absolute()) if without else ""
    walk = _Walk(root, _rules(root), limits, left_out)
    try:
        _walk_folder(walk, root, "")
    except (FileNotFoundError, NotADirectoryError):
        what = "There is no such folder."
        raise Problems([Problem(str(source), what, "Give the folder of the app.")]) from None
    walk.ended = True
    _refuse_too_large(walk)
    left = {entry.path for entry in walk.entries}
    for path, target in walk.links:
        _keep_link(walk, left, path, target)
    entries = tuple(sorted(walk.entries, key=lambda entry: os.fsencode(entry.path)))
    return Tree(entries, tuple(sorted(walk.skipped)))


def file_entry(path: str, found: os.stat_result) -> Entry:
    """The entry of a regular file with this state."""
    return Entry(
        path=path,
        kind="x" if found.st_mode & 0o100 else "f",
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
    )


def unreadable(path: str, error: OSError) -> Problems:
    """The problem of a file or folder that cannot be read."""
    what = f"It cannot be copied into a revision: {error.strerror or error}."
    mend = f"Make it readable, or leave it out with a line in {ignore.FILE_NAME}."
    return Problems([Problem(path, what, mend)])


def _rules(root: str) -> tuple[ignore.Rule, ...]:
    """The defaults, then the app's own file."""
    try:
        with Path(root, ignore.FILE_NAME).open(encoding="utf-8", errors="replace") as file:
            own = file.read()
    except FileNotFoundError:
        own = ""
    except OSError as error:
        raise unreadable(ignore.FILE_NAME, error) from None
    return _default_rules() + ignore.parse(own)


@cache
def _default_rules() -> tuple[ignore.Rule, ...]:
    return ignore.parse(ignore.DEFAULTS)


def _walk_folder(walk: _Walk, folder: str, prefix: str) -> None:
    try:
        with os.scandir(folder) as found:
            children = list(found)
    except PermissionError as error:
        raise unreadable(prefix or folder, error) from None
    if prefix:
        if any(child.name in NOT_CODE for child in children):
            return
        walk.entries.append(Entry(prefix[:-1], "d"))
    for child in children:
        path = prefix + child.name
        is_folder = child.is_dir(follow_symlinks=False)
        if ignore.is_left_out(walk.rules, path, child.name, is_folder=is_folder):
            continue
        if is_folder:
            if child.path != walk.without:
                _walk_folder(walk, child.path, f"{path}/")
        else:
            _take_file(walk, child, path)


def _take_file(walk: _Walk, child: os.DirEntry[str], path: str) -> None:
    try:
        found = child.stat(follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            walk.links.append((path, os.readlink(child.path)))
            return
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        walk.skipped.append(f"{path} is no file: a socket, a pipe or a device.")
        return
    walk.entries.append(file_entry(path, found))
    walk.files += 1
    walk.size_bytes += found.st_size
    if walk.files > 4 * walk.limits.files:
        _refuse_too_large(walk)  # Far over: what is found so far says enough.


def _keep_link(walk: _Walk, left: set[str], path: str, target: str) -> None:
    """Keep a link that stays inside, relative: an absolute one would lead back to the folder."""
    at = os.path.join(walk.root, os.path.dirname(path))
    real_root = os.path.realpath(walk.root)
    real = os.path.realpath(os.path.join(at, target))
    inside = os.path.relpath(real, real_root)
    if inside == ".." or inside.startswith("../"):
        walk.skipped.append(f"{path} is a link that leads outside: {target}.")
        return
    if os.path.lexists(real) and inside != "." and inside not in left:
        walk.skipped.append(f"{path} is a link to what is left out: {inside}.")
        return
    if os.path.isabs(target):
        target = os.path.relpath(real, os.path.realpath(at))
    walk.entries.append(Entry(path, "l", target=target))


# -- Limits ----------------------------------------------------------------------------------


def _refuse_too_large(walk: _Walk) -> None:
    if walk.files <= walk.limits.files and walk.size_bytes <= walk.limits.size_bytes:
        return
    largest = ", ".join(_largest(walk))
    at_least = "" if walk.ended else "at least "
    what = (
        f"It holds {at_least}{_megabytes(walk.size_bytes)} in {walk.files:,} files, more than code "
        f"does (at most {_megabytes(walk.limits.size_bytes)}, {walk.limits.files:,} files). "
        f"Most of it: {largest}."
    )
    mend = (
        f"Name what the app does not need in {ignore.FILE_NAME}, a line each "
        "(as in .gitignore). Data belongs in a bucket or a database."
    )
    raise Problems([Problem(walk.root, what, mend)])


def _largest(walk: _Walk) -> list[str]:
    """The three folders or files that a line in `.fairwayignore` would best name.

    A folder stands for itself unless one entry in it holds most of it, which then does.
    """
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for entry in walk.entries:
        parts = entry.path.split("/") if entry.kind in "fx" else []
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            sizes[path] = sizes.get(path, 0) + entry.size
            counts[path] = counts.get(path, 0) + 1
    by_size = walk.size_bytes > walk.limits.size_bytes
    weights = sizes if by_size else counts
    children: dict[str, list[str]] = {}
    for path in weights:
        children.setdefault(os.path.dirname(path), []).append(path)
    named: list[str] = []
    for top in sorted(children.get("", []), key=lambda one: (-weights[one], one))[:3]:
        path = top
        while children.get(path):
            heaviest = max(children[path], key=lambda one: weights[one])
            if weights[heaviest] < 0.8 * weights[path]:
                break
            path = heaviest
        files = f"{counts[path]:,} files" if path in children else "one file"
        named.append(f"{path} ({_megabytes(sizes[path])}, {files})")
    return named


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
