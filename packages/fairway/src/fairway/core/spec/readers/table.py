"""Readers of tables: those of the model, those of its nodes, and maps with free keys.

A table's reader is made from the `Key`s of its dataclass when it is first used, because the
model names its readers while it is still being defined.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Final, Generic, NamedTuple, TypeVar, final

from fairway.core.problem import nearest
from fairway.core.spec import foreign
from fairway.core.spec.entry import Entry, is_not, show
from fairway.core.spec.key import Key
from fairway.core.spec.readers.reader import (
    UNREADABLE,
    Definitions,
    Reader,
    Schema,
    Unreadable,
)
from fairway.core.spec.report import Report

__all__ = [
    "KeyOf",
    "Nodes",
    "Table",
    "keys",
    "mapping",
    "nodes",
    "read_table",
    "sentence_of",
    "table",
]

# Keys that a table has but its dataclass does not: `parse.py` takes them out before.
ELSEWHERE: Mapping[str, tuple[str, ...]] = {"App": ("environment",)}

CITED = re.compile(r" \([RC]\d[^)]*\)")

T = TypeVar("T")


class KeyOf(NamedTuple):
    """A key of a table: its name in the file, the field it fills, its `Key`, its default."""

    name: str
    field: str
    key: Key
    default: object = MISSING


@cache
def keys(cls: type[Any]) -> Mapping[str, KeyOf]:
    """The keys of a table, in the model's order."""
    found: dict[str, KeyOf] = {}
    for item in fields(cls):
        for annotation in getattr(item.type, "__metadata__", ()):
            if isinstance(annotation, Key):
                default = item.default
                if item.default_factory is not MISSING:
                    default = item.default_factory()
                name = annotation.name or item.name
                found[name] = KeyOf(name, item.name, annotation, default)
    return found


def read_table(cls: type[T], entry: Entry, report: Report, **given: Any) -> T | Unreadable:
    """A dataclass of the model from a table; `given` are its fields that no key fills.

    A key that cannot be read is reported and takes its default, so that what is said later about
    the rest still holds. Unreadable is a table without a key that it must have.
    """
    known = keys(cls)
    values: dict[str, object] = dict(given)
    for name, below in entry.table.items():
        if name not in known:
            _unknown(cls, name, below, report)
            continue
        value = known[name].key.reader.read(below, report)
        if not isinstance(value, Unreadable):
            values[known[name].field] = value
    missing = [key for key in known.values() if key.key.required and key.field not in values]
    for key in missing:
        if key.name not in entry.table:
            example = key.key.example or key.key.reader.example or "…"
            mend = f"Add {key.name} = {example}. {key.key.doc}"
            report.problem(entry, f"`{key.name}` is missing.", mend)
    return UNREADABLE if missing else cls(**values)


def _unknown(cls: type[Any], name: str, entry: Entry, report: Report) -> None:
    known = {*keys(cls), *ELSEWHERE.get(cls.__name__, ())}
    what = f"There is no key `{name}` here."
    if hint := foreign.mend(cls.__name__, name):
        report.problem(entry, what, hint)
        return
    likely = nearest(name, known)
    meant = f"Did you mean `{likely}`? " if likely else ""
    report.problem(entry, what, f"{meant}Known: {', '.join(sorted(known))}.")


def _no_table(entry: Entry, noun: str, mend: str, report: Report) -> Unreadable:
    report.problem(entry, is_not(entry.value, noun), mend)
    return UNREADABLE


@final
class Table(Generic[T]):
    """Reads a table into a dataclass; `short` names the key that a bare list stands for."""

    __slots__ = ("cls", "example", "noun", "short")

    def __init__(self, cls: type[T], short: str | None = None) -> None:
        self.cls = cls
        self.short = short
        self.noun: Final = "a table"
        self.example: Final = None

    def read(self, entry: Entry, report: Report) -> T | Unreadable:
        if self.short is not None and isinstance(entry.value, tuple):
            entry = entry.having({self.short: entry})
        if isinstance(entry.value, Mapping):
            return read_table(self.cls, entry, report)
        first = next(iter(keys(self.cls).values()))
        mend = f"Write {{ {first.name} = … }}. Known: {', '.join(sorted(keys(self.cls)))}."
        return _no_table(entry, self.noun, mend, report)

    def write(self, value: T) -> object:  # noqa: ARG002 - its keys say their own
        return None

    def schema(self, definitions: Definitions) -> Schema:
        reference = define(self.cls, definitions)
        if self.short is None:
            return reference
        short = keys(self.cls)[self.short].key.reader.schema(definitions)
        return {"anyOf": [short, reference]}


def define(cls: type[Any], definitions: Definitions) -> Schema:
    """A reference to the definition of a table, which is made the first time."""
    name = f"{cls.__name__}Change" if definitions.partial else cls.__name__
    if name not in definitions.made:
        definitions.made[name] = {}
        definitions.made[name] = describe(cls, definitions)
    return {"$ref": f"#/$defs/{name}"}


