"""What is said of a build that failed, wherever it ran. Pure."""

from collections.abc import Sequence

from fairway.core.problem import Problem, indented

__all__ = ["build_failure"]

LINES = 20


def build_failure(
    where: str, command: str, *, code: int, lines: Sequence[str], mend: str
) -> Problem:
    """The exit code of the command that `where` names, with the last lines that it printed."""
    last = indented(lines[-LINES:])
    return Problem(where, f"`{command}` ended with code {code}{last}", mend)
