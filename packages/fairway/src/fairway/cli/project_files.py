"""Reads a project's folder for `core/detect`: the texts that matter, and every path.

Effects only, no judgement: which files are the app's is decided from what this returns. Bounded
in files, bytes and depth, so that `fairway init` in a home folder ends soon. Never follows a
link out of the folder, never reads `.env` (it holds secrets), and never runs anything.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fairway.core.detect.sources import Skipped, Sources
from fairway.core.problem import Problem, Problems

__all__ = ["Bounds", "read_project"]

IGNORED = frozenset({
    ".venv", "venv", "env", ".env", "node_modules", ".git", ".hg", ".svn", "__pycache__", ".tox",
    ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode",
    ".fairway", "site-packages", ".next", ".nuxt", ".svelte-kit", ".cache", ".terraform",
    "bower_components", ".eggs", "build", "dist", "htmlcov", ".ipynb_checkpoints", "virtualenv",
    ".direnv",
    ".pixi", ".conda", "vendor", ".serverless", ".aws-sam", "cdk.out",
})  # fmt: skip
NAMES = frozenset({
    "Dockerfile", "Procfile", "Pipfile", "Makefile", "justfile", "Justfile", "crontab", "cronjobs",
    "pyproject.toml", "setup.cfg", "setup.py", "alembic.ini", "package.json", "manifest.yml",
    "manifest.yaml", "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml",
    "environment.yml", "environment.yaml", ".flaskenv", ".python-version", ".env.example",
    ".env.sample", ".env.template", ".env.dist", "env.example", "index.html",
})  # fmt: skip
ENDINGS = (".py", ".sh", ".Dockerfile", ".cron", ".crontab", "requirements.txt")
STARTS = ("Dockerfile.", "vite.config.", "next.config.", "nuxt.config.", "requirements", "README")
TEXTLESS = (".png", ".pdf", ".html", ".svg", ".pyc", ".gz")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read at most. Shallow files come first, so what is left out lies deepest."""

    paths: int = 50_000
    files: int = 2_000
    file_bytes: int = 512 * 1024
    total_bytes: int = 16 * 1024 * 1024
    depth: int = 12


BOUNDS = Bounds()


def read_project(folder: Path, bounds: Bounds = BOUNDS) -> Sources:
    """The sources of the project in `folder`; raises `Problems` where there is no such folder."""
    if not folder.is_dir():
        raise Problems([Problem(str(folder), "There is no such folder.", "Name a project.")])
    texts: dict[str, str] = {}
    skipped: list[Skipped] = []
    paths: set[str] = set()
    left = bounds.total_bytes
    for path in _walk(folder, bounds):
        paths.add(path)
        if not _matters(path):
            continue
        if len(texts) >= bounds.files or left <= 0:
            skipped.append(Skipped(path, "not read: the project has too many files to read all"))
            continue
        read = _read(folder / path, bounds.file_bytes)
        if isinstance(read, str):
            texts[path] = read
            left -= len(read)
        else:
            skipped.append(Skipped(path, read.why))
    if len(paths) >= bounds.paths:
        skipped.append(Skipped(".", f"more than {bounds.paths} files: the deepest were left out"))
    return Sources(folder.resolve().name, texts, frozenset(paths), tuple(_few(skipped)))


def _few(skipped: list[Skipped]) -> Iterator[Skipped]:
    """All that could not be read, but of what was not tried only the first and the number."""
    untried = [one for one in skipped if one.why.startswith("not read:")]
    yield from (one for one in skipped if not one.why.startswith("not read:"))
    if untried:
        yield Skipped(untried[0].path, f"{untried[0].why} ({len(untried)} were left out)")


def _walk(folder: Path, bounds: Bounds) -> Iterator[str]:
    """Relative paths of regular files, level by level, sorted within a level."""
    level = [""]
    seen = 0
    for _ in range(bounds.depth):
        deeper: list[str] = []
        for inner in level:
            for entry in _entries(folder / inner):
                path = f"{inner}/{entry.name}" if inner else entry.name
                if not _is_sayable(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not _is_ignored(folder / path, entry.name):
                        deeper.append(path)
                elif entry.is_file(follow_symlinks=False):
                    seen += 1
                    if seen > bounds.paths:
                        return
                    yield path
        level = deeper


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds; nothing where it may not be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_sayable(name: str) -> bool:
    """Whether a name is text: some are bytes that no encoding explains."""
    return name.isprintable() and "\\" not in name


def _is_ignored(path: Path, name: str) -> bool:
    """Folders of tools, and environments under any name."""
    if name in IGNORED or name.endswith(".egg-info"):
        return True
    return (path / "pyvenv.cfg").is_file()


def _matters(path: str) -> bool:
    name = path.rpartition("/")[2]
    if name in NAMES or path.endswith(".streamlit/config.toml"):
        return True
    if "requirements/" in path and name.endswith((".txt", ".in")):
        return True
    wanted = name.endswith(ENDINGS) or name.startswith(STARTS)
    return wanted and not name.endswith(TEXTLESS)


def _read(path: Path, most: int) -> str | Skipped:
    """The text of a file, or why it has none: too large, binary, not readable."""
    name = path.name
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as fault:
        return Skipped(name, f"cannot be read: {fault.strerror or fault}")
    if len(data) > most:
        return Skipped(name, f"larger than {most // 1024} KiB")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(data, "utf-16")
    if b"\0" in data:
        return Skipped(name, "binary")
    return _decoded(data, "utf-8-sig")


def _decoded(data: bytes, encoding: str) -> str | Skipped:
    """Text, with Windows' line ends as one; what is no UTF-8 is read as Latin-1."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            return Skipped("", "neither UTF-8 nor UTF-16")
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
