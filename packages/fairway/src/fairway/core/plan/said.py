"""A part of the app in the words of its file: key path -> value as people write it.

Beside `diff.py`, which compares what two revisions say. From the same keys as the parser, so a
plan names every key as `fairway.toml` does. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from typing import Any, cast

from fairway.core.spec.readers.alternatives import OffOr, OneOf
from fairway.core.spec.readers.table import Nodes, Table, keys

__all__ = ["chosen", "said"]


def said(value: Any) -> dict[str, str]:
    """Everything that a node says, defaults too: `timeouts.drain` -> `30s`.

    What is not set has no entry. The app itself says what belongs to none of its nodes.
    """
    return dict(of_table("", value))


def chosen(value: Any) -> dict[str, str]:
    """What a node says that its kind's defaults do not."""
    plain = {
        each
        for key in keys(cast("type[Any]", type(value))).values()
        if key.default is not MISSING
        for each in of_reader(key.name, key.key.reader, key.default)
    }
    return {path: words for path, words in said(value).items() if (path, words) not in plain}


def of_table(before: str, value: Any) -> Iterator[tuple[str, str]]:
    for key in keys(cast("type[Any]", type(value))).values():
        yield from of_reader(before + key.name, key.key.reader, getattr(value, key.field))


def of_reader(path: str, reader: Any, value: Any) -> Iterator[tuple[str, str]]:
    """What one key says, and those below it."""
    if isinstance(reader, OffOr):
        reader = cast("Any", reader).reader
    if value is None or isinstance(reader, Nodes):
        return
    if isinstance(reader, Table):
        yield from of_table(f"{path}.", value)
    elif isinstance(reader, OneOf):
        yield from of_alternative(path, cast("Any", reader), value)
    else:
        written = reader.write(value)
        if isinstance(written, Mapping):
            for name, each in cast("Mapping[str, object]", written).items():
                yield f"{path}.{name}", plainly(each)
        elif written not in (None, (), []):
            yield path, plainly(written)


def of_alternative(path: str, reader: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Its word, then the keys of that alternative that are not its defaults."""
    for word, below in reader.readers.items():
        if isinstance(value, below.cls):
            yield path, word
            for key, words in chosen(value).items():
                yield f"{path}.{word}.{key}", words


def plainly(value: object) -> str:
    """A value without the marks of TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(plainly(each) for each in cast("tuple[object, ...]", value))
    return f"{value:g}" if isinstance(value, float) else str(value)
