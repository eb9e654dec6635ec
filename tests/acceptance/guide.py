"""Reads a guide: the files that it shows, and the shell sessions that it promises.

A fenced block after a line such as "`main.py`:" is that file. A block marked `console` is a
session: lines that start with `$ ` are typed, the lines below are what they print, where `…`
stands for anything. What differs between two runs (times, ids, ports, figures) is not compared.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["File", "Typed", "matches", "read"]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([^`\s]+)`[^`\n]*:\n+\Z")
VARYING = (
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?"), "<time>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{10}\b"), "<revision>"),
    (re.compile(r"127\.0\.0\.1:\d+|(?<= ):\d{4,5}\b"), "<address>"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:s|ms|MiB|KiB|requests/s)(?!\w)"), "<figure>"),
    (re.compile(r"\b(?:\d+[dhm] )?\d+[hms]\b"), "<age>"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"=\d+\.\d+"), "=<figure>"),
    (re.compile(r" +"), " "),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file to write."""

    name: str
    text: str


@dataclass(slots=True)
class Typed:
    """A line to type, and what it prints."""

    line: str
    prints: list[str] = field(default_factory=list[str])


def read(text: str) -> Iterator[File | Typed]:
    """What the guide has its reader do, in order."""
    for block in FENCE.finditer(text):
        kind, body = block.groups()
        named = NAMED.search(text, 0, block.start())
        if kind == "console":
            yield from session(body)
        elif named is not None:
            yield File(named.group(1), body)


def session(body: str) -> Iterator[Typed]:
    typed: Typed | None = None
    for line in body.splitlines():
        if line.startswith("$ "):
            if typed is not None:
                yield typed
            typed = Typed(line.removeprefix("$ "))
        elif typed is not None:
            typed.prints.append(line)
    if typed is not None:
        yield typed


def plain(line: str) -> str:
    """A line without what differs between two runs."""
    for pattern, instead in VARYING:
        line = pattern.sub(instead, line)
    return line.strip()


def matches(promised: list[str], printed: list[str]) -> str:
    """Why the lines are not as promised; empty where they are. Blank lines count for nothing."""
    wanted = [plain(line) for line in promised if line.strip()]
    found = [plain(line) for line in printed if line.strip()]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in wanted
    )
    text = "".join(f"{line}\n" for line in found)
    if re.fullmatch(pattern, text):
        return ""
    return "\n".join(["promised:", *promised, "", "printed:", *printed])
