"""A project's Python files as syntax trees: parsed, never imported or run.

A file that cannot be parsed is told with its line and left out. `Tree` knows the names that a
file imports, so that `FastAPI`, `fastapi.FastAPI` and `import fastapi as f; f.FastAPI` are one.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from fairway.core.detect.sources import Finding, Skipped, Sources, quote

__all__ = [
    "Tree",
    "is_entry_guard",
    "literal_texts",
    "parse_trees",
    "statements",
    "text_value",
]

NESTING_LIMIT = 150
UNUSED = re.compile(
    r"(?:^|/)tests?/|(?:^|/)(?:test_[^/]*|[^/]*_tests?|tests|conftest)\.py$|"
    r"(?:^|/)migrations/\d{4}_|(?:^|/)(?:migrations|alembic)/versions/"
)

Expression = TypeVar("Expression", bound=ast.expr)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Import:
    """`from module import name`, or `import module` where `name` is empty."""

    module: str
    name: str = ""
    level: int = 0  # leading dots of a relative import


@dataclass(frozen=True, slots=True)
class Tree:
    """One parsed file."""

    path: str
    body: ast.Module
    lines: tuple[str, ...]
    imports: dict[str, Import] = field(default_factory=dict[str, Import])
    stars: tuple[Import, ...] = ()
    imported: tuple[Import, ...] = ()  # everything imported, anywhere in the file
    nodes: tuple[ast.AST, ...] = ()  # every node of the tree, breadth first
    calls: tuple[ast.Call, ...] = ()  # every call, by line
    texts: tuple[ast.Constant, ...] = ()  # every text literal

    def line(self, node: ast.AST) -> str:
        """The source line that a node starts on, as it may be shown."""
        number = getattr(node, "lineno", 0)
        return quote(self.lines[number - 1]) if 0 < number <= len(self.lines) else ""

    def where(self, node: ast.AST) -> str:
        """`main.py:12`."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def finding(self, value: str, node: ast.AST) -> Finding[str]:
        """`value`, found at a node."""
        return Finding(value, self.where(node), self.line(node))

    def dotted(self, node: ast.AST) -> str:
        """The full dotted name that an expression stands for as far as imports tell, or empty.

        A name that the file defines itself stands for itself: `app` -> `app`.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        found = self.imports.get(node.id)
        if found is None or found.level:
            parts.append(node.id)
        elif found.name:
            parts.extend((found.name, found.module))
        else:
            parts.append(found.module)
        return ".".join(reversed(parts))

    def uses(self, *packages: str) -> bool:
        """Whether the file imports one of these packages (or a module inside one)."""
        return any(
            one.level == 0
            and any(one.module == name or one.module.startswith(f"{name}.") for name in packages)
            for one in self.imported
        )


def parse_trees(sources: Sources) -> tuple[dict[str, Tree], tuple[Skipped, ...]]:
    """Every Python file as a tree by path, and those that cannot be parsed.

    Tests and the single steps of migrations are left out: nothing of them is deployed.
    """
    trees: dict[str, Tree] = {}
    skipped: list[Skipped] = []
    for path in sorted(sources.texts):
        if not path.endswith(".py") or UNUSED.search(path):
            continue
        parsed = _parse(path, sources.texts[path])
        if isinstance(parsed, Skipped):
            skipped.append(parsed)
        else:
            trees[path] = parsed
    return trees, tuple(skipped)


def _parse(path: str, text: str) -> Tree | Skipped:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the project's own interpreter would say
            body = ast.parse(text.removeprefix("\ufeff"))
            nodes = _nodes(body)
    except SyntaxError as fault:
        return Skipped(path, f"line {fault.lineno or 1}: {fault.msg}")
    except (ValueError, RecursionError, MemoryError) as fault:
        return Skipped(path, f"line 1: {fault or type(fault).__name__}")
    if nodes is None:
        return Skipped(path, "line 1: nested too deeply to read")
    names, imported = _imports(nodes)
    stars = tuple(one for one in imported if one.name == "*")
    return Tree(
        path,
        body,
        tuple(text.splitlines()),
        names,
        stars,
        imported,
        nodes,
        _in_order(node for node in nodes if isinstance(node, ast.Call)),
        _in_order(node for node in nodes if isinstance(node, ast.Constant) and text_value(node)),
    )


def _in_order(nodes: Iterable[Expression]) -> tuple[Expression, ...]:
    """Expressions as they are read: by line, then by column."""
    return tuple(sorted(nodes, key=lambda node: (node.lineno, node.col_offset)))


def _imports(nodes: tuple[ast.AST, ...]) -> tuple[dict[str, Import], tuple[Import, ...]]:
    """What a file's names stand for, and everything that it imports."""
    names: dict[str, Import] = {}
    imported: list[Import] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported.append(Import(alias.name))
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = Import(alias.name if alias.asname else top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                imported.append(Import(node.module or "", alias.name, node.level))
                if alias.name != "*":
                    names.setdefault(alias.asname or alias.name, imported[-1])
    return names, tuple(imported)


def _nodes(body: ast.Module) -> tuple[ast.AST, ...] | None:
    """Every node, breadth first; None where a tree is deeper than people write them."""
    found: list[ast.AST] = []
    level: list[ast.AST] = [body]
    for _ in range(NESTING_LIMIT):
        found.extend(level)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tuple(found)
    return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that importing a file runs: into `if`, `try`, `with`; into no definition.

    What `if __name__ == "__main__":` guards does not run on import, and is left out.
    """
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.If) and is_entry_guard(statement):
            waiting.extend(reversed(statement.orelse))
            continue
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            inner: list[ast.stmt] = list(statement.body)
            if isinstance(statement, ast.Try):
                for handler in statement.handlers:
                    inner.extend(handler.body)
                inner.extend((*statement.orelse, *statement.finalbody))
            elif not isinstance(statement, ast.With):
                inner.extend(statement.orelse)
            waiting.extend(reversed(inner))


def is_entry_guard(node: ast.AST) -> bool:
    """Whether this is `if __name__ == "__main__":`."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = (node.test.left, *node.test.comparators)
    named = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    return named and any(text_value(side) == "__main__" for side in sides)


def text_value(node: ast.AST | None) -> str:
    """The text of a literal, else empty."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else ""


def literal_texts(node: ast.AST) -> tuple[str, ...]:
    """Every text literal inside an expression, in the order of the source."""
    found = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    found.sort(key=lambda part: (part.lineno, part.col_offset))
    return tuple(str(part.value) for part in found)
