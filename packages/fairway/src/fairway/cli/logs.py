"""Reads the log files of all processes, merges them by time, colours them by node.

A line's time is the one that it carries (JSON `timestamp`, or an ISO time at its beginning);
one without a time follows the line before it.
"""

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import click

__all__ = ["Line", "nodes", "parsed", "show", "sources"]

ISO = re.compile(rb"^\s*(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?)")
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow")
TAIL_BYTES = 256 * 1024
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line: when, in which order it was read, of which process, and its text."""

    at: str
    order: int
    process: str
    text: str


@dataclass(slots=True)
class Source:
    """One file, and how far it was read."""

    path: Path
    process: str
    offset: int = 0
    rest: bytes = b""
    last: str = ""
    count: int = field(default=0)

    def read(self, *, limit: int | None = None) -> list[Line]:
        """Whole lines that came since; a file that was cut is read from its start."""
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < self.offset:
                    self.offset, self.rest = 0, b""
                if limit is not None and size - self.offset > limit:
                    self.offset = size - limit
                    file.seek(self.offset)
                    self.offset += len(file.readline())
                file.seek(self.offset)
                chunk = self.rest + file.read()
                self.offset = file.tell()
        except FileNotFoundError:
            return []
        *whole, self.rest = chunk.split(b"\n")
        return [self.line(each) for each in whole if each.strip()]

    def line(self, raw: bytes) -> Line:
        at, text = parsed(raw)
        self.last = at or self.last
        self.count += 1
        return Line(self.last, self.count, self.process, text)


def parsed(raw: bytes) -> tuple[str, str]:
    """A line's time (comparable text, empty if it has none) and what people read of it."""
    if raw.startswith(b"{"):
        try:
            fields: Any = json.loads(raw)
        except ValueError:
            fields = None
        if isinstance(fields, dict):
            return readable(cast("dict[str, Any]", fields))
    text = raw.decode(errors="replace").rstrip("\r")
    found = ISO.match(raw)
    return (
        (found.group(1).decode().replace(" ", "T").replace(",", "."), text)
        if found
        else (
            "",
            text,
        )
    )


def readable(fields: dict[str, Any]) -> tuple[str, str]:
    """A JSON line as people read it: time, level, message or request, then the rest."""
    at = str(fields.pop("timestamp", "")).removesuffix("Z")
    level = str(fields.pop("level", "")).upper()
    shown = [at[11:], f"{level:<7}"] if at else [f"{level:<7}"]
    message = fields.pop("message", None)
    operation = fields.pop("operation", None)
    fields.pop("environment", None)
    shown += [str(each) for each in (message, operation) if each not in (None, "")]
    shown += [f"{key}={value}" for key, value in fields.items() if value not in (None, "")]
    return at, " ".join(shown)


def nodes(folder: Path) -> list[str]:
    """The nodes that have printed something: `api`, `ingest`, `postgres`."""
    return sorted({node_of(path) for path in folder.glob("*.log")}) if folder.is_dir() else []


def node_of(path: Path) -> str:
    """`api.3.log` -> `api`, `ingest#12.log` -> `ingest`, `postgres.log` -> `postgres`."""
    return re.split(r"[.#]", path.name, maxsplit=1)[0]


def sources(folder: Path, wanted: Sequence[str]) -> list[Source]:
    """The files of the wanted nodes or processes; of all where none is named."""
    if not folder.is_dir():
        return []
    return [
        Source(path, path.name.removesuffix(".log"))
        for path in sorted(folder.glob("*.log"))
        if not wanted or node_of(path) in wanted or path.name.removesuffix(".log") in wanted
    ]


def show(folder: Path, wanted: Sequence[str], *, lines: int, follow: bool) -> None:
    """Print the last lines, merged; with `follow`, go on until somebody ends it."""
    open_sources = {source.path: source for source in sources(folder, wanted)}
    merged = sorted(
        line for source in open_sources.values() for line in source.read(limit=TAIL_BYTES)
    )
    write(merged[-lines:] if lines else [])
    while follow:
        time.sleep(LOOK_SECONDS)
        for source in sources(folder, wanted):
            open_sources.setdefault(source.path, source)
        write(list(fresh(list(open_sources.values()))))


def fresh(open_sources: Sequence[Source]) -> Iterator[Line]:
    yield from sorted(line for source in open_sources for line in source.read())


def write(lines: Sequence[Line]) -> None:
    width = max((len(line.process) for line in lines), default=0)
    for line in lines:
        colour = COLOURS[sum(line.process.split(".")[0].encode()) % len(COLOURS)]
        click.echo(f"{click.style(line.process.ljust(width), fg=colour)} | {line.text}")
