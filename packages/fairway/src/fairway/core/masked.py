"""A text that must never be shown: it prints `***` wherever it is formatted.

Not a `str`, so that nothing (a log line, a JSON encoder, a journal, a golden file) can take it
for one by mistake: whoever really hands it over says `reveal()`. Must not: be given to anything
but a process's environment, a server's configuration or a connection.
"""

from collections.abc import Mapping
from typing import NoReturn, Self, final

__all__ = ["Masked", "revealed"]

SHOWN = "***"


@final
class Masked:
    """A secret value; equal to another by content, hashable, never empty by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __str__(self) -> str:
        return SHOWN

    def __repr__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return format(SHOWN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Masked) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Masked, self._value))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a masked value is not written anywhere; reveal() it where it is used")


def revealed(variables: Mapping[str, str | Masked]) -> dict[str, str]:
    """The environment as a process gets it, masked values in clear. For nothing else."""
    return {
        name: value.reveal() if isinstance(value, Masked) else value
        for name, value in variables.items()
    }
