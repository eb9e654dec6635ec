"""What was found wrong in a file so far, so that all of it can be told at once and in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fairway.core.problem import Problem
from fairway.core.spec.entry import Entry

__all__ = ["Fault", "Report"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem of the file, or a note: advice that stops nothing."""

    at: Entry = field(compare=False)
    line: int
    problem: Problem
    is_note: bool = False


@dataclass(slots=True)
class Report:
    """Collects faults while a file is read; the readers add to it and go on."""

    faults: list[Fault] = field(default_factory=list["Fault"])

    def problem(self, at: Entry, what: str, mend: str = "") -> None:
        """Say what is wrong at an entry of the file."""
        self.faults.append(Fault(at, at.line, Problem(at.where, what, mend)))

    def note(self, at: Entry, what: str, mend: str = "") -> None:
        """Say what may be unwanted at an entry of the file."""
        self.faults.append(Fault(at, at.line, Problem(at.where, what, mend), is_note=True))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)
