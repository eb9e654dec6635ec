"""Whether something found can be said in `fairway.toml`, and how.

The same limits as the readers of `core/spec/readers` have, so that a written file always parses
(a property test holds the two together). What cannot be said is left out by the caller.
"""

import re
import shlex

from cronsim import CronSim, CronSimError

__all__ = [
    "as_command",
    "as_schedule",
    "is_object",
    "is_path",
    "is_port",
    "is_replicas",
    "is_secret",
    "is_variable",
]

LONGEST = 1000
LONGEST_VALUE = 32 * 1024
MOST_REPLICAS = 1000
OBJECT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
SECRET = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
OPERATORS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<"})
WORDS = frozenset({"@hourly", "@daily", "@weekly", "@monthly"})
CRON = re.compile(r"[0-9A-Za-z*/,#-]+(?: [0-9A-Za-z*/,#-]+){4}", re.ASCII)
TAKEN = frozenset({"HOST", "PORT"})


def is_object(text: str) -> bool:
    """Whether this is `module:object` that Python could import."""
    return OBJECT.fullmatch(text) is not None and len(text) <= LONGEST


def is_path(text: str) -> bool:
    """Whether this is a path inside the project, of printable characters."""
    inside = not text.startswith(("/", "~")) and ".." not in text.split("/")
    plain = text.isprintable() and "\\" not in text and not re.match(r"[A-Za-z]:", text)
    return bool(text.strip()) and inside and plain and len(text) <= LONGEST


def is_port(number: int) -> bool:
    """Whether this is a port's number."""
    return 0 < number < 65536


def is_replicas(low: int, high: int) -> bool:
    """Whether this is a range of replicas."""
    return low <= high <= MOST_REPLICAS


def is_variable(name: str, value: str) -> bool:
    """Whether a variable can be set to this."""
    free = name not in TAKEN and not name.startswith("FAIRWAY_")
    short = len(value) <= LONGEST_VALUE and "\0" not in value
    return VARIABLE.fullmatch(name) is not None and free and short


def is_secret(name: str) -> bool:
    """Whether a secret can have this name."""
    return SECRET.fullmatch(name) is not None


def as_command(text: str) -> str:
    """The command on one line; under `sh -c` if it needs a shell; empty if it cannot be said."""
    line = " ".join(text.split())
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        return ""
    if not words or not line.isprintable():
        return ""
    if OPERATORS & set(words) or ASSIGNMENT.match(line):
        line = f"sh -c {shlex.quote(line)}"
    return line if len(line) <= LONGEST else ""


def as_schedule(text: str) -> str:
    """The schedule if it is one that runs; else empty."""
    from datetime import UTC, datetime

    line = " ".join(text.split())
    if line in WORDS:
        return line
    if CRON.fullmatch(line) is None:
        return ""
    try:
        CronSim(line, datetime(2000, 1, 1, tzinfo=UTC))
    except (CronSimError, AssertionError, ValueError, TypeError):
        return ""
    return line
