"""The word by which code chooses PostgreSQL: `if os.getenv("DB") == "postgres":`. Pure."""

import ast
import re
from collections.abc import Iterator, Mapping

from fairway.core.detect.evidence import Evidence
from fairway.core.detect.syntax import Tree, literal_texts

__all__ = ["POSTGRES", "chosen_by"]

POSTGRES = re.compile(r"[\w.+-]*postgres[\w.+-]*")


def chosen_by(evidence: Evidence) -> Mapping[str, str]:
    """Variable -> the word for PostgreSQL with which the file that reads it compares its value."""
    read: dict[str, set[str]] = {}
    for one in evidence.reads:
        read.setdefault(one.path, set()).add(one.name)
    found: dict[str, str] = {}
    for path, names in read.items():
        if (tree := evidence.trees.get(path)) is not None:
            for name, word in _compared(tree, names):
                found.setdefault(name, word)
    return found


def _compared(tree: Tree, names: set[str]) -> Iterator[tuple[str, str]]:
    held: dict[str, str] = {}  # a name of the code -> the variable whose value it holds
    for node in tree.nodes:
        if isinstance(node, ast.Assign) and (variable := _variable(node.value, names)):
            held |= {each.id: variable for each in node.targets if isinstance(each, ast.Name)}
    for node in tree.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In):
            left = node.left
            variable = held.get(left.id, "") if isinstance(left, ast.Name) else ""
            variable = variable or _variable(left, names)
            words = (
                word for word in literal_texts(node.comparators[0]) if POSTGRES.fullmatch(word)
            )
            if variable and (word := next(words, "")):
                yield variable, word


def _variable(node: ast.expr, names: set[str]) -> str:
    """The variable that an expression reads, of these."""
    return next((text for text in literal_texts(node) if text in names), "")
