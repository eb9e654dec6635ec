"""Readers that choose: a value or `false`, one of several alternatives, one of a few words."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar, final

from fairway.core.problem import nearest
from fairway.core.spec.entry import Entry, is_not
from fairway.core.spec.readers.reader import (
    UNREADABLE,
    Definitions,
    Reader,
    Refusal,
    Scalar,
    Schema,
    Unreadable,
)
from fairway.core.spec.report import Report

__all__ = ["OffOr", "OneOf", "choice", "off_or", "one_of", "optional"]

T = TypeVar("T")
D = TypeVar("D")


@final
class OffOr(Generic[T, D]):
    """Reads what another reader does, or `false` as a given value."""

    __slots__ = ("example", "noun", "off", "reader")

    def __init__(self, reader: Reader[T], off: D) -> None:
        self.reader = reader
        self.off = off
        self.noun: Final = f"{reader.noun}, or false"
        self.example: Final = reader.example

    def read(self, entry: Entry, report: Report) -> T | D | Unreadable:
        if entry.value is False:
            return self.off
        return self.reader.read(entry, report)

    def write(self, value: T | D) -> object:
        return self.reader.write(value) if value != self.off else None

    def schema(self, definitions: Definitions) -> Schema:
        return {"anyOf": [self.reader.schema(definitions), {"const": False}]}


@final
class OneOf(Generic[T]):
    """Reads one of several: by its word alone, or as a table with the word as its only key."""

    __slots__ = ("example", "noun", "readers")

    def __init__(self, readers: Mapping[str, Reader[T]]) -> None:
        self.readers = readers
        self.noun: Final = " or ".join(f'"{word}"' for word in readers)
        self.example: Final = f'"{next(iter(readers))}"'

    def read(self, entry: Entry, report: Report) -> T | Unreadable:
        if isinstance(entry.value, str):
            word = meant(entry.value, tuple(self.readers))
            if word is not None:
                return self.readers[word].read(entry.having({}), report)
            report.problem(entry, is_not(entry.value, self.noun), self._mend(word))
            return UNREADABLE
        if len(entry.table) == 1:
            ((word, below),) = entry.table.items()
            if word in self.readers:
                return self.readers[word].read(below, report)
            likely = meant(word, tuple(self.readers))
            report.problem(below, f"`{word}` is not {self.noun}.", self._mend(likely))
            return UNREADABLE
        what = is_not(entry.value, self.noun)
        if entry.table:
            what = f"It chooses {len(entry.table)} at once: {', '.join(entry.table)}."
        report.problem(entry, what, self._mend(None))
        return UNREADABLE

    def write(self, value: T) -> object:
        """Its word, where the alternative has no keys of its own set."""
        blank = Entry({}, 0, ())
        words = (w for w, reader in self.readers.items() if reader.read(blank, Report()) == value)
        return next(words, None)

    def _mend(self, likely: str | None) -> str:
        if likely in self.readers:
            return f'Write "{likely}".'
        word = next(iter(self.readers))
        return f'Write one of them: "{word}", or with its own keys {{ {word} = … }}.'

    def schema(self, definitions: Definitions) -> Schema:
        tables: list[Schema] = [
            {
                "type": "object",
                "properties": {word: reader.schema(definitions)},
                "required": [word],
                "additionalProperties": False,
            }
            for word, reader in self.readers.items()
        ]
        return {"anyOf": [{"enum": list(self.readers)}, *tables]}


def meant(text: str, known: tuple[str, ...]) -> str | None:
    """The known word that was written, or probably meant: `blue-green` -> `blue_green`."""
    if text in known:
        return text
    plain = text.strip().lower().replace("-", "_").replace("/", "_").replace(" ", "_")
    return plain if plain in known else nearest(plain, known)


def optional(reader: Reader[T]) -> OffOr[T, None]:
    """What the reader reads; `false` is None."""
    return OffOr(reader, None)


def off_or(reader: Reader[T], off: T) -> OffOr[T, T]:
    """What the reader reads; `false` is `off`."""
    return OffOr(reader, off)


def one_of(**readers: Reader[T]) -> OneOf[T]:
    """One of several alternatives, by its word."""
    return OneOf(readers)


def choice(*words: str) -> Scalar[str]:
    """One of a few words."""
    listed = " or ".join(f'"{word}"' for word in words)

    def convert(entry: Entry) -> str | Refusal:
        if not isinstance(entry.value, str):
            return Refusal(f"Write {listed}.")
        likely = meant(entry.value, words)
        if likely is not None and likely == entry.value:
            return likely
        return Refusal(f'Write "{likely}".' if likely else f"Write {listed}.")

    return Scalar(listed, convert, {"enum": list(words)})
