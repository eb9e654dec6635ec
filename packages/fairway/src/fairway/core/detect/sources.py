"""What is read of a project, and what a thing found in it looks like.

The first stage of `fairway init`: `cli/project_files.py` reads a folder into `Sources`, every
other module here turns `Sources` into values. Nothing here reads a file or runs the project's
code. Paths are relative to the project's folder, with `/` between their parts; the folder
itself is the empty path.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = [
    "Finding",
    "Skipped",
    "Sources",
    "join",
    "line_of",
    "name_of",
    "parent_of",
    "quote",
    "stem_of",
    "within",
]

T = TypeVar("T")

QUOTE_LENGTH = 60
CREDENTIALS = re.compile(r"(://)[^/\s\"'@]*@")
SECRET_WORD = re.compile(
    r"secret|passw|token|api_?key|(?:signing|private|access|session)_?key|salt", re.IGNORECASE
)
# A text literal, and before it what makes it the name of a variable rather than a value.
LITERAL = re.compile(
    r"""((?:environ\[|config\[|getenv\(|get\(|config\(|env(?:\.\w+)?\(|alias=)\s*)?(["'])((?:(?!\2).)*)\2"""
)
VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
SET_SECRET = re.compile(r"\b([A-Z_]*(?:SECRET|PASSW|TOKEN|API_?KEY)[A-Z_]*=)[^\s\"']+")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file whose text was not used, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Sources:
    """A project as text.

    `folder` is the name of its folder, `texts` the files that matter by path, `paths` every
    path that the walk saw (so that a lock file or a folder counts without being read).
    """

    folder: str
    texts: Mapping[str, str]
    paths: frozenset[str]
    skipped: tuple[Skipped, ...] = ()

    def has(self, path: str) -> bool:
        """Whether the walk saw this file."""
        return path in self.paths or path in self.texts

    def named(self, *names: str) -> Iterator[tuple[str, str]]:
        """Path and text of the files with one of these names, shallow ones first."""
        wanted = frozenset(names)
        for path in sorted(self.texts, key=lambda path: (path.count("/"), path)):
            if name_of(path) in wanted:
                yield path, self.texts[path]


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """A value, where it was found (`main.py:12`) and the words that say so."""

    value: T
    where: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.why}" if self.why else self.where


def name_of(path: str) -> str:
    """`src/app.py` -> `app.py`."""
    return path.rpartition("/")[2]


def parent_of(path: str) -> str:
    """`src/app.py` -> `src`; the parent of a top-level path is the empty path."""
    return path.rpartition("/")[0]


def stem_of(path: str) -> str:
    """`src/app.py` -> `app`."""
    return name_of(path).partition(".")[0]


def join(*parts: str) -> str:
    """Parts joined with `.`, `..` and empty parts resolved; never above the folder."""
    steps: list[str] = []
    for part in "/".join(parts).replace("\\", "/").split("/"):
        if part == "..":
            if steps:
                steps.pop()
        elif part not in {"", "."}:
            steps.append(part)
    return "/".join(steps)


def within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies under it."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def quote(line: str) -> str:
    """A line of a file as it may be shown: one line, not long, without a secret (R73)."""
    shown = " ".join(line.split())
    shown = CREDENTIALS.sub(r"\1***@", shown)
    shown = SET_SECRET.sub(r"\1***", shown)
    if SECRET_WORD.search(shown):
        shown = LITERAL.sub(_masked, shown)
    shown = "".join(char if char.isprintable() else "?" for char in shown)
    return shown if len(shown) <= QUOTE_LENGTH else f"{shown[: QUOTE_LENGTH - 1]}…"


def _masked(literal: re.Match[str]) -> str:
    """A text literal on a line that speaks of a secret: hidden unless it names a variable."""
    before, mark, text = literal[1] or "", literal[2], literal[3]
    is_name = bool(before) and VARIABLE_NAME.fullmatch(text) is not None
    return literal[0] if is_name or not text else f"{before}{mark}***{mark}"


def line_of(text: str, pattern: str) -> int:
    """The number of the first line that `pattern` matches, or 1."""
    found = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1
