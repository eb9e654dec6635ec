"""A value of the file with the place where it was written.

The tree that `document.py` makes of the text, `overlay.py` lays over itself and the readers turn
into the model. Values are TOML's own, but that tables and arrays hold entries again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import TypeAlias

__all__ = ["Array", "Entry", "Path", "Table", "Value", "is_not", "plain", "show"]

Path: TypeAlias = tuple[str | int, ...]
Table: TypeAlias = Mapping[str, "Entry"]
Array: TypeAlias = tuple["Entry", ...]
Value: TypeAlias = str | int | float | bool | date | time | Mapping[str, "Entry"] | Array

LONGEST_SHOWN = 48
WORDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, its line (from 1), its path as written, and the file's name.

    An entry that an environment lays over the base keeps the path it was written under:
    `environment.production.service.api.port`.
    """

    value: Value
    line: int
    path: Path
    file: str = "fairway.toml"

    @property
    def where(self) -> str:
        """`fairway.toml:12 service.api.port`."""
        dotted = dot(self.path)
        return f"{self.file}:{self.line} {dotted}" if dotted else f"{self.file}:{self.line}"

    @property
    def table(self) -> Table:
        """Its keys; none where it is no table."""
        return self.value if isinstance(self.value, Mapping) else {}

    def below(self, key: str) -> Table:
        """The keys of the table under `key`; none where there is no such table."""
        entry = self.table.get(key)
        return entry.table if entry is not None else {}

    @property
    def array(self) -> Array:
        """Its items; none where it is no array."""
        return self.value if isinstance(self.value, tuple) else ()

    def find(self, *path: str | int) -> "Entry":
        """The entry under `path`, or the last one on the way that exists."""
        here = self
        for key in path:
            below: Entry | None = None
            if isinstance(key, str):
                below = here.table.get(key)
            elif key < len(here.array):
                below = here.array[key]
            if below is None:
                return here
            here = below
        return here

    def having(self, value: Value) -> "Entry":
        """Another value at the same place."""
        return replace(self, value=value)


def dot(path: Path) -> str:
    """A path as one would write it: `service.api.cache."/v1/*"`, `service.api.uses[1]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
            continue
        bare = key and all(character in WORDS for character in key)
        shown = key if bare else show(key)
        text += f".{shown}" if text else shown
    return text


def show(value: object) -> str:
    """A value as the file would say it, in one line and not too long; tables by their kind."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = value if len(value) <= LONGEST_SHOWN else f"{value[: LONGEST_SHOWN - 1]}…"
            escaped = text.encode("unicode_escape", "backslashreplace").decode("ascii")
            legible = text if text.isprintable() else escaped
            return '"' + legible.replace('"', '\\"') + '"'
        case int():
            return str(value) if abs(value) < 10**18 else "a very large number"
        case float():
            return f"{value:.12g}"
        case Mapping():
            return "a table"
        case tuple():
            return "a list"
        case _:
            return "a date or time"


def is_not(value: object, noun: str) -> str:
    """The sentence `A list is not a name.`."""
    shown = show(value)
    return f"{shown[:1].upper() if shown.startswith('a ') else shown[:1]}{shown[1:]} is not {noun}."


def plain(entry: Entry) -> object:
    """The value without places, as `tomllib` gives it."""
    if isinstance(entry.value, Mapping):
        return {key: plain(below) for key, below in entry.table.items()}
    if isinstance(entry.value, tuple):
        return [plain(below) for below in entry.array]
    return entry.value
