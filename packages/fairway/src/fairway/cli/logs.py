"""Reads the log files of all processes, merges them by time, colours them by node.

A line's time is the one that it carries: `timestamp` of a JSON line, or a date and time at its
beginning, which is local time where it names no zone (Python's own logging). A line without one
belongs to the line before it; the first ones of a file to the line after them, and a file that has
no time at all to when it was last written.
"""

import json
import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click

from fairway.cli import view

__all__ = ["Line", "merged", "node_of", "nodes", "parsed", "show", "sources"]

MOMENT = re.compile(rb"\s*(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)(Z|[+-]\d\d:?\d\d)?")
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow")
TAIL_BYTES = 256 * 1024
LOOK_SECONDS = 0.2
WITHOUT_TIME = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when (seconds since the epoch), in which order it was read, of which process."""

    at: float
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
    last: float = WITHOUT_TIME
    count: int = 0

    def read(self, *, limit: int | None = None) -> list[Line]:
        """Whole lines that came since; a file that was cut is read from its start."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                size = found.st_size
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
        lines = [self.line(each) for each in whole if each.strip()]
        first = next((line.at for line in lines if line.at != WITHOUT_TIME), found.st_mtime)
        return [line if line.at != WITHOUT_TIME else replace(line, at=first) for line in lines]

    def line(self, raw: bytes) -> Line:
        at, text = parsed(raw)
        self.last = self.last if at is None else at
        self.count += 1
        return Line(self.last, self.count, self.process, text)


def parsed(raw: bytes) -> tuple[float | None, str]:
    """A line's time, if it has one, and what people read of it; UTC times without their day."""
    if raw.startswith(b"{"):
        try:
            fields: Any = json.loads(raw)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            return readable(cast("dict[str, Any]", fields))
    text = raw.decode(errors="replace").rstrip("\r")
    found = MOMENT.match(raw)
    if found is None:
        return None, text
    at = moment(found.group().decode().strip())
    if at is not None and found.group(2) == b"Z":
        text = clock(at) + raw[found.end() :].decode(errors="replace").rstrip("\r")
    return at, text


def moment(written: str) -> float | None:
    """A date and time as seconds since the epoch; None where there is no such time."""
    try:
        return datetime.fromisoformat(written.replace(",", ".")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def clock(at: float) -> str:
    """The time of day in UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def readable(fields: dict[str, Any]) -> tuple[float | None, str]:
    """A JSON line as people read it: time, level, message or request, then the rest."""
    written = fields.pop("timestamp", None)
    at = moment(written) if isinstance(written, str) else None
    level = str(fields.pop("level", "")).upper()
    message = fields.pop("message", None)
    operation = fields.pop("operation", None)
    fields.pop("environment", None)
    shown = ["" if at is None else clock(at), f"{level:<7}" if level else ""]
    shown += [str(each) for each in (message, operation) if each is not None]
    shown += [f"{key}={value}" for key, value in fields.items() if value not in (None, "")]
    return at, " ".join(each for each in shown if each)


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


def merged(lines: Iterable[Line]) -> list[Line]:
    """Lines by time; those of one process stay in the order in which it printed them."""
    latest: dict[str, float] = {}
    kept: list[tuple[float, Line]] = []
    for line in sorted(lines, key=lambda line: (line.process, line.order)):
        latest[line.process] = max(line.at, latest.get(line.process, WITHOUT_TIME))
        kept.append((latest[line.process], line))
    return [line for _, line in sorted(kept, key=lambda each: (each[0], each[1].process))]


def show(folder: Path, wanted: Sequence[str], *, lines: int, follow: bool) -> None:
    """Print the last lines, merged; with `follow`, go on until somebody ends it."""
    open_sources = {source.path: source for source in sources(folder, wanted)}
    before = merged(
        line for source in open_sources.values() for line in source.read(limit=TAIL_BYTES)
    )
    is_read = write(before[-lines:] if lines else [])
    while follow and is_read:
        time.sleep(LOOK_SECONDS)
        for source in sources(folder, wanted):
            open_sources.setdefault(source.path, source)
        is_read = write(merged(line for each in open_sources.values() for line in each.read()))


def write(lines: Sequence[Line]) -> bool:
    """Print lines; whether somebody reads them."""
    width = max((len(line.process) for line in lines), default=0)
    for line in lines:
        colour = COLOURS[sum(node_of(Path(line.process)).encode()) % len(COLOURS)]
        if not view.text(f"{click.style(line.process.ljust(width), fg=colour)} | {line.text}"):
            return False
    return True
