"""Whether a dependency's marker holds in an image: Linux, CPython, a given version.

A marker is a Python expression of comparisons; what is not known of the image counts as true, so
that a list of packages names one too many rather than one too few. Pure.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["holds"]

LINUX: Mapping[str, str] = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.NotEq: operator.ne,
}


def holds(marker: str, python: str, machine: str = "") -> bool:
    """Whether `marker` holds for Linux and this version (`3.12`); an empty one does.

    `machine` (`x86_64`, `aarch64`) is not known where nobody says it.
    """
    if not marker:
        return True
    try:
        tree = ast.parse(marker, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return True
    known = {**LINUX, "python_version": python, "python_full_version": python}
    return _judge(tree.body, {**known, "platform_machine": machine} if machine else known)


def _judge(node: ast.expr, known: Mapping[str, str]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_judge(value, known) for value in values)
        case ast.BoolOp(values=values):
            return any(_judge(value, known) for value in values)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARE:
            return _compare(left, COMPARE[type(op)], right, known)
        case _:
            return True


def _compare(
    left: ast.expr, judge: Callable[[Any, Any], bool], right: ast.expr, known: Mapping[str, str]
) -> bool:
    name = next((one.id for one in (left, right) if isinstance(one, ast.Name)), "")
    if name not in known:
        return True
    values = [known[name] if isinstance(one, ast.Name) else _text(one) for one in (left, right)]
    if name.startswith("python"):
        return judge(*(_numbers(value) for value in values))
    return judge(*values)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return (*(int(part) for part in re.findall(r"\d+", version)[:3]), 0, 0)[:3]
