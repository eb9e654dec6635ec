"""A command of the file as words: the same on every target, with a shell or without. Pure.

No shell reads a command unless it holds what only a shell understands. (The file's reader refuses
what joins several commands: `core/spec/readers/text.py`.)
"""

import re
import shlex

__all__ = ["NAME", "SHELL", "exec_words", "needs_shell", "pieces"]

SHELL = "/bin/sh"

NAME = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
OPERATORS = frozenset("|&;<>()`*?")
LITERAL = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
PIECE = re.compile(r"(?:'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|[^\s'\"\\])+", re.DOTALL)


def exec_words(command: str) -> list[str]:
    """The words that run it (the exec form) where its variables' values are not known yet.

    A shell reads it where it names variables. Raises ValueError where a quote does not end.
    """
    if needs_shell(command) or NAME.search(LITERAL.sub(_filled_in, command)):
        return [SHELL, "-c", f"exec {command}"]  # so that it is the command that gets the signals
    return shlex.split(command)


def needs_shell(command: str) -> bool:
    """Whether only a shell understands it, apart from variables."""
    if ASSIGNMENT.match(command) or "$(" in command or "\n" in command.strip():
        return True
    return any(OPERATORS & set(LITERAL.sub("", piece)) for piece in pieces(command))


def pieces(command: str) -> list[str]:
    """It at its unquoted blanks, each piece with its quotes as they are written.

    Raises ValueError where a quote does not end.
    """
    shlex.split(command)
    return [str(piece) for piece in PIECE.findall(command)]


def _filled_in(literal: "re.Match[str]") -> str:
    """What of a quoted part a shell looks for variables in."""
    return re.sub(r"\\.", "", literal[0]) if literal[0].startswith('"') else ""
