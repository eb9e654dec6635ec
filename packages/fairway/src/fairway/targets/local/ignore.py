"""What of an app's folder is not its code: the rules of a snapshot.

Pure. The language is a subset of `.gitignore`'s: comments, `!` takes back, a trailing `/` means
folders only, a `/` elsewhere anchors to the app's folder, and `*`, `?`, `[...]`, `**`. The last
rule that fits decides; what is inside a folder that is left out cannot be taken back.

`.gitignore` itself is not obeyed: a built front end is ignored by git and needed by the app.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DEFAULTS", "FILE_NAME", "Rule", "is_left_out", "parse"]

FILE_NAME = ".fairwayignore"

# Never code, whatever a file says: the history, and what Fairway itself keeps.
NEVER = frozenset({".git", ".fairway"})

# Folders first, then files: neighbours of one kind become one expression.
DEFAULTS = """\
# Environments, packages, caches, reports, other histories, editors.
.hg/
.svn/
.venv/
venv/
node_modules/
__pycache__/
*.egg-info/
.tools/
.cache/
.pytest_cache/
.ruff_cache/
.mypy_cache/
.hypothesis/
.import_linter_cache/
.ipynb_checkpoints/
.tox/
.nox/
htmlcov/
.idea/
.vscode/
.vs/
# Secrets: they come as environment variables, never with the code.
.env
.env.*
.envrc
*.py[cod]
.coverage
.coverage.*
*.swp
*~
.DS_Store
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Neighbouring lines of one kind; `pattern` fits a whole path, or the name alone."""

    pattern: re.Pattern[str]
    on_path: bool
    folders_only: bool
    takes_back: bool


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of one file, in order; a line that says nothing is passed over."""
    groups: list[tuple[tuple[bool, bool, bool], list[str]]] = []
    for raw in text.splitlines():
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        takes_back = line.startswith("!")
        line = line[1:] if takes_back else line
        folders_only = line.endswith("/")
        line = line.rstrip("/")
        on_path = "/" in line
        line = line.lstrip("/")
        if not line:
            continue
        kind = (on_path, folders_only, takes_back)
        if not groups or groups[-1][0] != kind:
            groups.append((kind, []))
        groups[-1][1].append(_expression(line))
    return tuple(Rule(re.compile("|".join(lines), re.DOTALL), *kind) for kind, lines in groups)


def is_left_out(rules: Sequence[Rule], path: str, name: str, *, is_folder: bool) -> bool:
    """Whether the entry at `path` stays behind: relative, `/` between parts, `name` the last."""
    if name in NEVER:
        return True
    for rule in reversed(rules):
        if rule.folders_only and not is_folder:
            continue
        if rule.pattern.fullmatch(path if rule.on_path else name):
            return not rule.takes_back
    return False


def _expression(glob: str) -> str:
    """A glob as a regular expression: `*` stays within a folder, `**` does not."""
    out: list[str] = []
    i = 0
    while i < len(glob):
        if glob.startswith("**/", i):
            out.append("(?:.*/)?")
            i += 3
        elif glob.startswith("**", i):
            out.append(".*")
            i += 2
        elif glob[i] == "*":
            out.append("[^/]*")
            i += 1
        elif glob[i] == "?":
            out.append("[^/]")
            i += 1
        elif glob[i] == "[" and (end := glob.find("]", i + 2)) > 0:
            out.append(_one_of(glob[i : end + 1]))
            i = end + 1
        elif glob[i] == "\\" and i + 1 < len(glob):
            out.append(re.escape(glob[i + 1]))
            i += 2
        else:
            out.append(re.escape(glob[i]))
            i += 1
    return "".join(out)


def _one_of(glob: str) -> str:
    """`[a-z]` or `[!a-z]` as an expression; what means nothing (`[z-a]`) stands for itself."""
    inside = glob[1:-1].replace("\\", "\\\\").replace("[", "\\[")
    expression = f"[^/{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
    try:
        re.compile(expression)
    except re.error:
        return re.escape(glob)
    return expression