def describe(cls: type[Any], definitions: Definitions) -> Schema:
    """The schema of a table from the keys of its dataclass."""
    properties: dict[str, Schema] = {}
    for key in keys(cls).values():
        properties[key.name] = _property(key, definitions)
    described: Schema = {
        "type": "object",
        "description": CITED.sub("", (cls.__doc__ or "").strip()),
        "properties": properties,
        "additionalProperties": False,
    }
    required = [key.name for key in keys(cls).values() if key.key.required]
    if required and not definitions.partial:
        described["required"] = required
    return described


def _property(key: KeyOf, definitions: Definitions) -> Schema:
    """A key's schema with its sentence, its default and its example."""
    reader = key.key.reader
    schema = reader.schema(definitions)
    sentence = sentence_of(key.key)
    default = reader.write(key.default) if key.default is not MISSING else None
    if key.key.default is not None:
        sentence = f"{sentence} Default: {key.key.default}."
    elif default not in (None, ()) and not definitions.partial:
        schema["default"] = default
    if example := key.key.example or reader.example:
        schema["examples"] = [tomllib.loads(f"it = {example}")["it"]]
    schema["description"] = sentence
    return schema


def sentence_of(key: Key) -> str:
    """A key's sentence without the numbers of the requirements it cites."""
    return CITED.sub("", key.doc)


@final
class Nodes(Generic[T]):
    """Reads the tables of one kind, `[service.web]`, into a mapping sorted by name.

    A node that an environment switched off (`false`) is left out.
    """

    __slots__ = ("cls", "example", "noun")

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls
        self.noun: Final = "tables, each with a name"
        self.example: Final = None

    def read(self, entry: Entry, report: Report) -> Mapping[str, T] | Unreadable:
        kind = str(entry.path[-1]) if entry.path else ""
        if entry.value is False:
            return {}
        if not isinstance(entry.value, Mapping):
            what = f"A {kind} is a table with a name, not {show(entry.value)}."
            report.problem(
                entry, what, f"Write [{kind}.{foreign.EXAMPLE_NAMES.get(kind, 'NAME')}]."
            )
            return UNREADABLE
        found: dict[str, T] = {}
        for name, below in sorted(entry.table.items()):
            if below.value is False:
                continue
            if not isinstance(below.value, Mapping):
                self._unnamed(kind, name, below, report)
                continue
            node = read_table(self.cls, below, report, name=name)
            if not isinstance(node, Unreadable):
                found[name] = node
        return found

    def _unnamed(self, kind: str, name: str, entry: Entry, report: Report) -> None:
        if name in keys(self.cls) or foreign.mend(self.cls.__name__, name):
            example = foreign.EXAMPLE_NAMES.get(kind, "name")
            mend = f"Give it a name: [{kind}.{example}]."
            report.problem(entry, f"A {kind} has no name here.", mend)
        else:
            mend = f"Write its keys under [{kind}.{name}]."
            report.problem(entry, f"`{name}` is no table.", mend)

    def write(self, value: Mapping[str, T]) -> object:  # noqa: ARG002 - nodes have no default
        return None

    def schema(self, definitions: Definitions) -> Schema:
        node = define(self.cls, definitions)
        if definitions.partial:
            node = {"anyOf": [node, {"const": False}]}
        nodes: Schema = {"type": "object", "additionalProperties": node}
        return {"anyOf": [nodes, {"const": False}]} if definitions.partial else nodes


@final
class Map(Generic[T]):
    """Reads a table with free keys, each value by one reader, sorted by key."""

    __slots__ = ("example", "noun", "reader")

    def __init__(self, reader: Reader[T]) -> None:
        self.reader = reader
        self.noun: Final = "a table"
        self.example: Final = None

    def read(self, entry: Entry, report: Report) -> Mapping[str, T] | Unreadable:
        if not isinstance(entry.value, Mapping):
            mend = f'Write {{ "…" = … }}; each value is {self.reader.noun}.'
            return _no_table(entry, self.noun, mend, report)
        found: dict[str, T] = {}
        for name, below in sorted(entry.table.items()):
            value = self.reader.read(below, report)
            if not isinstance(value, Unreadable):
                found[name] = value
        return found

    def write(self, value: Mapping[str, T]) -> object:
        return {name: self.reader.write(item) for name, item in value.items()} or None

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "object", "additionalProperties": self.reader.schema(definitions)}


def table(cls: type[T], *, short: str | None = None) -> Table[T]:
    """A table of the model; where `short` is given, a list alone stands for that key."""
    return Table(cls, short)


def nodes(cls: type[T]) -> Nodes[T]:
    """The named tables of one kind of node."""
    return Nodes(cls)


def mapping(reader: Reader[T]) -> Map[T]:
    """A table with free keys whose values the reader reads."""
    return Map(reader)
