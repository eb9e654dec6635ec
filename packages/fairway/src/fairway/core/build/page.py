"""What a service builds before it is served: a page by npm, yarn or pnpm, or anything in Python.

Pure: says which stage runs the command, and what has to be installed for it.
"""

import re
import shlex
from dataclasses import dataclass
from typing import Literal

from fairway.core.detect.sources import Sources, join
from fairway.core.problem import Problem

__all__ = ["NODE_TOOLS", "Page", "page_for"]

NODE_TOOLS = frozenset({"corepack", "node", "npm", "npx", "pnpm", "yarn"})
PYTHON_TOOLS = re.compile(r"\b(?:python[\d.]*|uv|flask|django-admin)\b|manage\.py")
FOLDER = re.compile(
    r"(?:--prefix|--cwd|--dir|-C)(?:\s+|=)(?P<option>[\w./-]+)|\bcd\s+(?P<cd>[\w./-]+)"
)
Installer = Literal["npm", "pnpm", "yarn", "none"]
LOCKS: tuple[tuple[str, Installer], ...] = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A build by Node.js: its packages stand in `folder`; `files` are copied to install them.

    `is_locked`: a lock says which versions. `installer` is none where there is nothing to install.
    `variables` are those that the command finds.
    """

    command: str
    cwd: str
    folder: str
    installer: Installer
    files: tuple[str, ...]
    is_locked: bool
    variables: tuple[tuple[str, str], ...] = ()


def page_for(sources: Sources, command: str, cwd: str, where: str) -> Page | Problem | None:
    """How `command`, run in the folder `cwd`, is built by Node.js; None where it needs none."""
    if not NODE_TOOLS & set(_words(command)):
        return None
    if PYTHON_TOOLS.search(command):
        what = "it needs Node.js and Python at once; an image is built with one after the other"
        return Problem(where, what, "Build the page here; let a job or `before` do the rest.")
    said = FOLDER.search(command)
    folder = join(cwd, (said["option"] or said["cd"]) if said else "")
    manifest = join(folder, "package.json")
    if not sources.has(manifest):
        if "node" in _words(command):
            return Page(command, join(cwd), folder, "none", (), is_locked=True)
        return Problem(where, f"there is no {manifest}, so nothing tells what it needs")
    for name, installer in LOCKS:
        if sources.has(join(folder, name)):
            files = (manifest, join(folder, name))
            return Page(command, join(cwd), folder, installer, files, is_locked=True)
    return Page(command, join(cwd), folder, "npm", (manifest,), is_locked=False)


def _words(command: str) -> list[str]:
    """The words of a command, and of what a shell inside it runs."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command.split()
    return [inner for word in words for inner in word.split()]
