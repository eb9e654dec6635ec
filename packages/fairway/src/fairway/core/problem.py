"""Problems: what is wrong, where, and how to mend it.

Every error that a user can cause or mend is one of these, and all of them are told at once.
Nothing here prints: `cli/view.py` does.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Problem", "Problems", "indented", "nearest", "unknown"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault that a user can mend.

    `where` is a file with its line and key path (`fairway.toml:12 service.api.port`), a command,
    or a node; `what` and `mend` are sentences without a final newline.
    """

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n    {self.mend}" if self.mend else head


class Problems(Exception):
    """One or more problems; raised where nothing can go on, shown by the CLI, exit code 2 or 1."""

    def __init__(self, problems: Iterable[Problem], *, exit_code: int = 2) -> None:
        self.problems = tuple(problems)
        self.exit_code = exit_code
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)


def unknown(where: str, kind: str, name: str, known: Collection[str]) -> Problem:
    """That there is no `kind` called `name`: what may be meant, or what there is."""
    near = nearest(name, known)
    there = f"Did you mean `{near}`?" if near else f"There are: {', '.join(known) or 'none'}."
    return Problem(where, f"there is no {kind} `{name}`", there)


def indented(lines: Iterable[str]) -> str:
    """Lines that a program printed, each on a line of its own below a sentence."""
    return "".join(f"\n    {line}" for line in lines)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None where nothing is near enough to suggest."""
    import difflib

    matches = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
