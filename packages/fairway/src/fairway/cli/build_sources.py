"""Reads what `core/build` asks of a project: the few files that say what its images need.

No walk: only these names, in the folders of what runs, of what it builds, and above.
"""

from collections.abc import Iterator
from pathlib import Path

from fairway.core.build.page import FOLDER
from fairway.core.build.requirement_lines import INCLUDE
from fairway.core.detect.sources import Sources, join, parent_of
from fairway.core.spec.model import App

__all__ = ["read_build_sources"]

TEXTS = (
    ".dockerignore",
    ".python-version",
    "Pipfile.lock",
    "pdm.lock",
    "poetry.lock",
    "pyproject.toml",
    "requirements.txt",
    "uv.lock",
)
PATHS = (
    "Pipfile",
    "environment.yml",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "setup.py",
    "yarn.lock",
)


def read_build_sources(project: Path, app: App) -> Sources:
    """The files that are there, by path; one that can't be read as text counts as a path."""
    texts: dict[str, str] = {}
    paths: set[str] = set()
    for folder in sorted(_folders(app)):
        for name in PATHS:
            if (project / folder / name).is_file():
                paths.add(join(folder, name))
        for name in TEXTS:
            _take(project, join(folder, name), texts, paths)
    waiting = [path for path in texts if path.endswith("requirements.txt")]
    while waiting:
        path = waiting.pop()
        for name in INCLUDE.findall(texts[path]):
            inner = join(parent_of(path), name)
            if inner not in texts and "://" not in name:
                _take(project, inner, texts, paths)
                waiting += [inner] if inner in texts else []
    return Sources(project.name, texts, frozenset(paths))


def _folders(app: App) -> Iterator[str]:
    """The folders of nodes and of their builds, and all above."""
    found: set[str] = set()
    for node in (*app.programs.values(), *app.jobs.values()):
        found.add(join(node.folder))
    for service in app.programs.values():
        said = FOLDER.search(service.build or "")
        if said:
            found.add(join(service.folder, said["option"] or said["cd"]))
    for folder in found:
        yield folder
        while folder:
            folder = parent_of(folder)  # noqa: PLW2901 - upwards
            yield folder


def _take(project: Path, path: str, texts: dict[str, str], paths: set[str]) -> None:
    file = project / path
    if not file.is_file():
        return
    paths.add(path)
    try:
        texts[path] = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return
