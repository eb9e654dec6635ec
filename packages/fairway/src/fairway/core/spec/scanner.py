"""On which line each key of a valid TOML text stands, because `tomllib` does not say.

The text has been through `tomllib` before: nothing is validated here, and nothing but lines is
taken from here. Every path that `tomllib` makes (tables named by headers and by dotted keys,
items of arrays, keys of inline tables) gets the line of its first mention; a header's own line
wins over an earlier mention inside another header. Must not: recurse deeper than the text's
nesting, which `document.py` has bounded.
"""

import re
import tomllib
from bisect import bisect_right

from fairway.core.spec.entry import Path

__all__ = ["lines"]

SPACE = re.compile(r"[ \t]*")
BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SCALAR = re.compile(r"[^,\]}#\n]+")  # numbers, booleans, dates (which may hold a space)
STRING = re.compile(
    r'"""[^"\\]*(?:(?:\\.|"{1,2}(?!"))[^"\\]*)*"{3,5}'
    r"|'''.*?'''(?:'{0,2})"
    r'|"[^"\\]*(?:\\.[^"\\]*)*"'
    r"|'[^']*'",
    re.DOTALL,
)


def lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key path and array item of a valid TOML `text`."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.found: dict[Path, int] = {}
        self.items: dict[Path, int] = {}  # arrays of tables: how many so far

    def scan(self) -> dict[Path, int]:
        position, table = self.skip(BLANK, 0), ()
        while position < len(self.text):
            if self.text[position] == "[":
                position, table = self.header(position)
            else:
                position = self.pair(position, table)
            position = self.skip(BLANK, position)
        return self.found

    def skip(self, pattern: re.Pattern[str], position: int) -> int:
        match = pattern.match(self.text, position)
        return match.end() if match else position

    def line(self, position: int) -> int:
        return bisect_right(self.breaks, position - 1) + 1 if position else 1

    def header(self, position: int) -> tuple[int, Path]:
        line = self.line(position)
        opening = 2 if self.text.startswith("[[", position) else 1
        position, keys = self.key(self.skip(SPACE, position + opening))
        path: Path = ()
        for key in keys[:-1]:
            path = self.inside((*path, key), line)
        path = (*path, keys[-1])
        if opening == 1:
            self.found[path] = line
            return position + opening, path
        self.found.setdefault(path, line)
        count = self.items.get(path, 0)
        self.items[path] = count + 1
        self.found[*path, count] = line
        return position + opening, (*path, count)

    def inside(self, path: Path, line: int) -> Path:
        """The table at `path`: of an array of tables, its last one."""
        self.found.setdefault(path, line)
        count = self.items.get(path)
        return path if count is None else (*path, count - 1)

    def pair(self, position: int, table: Path) -> int:
        """`a.b = value`, its paths under `table`; the position after the value."""
        line = self.line(position)
        position, keys = self.key(position)
        path = table
        for key in keys:
            path = (*path, key)
            self.found.setdefault(path, line)
        return self.value(self.skip(SPACE, position + 1), path)

    def key(self, position: int) -> tuple[int, list[str]]:
        """The parts of a dotted key; the position of what follows its last part."""
        keys: list[str] = []
        while True:
            match = BARE_KEY.match(self.text, position) or STRING.match(self.text, position)
            assert match is not None, "only texts that tomllib accepts are scanned"
            keys.append(_unquote(match.group()))
            position = self.skip(SPACE, match.end())
            if position >= len(self.text) or self.text[position] != ".":
                return position, keys
            position = self.skip(SPACE, position + 1)

    def value(self, position: int, path: Path) -> int:
        match self.text[position]:
            case "[":
                return self.array(position + 1, path)
            case "{":
                return self.inline_table(position + 1, path)
            case '"' | "'":
                return self.skip(STRING, position)
            case _:
                return self.skip(SCALAR, position)

    def array(self, position: int, path: Path) -> int:
        count = 0
        while True:
            position = self.skip(BLANK, position)
            if self.text[position] == "]":
                return position + 1
            self.found[*path, count] = self.line(position)
            position = self.skip(BLANK, self.value(position, (*path, count)))
            count += 1
            if self.text[position] == ",":
                position += 1

    def inline_table(self, position: int, path: Path) -> int:
        while True:
            position = self.skip(BLANK, position)
            if self.text[position] == "}":
                return position + 1
            position = self.skip(BLANK, self.pair(position, path))
            if self.text[position] == ",":
                position += 1


def _unquote(key: str) -> str:
    if key[0] not in "\"'":
        return key
    if key[0] == "'" or "\\" not in key:
        return key[1:-1]
    return str(tomllib.loads(f"key = {key}")["key"])
