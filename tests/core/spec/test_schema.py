"""The JSON Schema and the parser accept the same keys and the same values."""

import json
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.core.spec.parse import parse
from fairway.core.spec.schema import schema
from tests.core.spec.app_texts import app_trees, written
from tests.properties import examples

if TYPE_CHECKING:
    from types import ModuleType

    from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("files/*.toml"))
SCHEMA = schema()
GRAMMAR = "rfc3987_syntax"


@cache
def validator() -> "Draft202012Validator":
    """Imported where it is used, and without the grammar of URLs, which no schema here asks for.

    Each takes more than a second, and other tests collect this module.
    """
    known = sys.modules.get(GRAMMAR)
    sys.modules[GRAMMAR] = cast("ModuleType", None)  # so `import` says that it is not there
    try:
        from jsonschema import Draft202012Validator
    finally:
        if known is None:
            del sys.modules[GRAMMAR]
        else:
            sys.modules[GRAMMAR] = known
    return Draft202012Validator(SCHEMA)


def is_valid(tree: dict[str, Any]) -> bool:
    return validator().is_valid(tree)


def is_read(text: str) -> bool:
    try:
        parse(text)
    except Problems:
        return False
    return True


def test_the_schema_is_one() -> None:
    validator().check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_schema_is_the_one_that_editors_get(golden: Callable[[str, str], None]) -> None:
    golden("../../../../docs/reference/fairway.schema.json", json.dumps(SCHEMA, indent=2) + "\n")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_schema_accepts_the_files_of_the_examples(file: Path) -> None:
    validator().validate(tomllib.loads(file.read_text()))


@given(app_trees)
@examples(50)
def test_the_schema_accepts_what_the_parser_reads(tree: dict[str, Any]) -> None:
    text = written(tree)
    assume(is_read(text))
    validator().validate(tomllib.loads(text))


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every key of a tree."""
    if not isinstance(value, dict):
        return []
    return [p for key, below in value.items() for p in ((*path, key), *places(below, (*path, key)))]


def changed(tree: Any, path: tuple[str, ...], value: object) -> Any:
    if not path:
        return value
    return {**tree, path[0]: changed(tree.get(path[0]), path[1:], value)}


FREE = {"variables", "accounts"}  # tables whose keys are the user's own
NESTED_LISTS: list[Any] = [[[]]]  # what no key takes


@given(app_trees, st.data())
@examples(50)
def test_the_schema_refuses_a_value_of_a_type_that_no_key_takes(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(places(tree)))
    bad = changed(tree, path, NESTED_LISTS)
    assert not is_read(written(bad))
    assert not is_valid(tomllib.loads(written(bad)))


@given(app_trees, st.data())
@examples(50)
def test_the_schema_refuses_a_key_that_no_table_has(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    """Where keys are not the user's own: in the file, in a node, in an environment's node."""
    nodes = [p for p in places(tree) if len(p) == 2 and p[0] not in {"environment", *FREE}]
    nodes += [p for p in places(tree) if len(p) == 4 and p[0] == "environment" and p[2] not in FREE]
    tables = [p for p in nodes if isinstance(at(tree, p), dict)]
    path = data.draw(st.sampled_from([(), *tables]))
    bad = changed(tree, (*path, "xyzzy"), 1)
    assert not is_read(written(bad))
    assert not is_valid(tomllib.loads(written(bad)))


def at(tree: Any, path: tuple[str, ...]) -> object:
    for key in path:
        tree = tree[key]
    return tree
