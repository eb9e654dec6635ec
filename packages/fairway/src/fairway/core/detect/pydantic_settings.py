"""The variables that fill pydantic's settings classes: their fields' names, or their aliases.

Names are in capitals unless the class minds case. Where a class has `env_nested_delimiter`, the
fields of the classes inside it are read too: `database: Database` reads `DATABASE__HOST`.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fairway.core.detect.syntax import Tree, literal_texts, text_value
from fairway_runtime import contract

__all__ = ["PLAIN", "Field", "Settings", "fields", "find_settings", "is_plain"]

PLAIN = frozenset({"bool", "float", "int"})
NUMBERS = ("1", "0")
ENUMERATIONS = frozenset({"Enum", "StrEnum"})
DEEPEST = 3  # classes inside classes


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a variable fills, and the tree that it stands in.

    `choices` are the only texts that it takes; empty where it takes others.
    """

    tree: Tree
    node: ast.AnnAssign
    name: str
    required: bool
    default: str
    plain: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Classes by name: those that read variables themselves, and all that may stand inside one."""

    read: frozenset[str]
    every: Mapping[str, tuple[Tree, ast.ClassDef]]


def find_settings(trees: Mapping[str, Tree]) -> Settings:
    """The classes that derive from pydantic's `BaseSettings`, directly or not.

    One that stands inside another is read as a part of that.
    """
    every: dict[str, tuple[Tree, ast.ClassDef]] = {}
    bases: dict[str, set[str]] = {}
    for tree in trees.values():
        for node in tree.nodes:
            if isinstance(node, ast.ClassDef):
                names = {tree.dotted(base).rpartition(".")[2] for base in node.bases}
                bases.setdefault(node.name, set()).update(names)
                every.setdefault(node.name, (tree, node))
    known = {"BaseSettings"}
    while more := {name for name, parents in bases.items() if parents & known} - known:
        known |= more
    known -= {"BaseSettings"}
    inside = {
        inner
        for name in known
        if _text(every[name][1], "env_nested_delimiter")
        for statement in _statements(every[name][1])
        if (inner := _class_of(statement.annotation, every))
    }
    return Settings(frozenset(known - inside), every)


def fields(tree: Tree, node: ast.ClassDef, settings: Settings) -> Iterator[Field]:
    """Every field of a settings class that a variable fills."""
    prefix, between = _text(node, "env_prefix"), _text(node, "env_nested_delimiter")
    is_exact = _is_case_sensitive(node)
    for one in _inside(tree, node, settings, prefix, between, 0):
        yield one if is_exact else _in_capitals(one)


def _in_capitals(one: Field) -> Field:
    return replace(one, name=one.name.upper())


def _inside(  # noqa: PLR0917 - where in the nesting it is
    tree: Tree, node: ast.ClassDef, settings: Settings, prefix: str, between: str, depth: int
) -> Iterator[Field]:
    for statement in _statements(node):
        one = replace(_field(tree, statement, prefix), choices=_choices(tree, statement, settings))
        inner = _class_of(statement.annotation, settings.every) if between else ""
        if inner and depth < DEEPEST:
            below = f"{one.name}{between}"
            yield from _inside(*settings.every[inner], settings, below, between, depth + 1)
        else:
            yield one


def _statements(node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    """The statements that declare fields."""
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        field = statement.target.id
        if field.startswith("_") or field in {"model_config", "Config"}:
            continue
        if "ClassVar" not in ast.dump(statement.annotation):
            yield statement


def _field(tree: Tree, statement: ast.AnnAssign, prefix: str) -> Field:
    assert isinstance(statement.target, ast.Name)
    value = statement.value
    alias = ""
    required = value is None and "'Optional'" not in ast.dump(statement.annotation)
    if isinstance(value, ast.Call) and tree.dotted(value.func).endswith("Field"):
        given = {word.arg: word.value for word in value.keywords}
        for key in ("alias", "validation_alias", "env"):
            alias = alias or _first(given.get(key))
        value = given.get("default") or (value.args[0] if value.args else None)
        empty = value is None or (isinstance(value, ast.Constant) and value.value is ...)
        required = empty and "default_factory" not in given
    name = alias or f"{prefix}{statement.target.id}"
    return Field(tree, statement, name, required, _first(value), is_plain(statement.annotation))


def _first(node: ast.expr | None) -> str:
    texts = literal_texts(node) if node is not None else ()
    return texts[0] if texts else ""


def is_plain(node: ast.expr | None) -> bool:
    """Whether this names a type that is a number or a flag, alone or beside None."""
    if isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.Name) and node.id in PLAIN


def _choices(tree: Tree, statement: ast.AnnAssign, settings: Settings) -> tuple[str, ...]:
    """The texts that a field takes alone: of a `Literal`, or the values of an enumeration.

    Or of a flag that is a number.
    """
    annotation, target = statement.annotation, statement.target
    if isinstance(annotation, ast.Name) and annotation.id == "int":
        is_flag = isinstance(target, ast.Name) and target.id.upper() == contract.DEBUG
        return NUMBERS if is_flag else ()
    if isinstance(annotation, ast.Subscript):
        is_literal = tree.dotted(annotation.value).rpartition(".")[2] == "Literal"
        return literal_texts(annotation.slice) if is_literal else ()
    name = _class_of(annotation, settings.every)
    if not name:
        return ()
    where, node = settings.every[name]
    bases = {where.dotted(base).rpartition(".")[2] for base in node.bases}
    if not bases & ENUMERATIONS:
        return ()
    values = (text_value(one.value) for one in node.body if isinstance(one, ast.Assign))
    return tuple(filter(None, values))


def _class_of(annotation: ast.expr, every: Mapping[str, object]) -> str:
    """The class of the project that an annotation names, alone or beside None; else empty."""
    match annotation:
        case ast.Name(id=name) if name in every:
            return name
        case ast.BinOp(left=ast.Name(id=name), right=ast.Constant(value=None)) if name in every:
            return name
        case ast.Subscript(value=ast.Name(id="Optional"), slice=ast.Name(id=name)) if name in every:
            return name
        case _:
            return ""


def _is_case_sensitive(node: ast.ClassDef) -> bool:
    """Whether a settings class reads its fields' names as they are written."""
    found = _said(node, "case_sensitive")
    return isinstance(found, ast.Constant) and found.value is True


def _text(node: ast.ClassDef, key: str) -> str:
    return text_value(_said(node, key))


def _said(node: ast.ClassDef, key: str) -> ast.expr | None:
    """What a class says of itself, in either of pydantic's spellings."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.keyword) and inner.arg == key:
            return inner.value
        if isinstance(inner, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == key for target in inner.targets
        ):
            return inner.value
    return None
