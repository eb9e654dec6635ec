"""The word by which code chooses PostgreSQL: `if os.getenv("DB") == "postgres":`. Pure.

Or Django's own, where a variable fills `"ENGINE"` of its settings.
"""

import ast
import re
from collections.abc import Iterator, Mapping

from fairway.core.detect.evidence import Evidence
from fairway.core.detect.syntax import Tree, literal_texts, text_value

__all__ = ["DJANGO", "POSTGRES", "chosen_by"]

DJANGO = "django.db.backends."

POSTGRES = re.compile(r"[\w.+-]*postgres[\w.+-]*")


def chosen_by(evidence: Evidence) -> Mapping[str, str]:
    """Variable -> what it says when the code takes PostgreSQL."""
    names = {one.name for one in evidence.reads}
    found: dict[str, str] = {}
    for tree in evidence.trees.values():
        if any("postgres" in line or "ENGINE" in line for line in tree.lines):
            for name, word in (*_compared(tree, names), *_engines(tree, names)):
                found.setdefault(name, word)
    return found


def _compared(tree: Tree, names: set[str]) -> Iterator[tuple[str, str]]:
    held: dict[str, str] = {}  # a name of the code -> the variable whose value it holds
    for node in tree.nodes:
        if isinstance(node, ast.Assign) and (variable := _variable(node.value, names)):
            held |= {each.id: variable for each in node.targets if isinstance(each, ast.Name)}
    for node in tree.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In):
            variable = _held(node.left, held, names) or _variable(node.left, names)
            words = (
                word for word in literal_texts(node.comparators[0]) if POSTGRES.fullmatch(word)
            )
            if variable and (word := next(words, "")):
                yield variable, word


def _engines(tree: Tree, names: set[str]) -> Iterator[tuple[str, str]]:
    """Variables that fill a Django database's `ENGINE`, wholly or behind its package."""
    for node in tree.nodes:
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            variable = _variable(value, names) if text_value(key) == "ENGINE" else ""
            if variable:
                is_last = isinstance(value, ast.JoinedStr | ast.BinOp)
                yield variable, "postgresql" if is_last else f"{DJANGO}postgresql"


def _held(node: ast.expr, held: dict[str, str], names: set[str]) -> str:
    """The variable whose value a name holds, or a field of settings: `settings.DB_ENGINE`."""
    if isinstance(node, ast.Attribute):
        return next((name for name in (node.attr, node.attr.upper()) if name in names), "")
    return held.get(node.id, "") if isinstance(node, ast.Name) else ""


def _variable(node: ast.expr, names: set[str]) -> str:
    """The variable that an expression reads, of these."""
    return next((text for text in literal_texts(node) if text in names), "")
