"""Reading parsed TOML and JSON, whose shape nobody promised.

Each function answers with the shape asked for, or with nothing: a project's file is never
wrong here, at most silent.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import cast

__all__ = ["as_items", "as_table", "as_text", "as_texts", "at", "read_json", "read_toml"]

NOTHING: Mapping[str, object] = {}


def read_toml(text: str) -> Mapping[str, object]:
    """The table in `text`; empty where it is not TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return NOTHING


def read_json(text: str) -> Mapping[str, object]:
    """The object in `text`; empty where it is not a JSON object."""
    try:
        return as_table(json.loads(text))
    except (ValueError, RecursionError):
        return NOTHING


def at(value: object, *keys: str) -> object:
    """What lies at a path of keys, or None."""
    for key in keys:
        value = as_table(value).get(key)
    return value


def as_table(value: object) -> Mapping[str, object]:
    """`value` if it is a table with textual keys, else an empty one."""
    if not isinstance(value, dict):
        return NOTHING
    entries = cast("dict[object, object]", value)
    return {key: entry for key, entry in entries.items() if isinstance(key, str)}


def as_items(value: object) -> Sequence[object]:
    """The items of `value` if it is a list, else none."""
    return cast("list[object]", value) if isinstance(value, list) else ()


def as_text(value: object) -> str:
    """`value` if it is text, else the empty text."""
    return value if isinstance(value, str) else ""


def as_texts(value: object) -> Sequence[str]:
    """The texts in `value`: itself, or those of its items."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in cast("list[object]", value) if isinstance(item, str))
