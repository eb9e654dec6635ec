"""Reads a Copilot workspace: the project as `fairway init` reads it, and all of `copilot/`."""

from pathlib import Path

from fairway.cli.project_files import read_project
from fairway.core.detect.sources import Sources

__all__ = ["read_copilot_sources"]

LARGEST_BYTES = 512 * 1024
ENDINGS = (".yml", ".yaml", ".workspace")


def read_copilot_sources(folder: Path) -> Sources:
    """The sources, with every path under `copilot/` and the texts of its YAML files."""
    found = read_project(folder)
    texts, paths = dict(found.texts), set(found.paths)
    home = folder / "copilot"
    for file in sorted(home.rglob("*")) if home.is_dir() else ():
        if not file.is_file() or file.is_symlink() or "node_modules" in file.parts:
            continue
        path = file.relative_to(folder).as_posix()
        paths.add(path)
        if file.name.endswith(ENDINGS) and file.stat().st_size <= LARGEST_BYTES:
            texts[path] = file.read_text(encoding="utf-8-sig", errors="replace")
    return Sources(found.folder, texts, frozenset(paths), found.skipped)
