"""Readers of arrays of tables, and of whatever TOML can say.

Only what is handed on as it is uses the second: the value of a patch.
"""

from datetime import date, time
from typing import Any, Final, Generic, TypeVar, final

from fairway.core.spec.entry import Entry, is_not, plain
from fairway.core.spec.readers.reader import (
    UNREADABLE,
    Definitions,
    Refusal,
    Scalar,
    Schema,
    Unreadable,
)
from fairway.core.spec.readers.table import Table
from fairway.core.spec.report import Report

__all__ = ["ANYTHING", "Tables", "tables"]

T = TypeVar("T")


@final
class Tables(Generic[T]):
    """Reads an array of tables of one kind; `[[patch]]` and `[{ … }]` are the same."""

    __slots__ = ("example", "noun", "table")

    def __init__(self, cls: type[T]) -> None:
        self.table: Final = Table(cls)
        self.noun: Final = "an array of tables"
        self.example: Final = None

    def read(self, entry: Entry, report: Report) -> tuple[T, ...] | Unreadable:
        if not isinstance(entry.value, tuple):
            report.problem(entry, is_not(entry.value, self.noun), "Write [{ … }, { … }].")
            return UNREADABLE
        found = [self.table.read(below, report) for below in entry.array]
        return tuple(each for each in found if not isinstance(each, Unreadable))

    def write(self, value: Any) -> object:  # noqa: ARG002 - they have no default
        return None

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "array", "items": self.table.schema(definitions)}


def tables(cls: type[T]) -> Tables[T]:
    """An array of tables of the model."""
    return Tables(cls)


def _anything(entry: Entry) -> object | Refusal:
    """A value of JSON: TOML's, but its dates."""
    if _has_dates(entry):
        return Refusal("Write it in quotes.", "JSON has no dates.")
    return plain(entry)


def _has_dates(entry: Entry) -> bool:
    if isinstance(entry.value, tuple):
        return any(_has_dates(below) for below in entry.array)
    if isinstance(entry.value, date | time):
        return True
    return not isinstance(entry.value, str | int | float | bool) and any(
        _has_dates(below) for below in entry.table.values()
    )


KINDS = ("array", "boolean", "integer", "number", "object", "string")
ANYTHING: Final = Scalar[object]("any value", _anything, {"type": list(KINDS)})
