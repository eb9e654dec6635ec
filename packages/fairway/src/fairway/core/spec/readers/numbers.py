"""Readers of plain numbers and booleans."""

import math
from typing import Final

from fairway.core.spec.entry import Entry
from fairway.core.spec.readers.reader import Refusal, Scalar

__all__ = ["BOOLEAN", "COUNT", "NUMBER", "PORT", "POSITIVE"]

LARGEST = 2**31 - 1


def _integer(entry: Entry, least: int, most: int, example: str) -> int | Refusal:
    value = entry.value
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return Refusal(f"Numbers stand without quotes: {value.strip()[:10]}.")
    return Refusal(f"Write a whole number from {least} to {most}, such as {example}.")


def _count(entry: Entry) -> int | Refusal:
    return _integer(entry, 0, LARGEST, "3")


def _positive(entry: Entry) -> int | Refusal:
    return _integer(entry, 1, LARGEST, "3")


def _port(entry: Entry) -> int | Refusal:
    return _integer(entry, 1, 65535, "8000")


def _number(entry: Entry) -> float | Refusal:
    value = entry.value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST:
        return float(value)
    if isinstance(value, float) and math.isnan(value):
        return Refusal("Write a number above 0.")
    return Refusal("Write a number above 0, such as 0.5, without quotes.")


def _boolean(entry: Entry) -> bool | Refusal:
    if isinstance(entry.value, bool):
        return entry.value
    return Refusal("Write true or false, small and without quotes.")


COUNT: Final = Scalar(
    "a whole number", _count, {"type": "integer", "minimum": 0, "maximum": LARGEST}
)
POSITIVE: Final = Scalar(
    "a whole number from 1", _positive, {"type": "integer", "minimum": 1, "maximum": LARGEST}
)
PORT: Final = Scalar("a port", _port, {"type": "integer", "minimum": 1, "maximum": 65535})
NUMBER: Final = Scalar(
    "a number above 0",
    _number,
    {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST},
)
BOOLEAN: Final = Scalar("true or false", _boolean, {"type": "boolean"})
