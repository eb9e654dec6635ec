r"""Reading `.env`: where a developer's own secrets stand on this machine.

Pure: text in, names and values out. What it understands, all of it:

    # a comment
    NAME=value            # spaces around are not part of it; ` #` begins a comment
    export NAME=value
    NAME='as it is, $HOME too'
    NAME="with \\n, \\t, \\r, \\", \\\\ and \\$"
    NAME="over several
    lines"

A value stands for itself: `$OTHER` is not filled in. The last line for a name wins. Values never
stand in a problem.
"""

import re

from fairway.core.problem import Problem, Problems

__all__ = ["read_dotenv"]

LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<plain>[^'"\s#][^\n]*?|))
    [ \t]*(?:(?<=[\s'"=])\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
NOTHING = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
REST_OF_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read_dotenv(text: str, where: str = ".env") -> dict[str, str]:
    """The variables of a `.env` file, sorted by name; raises `Problems` with every bad line."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values: dict[str, str] = {}
    problems: list[Problem] = []
    at = 0
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        if nothing := NOTHING.match(text, at):
            at = nothing.end()
        elif found := LINE.match(text, at):
            values[found["name"]] = _value(found)
            at = found.end()
        else:
            rest = REST_OF_LINE.match(text, at)
            problems.append(_problem(rest[0] if rest else "", f"{where}:{line}"))
            at = rest.end() if rest else len(text)
    if problems:
        raise Problems(problems)
    return dict(sorted(values.items()))


def _value(found: re.Match[str]) -> str:
    if found["single"] is not None:
        return str(found["single"])
    if found["double"] is not None:
        return re.sub(r"\\(.)", _unescaped, found["double"], flags=re.DOTALL)
    return re.split(r"[ \t]#", found["plain"], maxsplit=1)[0].rstrip()


def _unescaped(found: re.Match[str]) -> str:
    r"""`\n` and its like; a backslash before anything that needs none stays."""
    if found[1] in ESCAPES:
        return ESCAPES[found[1]]
    return str(found[1]) if found[1] in '"\\$' else str(found[0])


def _problem(line: str, where: str) -> Problem:
    """What is wrong with a line, without a word of what may be secret."""
    if "=" not in line:
        return Problem(where, "It has no `=`.", "Write NAME=value, or `#` before a comment.")
    if re.match(r"\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=", line):
        return Problem(where, "Its quotes do not fit together.", "Close them, or use the others.")
    mend = "Use letters, digits and `_`, no digit first."
    return Problem(where, "What stands before `=` cannot name a variable.", mend)
