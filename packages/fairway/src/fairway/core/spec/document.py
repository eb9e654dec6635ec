"""The text of the file as a tree of entries that know their lines.

First stage of `parse.py`. `tomllib` decides what is TOML; what it refuses becomes one Problem
with line, column and a mend for someone who has never seen TOML. Must not: know any key of
Fairway's.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from typing import cast

from fairway.core.problem import Problem, Problems
from fairway.core.spec import scanner
from fairway.core.spec.entry import Entry, Path

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "read"]

MAX_CHARACTERS = 1024 * 1024
MAX_DEPTH = 24
MAX_DOTS = 200  # tomllib's time grows with the square of a key's parts

PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
DECLARED = re.compile(r"\('.*\)")

# What tomllib says (its beginning), what we say, and how to mend it.
SYNTAX: tuple[tuple[str, str, str], ...] = (
    (
        "Invalid value",
        "There is no value here that TOML knows.",
        'Text stands in quotes: asgi = "main:app". true and false are written small.',
    ),
    (
        "Expected '=' after a key",
        "A key is not followed by `=`.",
        'Write key = value. A key with other signs than letters, digits, - and _ is quoted: "/*".',
    ),
    (
        "Expected newline or end of document",
        "Something follows a value on its line.",
        'One key on a line; text stands in quotes: from = "22:00".',
    ),
    (
        "Cannot overwrite a value",
        "This key stands twice.",
        "Keep one of the two.",
    ),
    (
        "Duplicate inline table key",
        "A key stands twice inside these braces.",
        "Keep one of the two.",
    ),
    (
        "Cannot mutate immutable namespace",
        "This table was already written in braces, which closes it.",
        "Put all its keys inside the braces, or all under its own [header].",
    ),
    (
        "Cannot redefine namespace",
        "This table was already written elsewhere.",
        "Put its keys together in one place.",
    ),
    (
        "Expected ']' at the end of a table declaration",
        "A [header] is not closed.",
        "Write it like [service.web].",
    ),
    (
        "Expected ']]'",
        "A [[header]] is not closed.",
        "Tables have one bracket here: [service.web].",
    ),
    (
        "Unclosed array",
        "A list is not closed, or a comma is missing.",
        'Write ["db", "files"]; it may go over several lines.',
    ),
    (
        "Unclosed inline table",
        "Braces are not closed, or a comma is missing.",
        'Write { request = "60s", drain = "30s" } on one line.',
    ),
    (
        "Unterminated string",
        "Text in quotes does not end.",
        'Close it with the same quote: "main:app".',
    ),
    (
        "Expected \"'",
        "Text in quotes does not end.",
        'Close it with the same quote: "main:app".',
    ),
    (
        "Illegal character '\\n'",
        "Text in quotes does not end on its line.",
        'Close it with the same quote: "main:app". Text of several lines stands in """.',
    ),
    (
        "Unescaped '\\'",
        "A backslash inside double quotes starts a code that TOML does not know.",
        r"Use single quotes ('\d'), or write the backslash twice.",
    ),
    (
        "Invalid initial character for a key part",
        "A key cannot start like this.",
        "Quote keys with other signs than letters, digits, - and _. Braces end on their line.",
    ),
    (
        "Invalid statement",
        "This line is neither key = value nor a [header].",
        'Write key = "value", or [service.web]. Comments start with #.',
    ),
    (
        "Invalid date or datetime",
        "There is no such date or time.",
        'Times of day are text here: "22:00".',
    ),
    (
        "Found invalid character",
        "There is a control character that TOML does not allow.",
        "Delete it; it may be invisible in the editor.",
    ),
    (
        "Illegal character",
        "There is a control character that TOML does not allow.",
        "Delete it; it may be invisible in the editor.",
    ),
)


def read(text: str | bytes, file: str) -> Entry:
    """The tree of a file's text.

    Raises `Problems` (one of them) where the text is not UTF-8, not TOML, longer than
    `MAX_CHARACTERS`, or nested deeper than `MAX_DEPTH`.
    """
    text = _decode(text, file).removeprefix("\ufeff").replace("\r\n", "\n")
    _refuse_what_takes_long(text, file)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Problems([_explain(str(error), text, file)]) from None
    except RecursionError:
        raise Problems([_too_deep(file)]) from None
    except ValueError:  # an integer of thousands of digits
        raise Problems(
            [Problem(file, "It holds a number that is too large.", "Shorten it.")]
        ) from None
    if _depth(values) > MAX_DEPTH:
        raise Problems([_too_deep(file)])
    return _entry(values, (), scanner.lines(text), 1, file)


def _decode(text: str | bytes, file: str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Problems(
            [Problem(f"{file}:{line}", "It is not UTF-8 text.", "Save it as UTF-8.")]
        ) from None


def _refuse_what_takes_long(text: str, file: str) -> None:
    if len(text) > MAX_CHARACTERS:
        what = f"It is longer than {MAX_CHARACTERS // 1024} KiB."
        raise Problems([Problem(file, what, "Is it the right file?")])
    if text.count(".") <= MAX_DOTS:
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MAX_DOTS:
            what = f"This line has more than {MAX_DOTS} dots."
            raise Problems([Problem(f"{file}:{number}", what, "Break it over several lines.")])


def _too_deep(file: str) -> Problem:
    return Problem(file, f"It is nested more than {MAX_DEPTH} deep.", "No key needs that.")


def _depth(values: object) -> int:
    """How deep tables and lists are nested, found without recursion."""
    depth, level = 0, [values]
    while level:
        depth += 1
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(cast("dict[str, object]", value).values())
            elif isinstance(value, list):
                below.extend(cast("list[object]", value))
        level = below
    return depth


def _entry(value: object, path: Path, lines: Mapping[Path, int], line: int, file: str) -> Entry:
    line = lines.get(path, line)
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        below = {k: _entry(v, (*path, k), lines, line, file) for k, v in table.items()}
        return Entry(below, line, path, file)
    if isinstance(value, list):
        array = cast("list[object]", value)
        items = (_entry(v, (*path, i), lines, line, file) for i, v in enumerate(array))
        return Entry(tuple(items), line, path, file)
    return Entry(cast("str | int | float | bool | date | time", value), line, path, file)


def _explain(message: str, text: str, file: str) -> Problem:
    """What tomllib found, in words for someone who has not read TOML's grammar."""
    place = PLACE.search(message)
    where = f"{file}:{text.rstrip().count(chr(10)) + 1} (the end)"
    if place and place[1]:
        where = f"{file}:{place[1]}:{place[2]}"
    message = PLACE.sub("", message)
    if message.startswith("Cannot declare"):
        named = DECLARED.search(message)
        parts = re.findall(r"'([^']*)'", named[0]) if named else []
        header = f"[{'.'.join(parts)}]"
        return Problem(where, f"{header} stands twice.", f"Put its keys under one {header}.")
    for start, what, mend in SYNTAX:
        if message.startswith(start):
            return Problem(where, what, mend)
    return Problem(where, f"This is not TOML: {message}.", "See https://toml.io.")
