"""What a reader is: it turns one value of the file into one value of the model.

Every key of `model.py` names its reader. A reader reports what it cannot read and goes on, so
that all problems are found in one pass; it also says itself as JSON Schema and as a noun, from
which the schema and the reference are made. Must not: look at other keys (`check.py` does).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, final

from fairway.core.spec.entry import Entry, is_not
from fairway.core.spec.report import Report

__all__ = ["UNREADABLE", "Definitions", "Reader", "Refusal", "Scalar", "Schema", "Unreadable"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema: TypeAlias = dict[str, Any]  # JSON, which has no better type


@final
class Unreadable:
    """What a reader gives where it could not read; it has reported why."""


UNREADABLE: Final = Unreadable()


@final
class Definitions:
    """The `$defs` of a schema being made.

    `partial`: for an environment, where nothing is required and `false` switches a table off.
    """

    __slots__ = ("made", "partial")

    def __init__(self, made: dict[str, Schema], *, partial: bool = False) -> None:
        self.made = made
        self.partial = partial


class Reader(Protocol[T_co]):
    """Reads an entry of the file."""

    @property
    def noun(self) -> str:
        """What it reads, with its article: `a duration such as "30s"`."""
        ...

    @property
    def example(self) -> str | None:
        """A value as the file writes it, where one helps."""
        ...

    def write(self, value: Any) -> object:
        """What the file would say for a value that was read; None: nothing."""
        ...

    def read(self, entry: Entry, report: Report) -> T_co | Unreadable:
        """The value, or `UNREADABLE` after reporting why not. Never raises."""
        ...

    def schema(self, definitions: Definitions) -> Schema:
        """The JSON Schema (draft 2020-12) of what it reads."""
        ...


@final
class Refusal:
    """Why a value is not read, as two sentences; `what` None: it is not the reader's noun."""

    __slots__ = ("mend", "what")

    def __init__(self, mend: str, what: str | None = None) -> None:
        self.mend = mend
        self.what = what


@final
class Scalar(Generic[T]):
    """Reads one value by a function that gives the result or a `Refusal`."""

    __slots__ = ("_convert", "_schema", "_write", "example", "noun")

    def __init__(
        self,
        noun: str,
        convert: Callable[[Entry], T | Refusal],
        schema: Mapping[str, Any],
        *,
        example: str | None = None,
        write: Callable[[T], object] | None = None,
    ) -> None:
        self.noun: Final = f"{noun} such as {example}" if example else noun
        self.example: Final = example
        self._convert = convert
        self._schema = schema
        self._write = write

    def write(self, value: Any) -> object:
        """`write` where it was given, else the value as it is."""
        return value if self._write is None or value is None else self._write(value)

    def read(self, entry: Entry, report: Report) -> T | Unreadable:
        result = self._convert(entry)
        if not isinstance(result, Refusal):
            return result
        report.problem(entry, result.what or is_not(entry.value, self.noun), result.mend)
        return UNREADABLE

    def schema(self, definitions: Definitions) -> Schema:  # noqa: ARG002 - the protocol's
        return dict(self._schema)
