"""JSON Patch: what RFC 6902 says, and a reason that helps where it cannot be done."""

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.json_patch import Impossible, Op, apply
from tests.properties import examples

DOCUMENT: dict[str, Any] = {"a": {"b/c": [1, 2, {"d": True}], "~": None}, "list": [], "n": 1}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab/~"), inner),
    max_leaves=6,
)
PATHS = st.lists(st.sampled_from(["a", "b", "~1", "~0", "0", "1", "2", "-", "01"]), max_size=4).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
OPS: st.SearchStrategy[Op] = st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])


@pytest.mark.parametrize(
    ("op", "path", "more", "expected"),
    [
        ("add", "/a/b~1c/1", {"value": 9}, [1, 9, 2, {"d": True}]),
        ("add", "/a/b~1c/-", {"value": 9}, [1, 2, {"d": True}, 9]),
        ("remove", "/a/b~1c/0", {}, [2, {"d": True}]),
        ("replace", "/a/b~1c/2/d", {"value": False}, [1, 2, {"d": False}]),
        ("copy", "/a/b~1c/0", {"source": "/n"}, [1, 1, 2, {"d": True}]),
        ("move", "/a/b~1c/0", {"source": "/a/b~1c/2"}, [{"d": True}, 1, 2]),
        ("test", "/a/b~1c/0", {"value": 1.0}, [1, 2, {"d": True}]),
    ],
)
def test_each_operation_does_its_own(op: Op, path: str, more: Any, expected: Any) -> None:
    before = repr(DOCUMENT)
    assert apply(DOCUMENT, op, path, **more)["a"]["b/c"] == expected
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize(
    ("op", "path", "more", "says"),
    [
        ("replace", "/a/bc", {"value": 1}, "there is no /a/bc"),
        ("replace", "/aa", {"value": 1}, "Did you mean /a?"),
        ("remove", "/list/0", {}, "It is empty"),
        ("add", "/a/b~1c/7", {"value": 1}, "It has 3, counted from 0"),
        ("add", "/n/x", {"value": 1}, "/n is 1; nothing goes inside of it"),
        ("remove", "/n/x", {}, "nothing is inside of it"),
        ("remove", "", {}, "the whole cannot be removed"),
        ("test", "/n", {"value": True}, "/n is 1, not true"),
        ("move", "/a/b~1c/0", {"source": "/a"}, "cannot be moved into itself"),
        ("remove", "n", {}, "Write /n"),
    ],
)
def test_what_cannot_be_done_is_told(op: Op, path: str, more: Any, says: str) -> None:
    with pytest.raises(Impossible) as told:
        apply(DOCUMENT, op, path, **more)
    assert says in f"{told.value.what} {told.value.mend}"


@given(VALUES, OPS, PATHS, PATHS, VALUES)
@examples(300)
def test_it_does_what_jsonpatch_does(
    document: Any, op: Op, path: str, source: str, value: Any
) -> None:
    line = {"op": op, "path": path, "from": source, "value": value}
    try:
        expected = jsonpatch.apply_patch(document, [line])
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError):
        return
    # It lets a thing be moved into itself or the whole be taken away, and numbers start with 0.
    lenient = op in {"move", "remove"} and ("" in {path, source} or path.startswith(source))
    try:
        found = apply(document, op, path, value=value, source=source)
    except Impossible:
        assert lenient or "01" in path + source
        return
    assert found == expected
