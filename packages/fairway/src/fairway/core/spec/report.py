"""What was found wrong in a file so far, so that all of it can be told at once and in order."""

from collections.abc import Iterator
from typing import NamedTuple, final

from fairway.core.problem import Problem
from fairway.core.spec.entry import Entry

__all__ = ["Fault", "Report"]


class Fault(NamedTuple):
    """A problem of the file, or a note: advice that stops nothing.

    `is_of_environment`: it stands in an environment's own table.
    """

    line: int
    problem: Problem
    is_note: bool
    is_of_environment: bool


@final
class Report:
    """Collects faults while a file is read; the readers add to it and go on."""

    __slots__ = ("_faults",)

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def problem(self, at: Entry, what: str, mend: str = "") -> None:
        """Say what is wrong at an entry of the file."""
        self._add(at, Problem(at.where, what, mend), is_note=False)

    def note(self, at: Entry, what: str, mend: str = "") -> None:
        """Say what may be unwanted at an entry of the file."""
        self._add(at, Problem(at.where, what, mend), is_note=True)

    def _add(self, at: Entry, problem: Problem, *, is_note: bool) -> None:
        self._faults.append(Fault(at.line, problem, is_note, at.path[:1] == ("environment",)))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)
