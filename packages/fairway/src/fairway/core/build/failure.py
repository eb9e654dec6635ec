"""What is said of a build that failed, wherever it ran. Pure."""

from fairway.core.problem import Problem, indented

__all__ = ["build_failure"]

LINES = 20


def build_failure(where: str, command: str, *, code: int, output: bytes, mend: str) -> Problem:
    """The exit code of the command `where` names, with the last lines that it printed."""
    lines = output.decode(errors="replace").splitlines()[-LINES:]
    return Problem(where, f"`{command}` ended with code {code}{indented(lines)}", mend)
