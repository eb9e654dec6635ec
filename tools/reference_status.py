"""docs/reference/status.md: the JSON of `fairway status --json`, from core/status.py. Pure."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from fairway.core.status import (
    EventLine,
    JobLine,
    NodeLine,
    ReplicaLine,
    RunLine,
    ServiceLine,
    Status,
    WorkerLine,
)

__all__ = ["meanings", "page"]

INTRODUCTION = """\
# The status as JSON

<!-- Made from core/status.py by tools/reference_status.py: `make docs` writes it anew. -->

`fairway status --json` prints one JSON object. Fields are added in later versions, so pass over
what you do not know; none of these goes or changes its meaning without a word in the change log.
"""
SECTIONS: tuple[tuple[str, type[Any]], ...] = (
    ("The app", Status),
    ("A service", ServiceLine),
    ("A worker", WorkerLine),
    ("A replica", ReplicaLine),
    ("A node", NodeLine),
    ("A job", JobLine),
    ("A run", RunLine),
    ("An event", EventLine),
)
LINKS = {cls.__name__: heading for heading, cls in SECTIONS}
NAMES = {"str": "text", "int": "whole number", "float": "number", "Mapping[str, Any]": "object"}


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(section(heading, cls) for heading, cls in SECTIONS)])


def section(heading: str, cls: type[Any]) -> str:
    """One object."""
    said = meanings(cls)
    hints = get_type_hints(cls)
    rows = [
        f"| `{each.name}` | {kind(hints[each.name])} | {said[each.name]} |" for each in fields(cls)
    ]
    first = inspect.cleandoc(cls.__doc__ or "").splitlines()[0]
    return "\n".join(
        [f"## {heading}", "", first, "", "| field | is | |", "|---|---|---|", *rows, ""]
    )


def meanings(cls: type[Any]) -> Mapping[str, str]:
    """What the docstring says of each field, in lines such as `name: Its name.`."""
    text = inspect.cleandoc(cls.__doc__ or "")
    return dict(re.findall(r"^([a-z0-9_]+): (.+)$", text, re.MULTILINE))


def kind(hint: Any) -> str:
    """`tuple[ServiceLine, ...]` -> a list of [services]."""
    text = hint.__name__ if isinstance(hint, type) else str(hint)
    text = re.sub(r"\b(?:\w+\.)+", "", text)
    if listed := re.fullmatch(r"tuple\[(.+), \.\.\.\]", str(text)):
        inner = listed.group(1)
        if inner in LINKS:
            noun = LINKS[inner].split(" ", 1)[1]
            return f"[{noun}s](#{LINKS[inner].lower().replace(' ', '-')})"
        return f"list of {NAMES[inner]}s"
    names = [NAMES.get(each.strip(), "null") for each in text.split("|")]
    return " or ".join(names)
