"""Text to tree: every key has its line, and every syntax error is explained."""

import contextlib
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.core.spec import document, scanner
from fairway.core.spec.entry import Entry, Path, plain
from tests.core.spec.toml_texts import documents
from tests.properties import examples


def paths_of(value: Any, path: Path = ()) -> set[Path]:
    """Every key path and array item of what tomllib gives."""
    found: set[Path] = {path} if path else set()
    if isinstance(value, dict):
        for key, below in value.items():
            found |= paths_of(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            found |= paths_of(below, (*path, index))
    return found


@given(documents())
@examples(120)
def test_the_scanner_finds_the_keys_that_tomllib_finds(text: str) -> None:
    assert scanner.lines(text).keys() == paths_of(tomllib.loads(text))


NAMES = st.sampled_from([f"k{number}" for number in range(40)])
named_trees = st.dictionaries(
    NAMES,
    st.recursive(
        st.integers(0, 9) | st.sampled_from(["x", "x\ny", "]\n}"]),
        lambda below: st.dictionaries(NAMES, below, max_size=4),
        max_leaves=12,
    ),
    max_size=6,
)


@given(documents(named_trees))
@examples(100)
def test_a_line_holds_the_key_that_stands_on_it(text: str) -> None:
    lines = text.split("\n")
    for path, line in scanner.lines(text).items():
        assert str(path[-1]) in lines[line - 1]


@given(documents())
@settings(deadline=None)
def test_the_tree_holds_the_values_that_tomllib_gives(text: str) -> None:
    assert plain(document.read(text, "f")) == tomllib.loads(text)


def test_each_notation_has_its_line() -> None:
    text = '''app = "x"

[service.web]  # a header
uses = [
  "db", # first
  "files",
]
scale = { cpu = "70%", down = { cpu = "30%" } }
timeouts.drain = "30s"
note = """
[not.a.table]
x = 1"""
[service]
"a.b".c = 1
[[list]]
[[list]]
x = 1979-05-27 07:32:00
'''
    assert scanner.lines(text) == {
        ("app",): 1,
        ("service",): 13,
        ("service", "web"): 3,
        ("service", "web", "uses"): 4,
        ("service", "web", "uses", 0): 5,
        ("service", "web", "uses", 1): 6,
        ("service", "web", "scale"): 8,
        ("service", "web", "scale", "cpu"): 8,
        ("service", "web", "scale", "down"): 8,
        ("service", "web", "scale", "down", "cpu"): 8,
        ("service", "web", "timeouts"): 9,
        ("service", "web", "timeouts", "drain"): 9,
        ("service", "web", "note"): 10,
        ("service", "a.b"): 14,
        ("service", "a.b", "c"): 14,
        ("list",): 15,
        ("list", 0): 15,
        ("list", 1): 16,
        ("list", 1, "x"): 17,
    }


@pytest.mark.parametrize(
    "text", ["app = 1\r\n\r\nx = 2\r\n", "\ufeffapp = 1\n\nx = 2", b"app = 1\n\nx = 2"]
)
def test_a_file_from_windows_reads_like_any_other(text: str | bytes) -> None:
    tree = document.read(text, "f")
    assert plain(tree) == {"app": 1, "x": 2}
    assert tree.find("x").line == 3


def problem(text: str | bytes) -> str:
    with pytest.raises(Problems) as caught:
        document.read(text, "fairway.toml")
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 5000,
        "x = " + "[" * 100 + "]" * 100,
        "x = " + "{a=" * 900 + "1" + "}" * 900,
        ".".join(["a"] * 150) + " = 1",
        "[" + ".".join(["a"] * 150) + "]",
    ],
)
def test_deep_nesting_is_a_problem(text: str) -> None:
    assert "deep" in problem(text)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 500_000) + " = 1",
        "[" + ".".join(["a"] * 500_000) + "]",
        "a = 1\n" * 180_000,
        "#" * 2_000_000,
        "x = 0x" + "f" * 1_000_000,
        "x = " + "9" * 1_000_000,
        'x = "' + "\\" * 900_000,
        "x = " + "'" * 900_000,
    ],
)
def test_a_file_made_to_take_long_is_refused_soon(text: str) -> None:
    with contextlib.suppress(Problems):  # or read: it is the time that counts
        document.read(text, "f")


def test_a_large_file_is_still_read() -> None:
    text = "".join(f"[job.j{number}]\ncommand = 'x'\n" for number in range(10_000))
    assert document.read(text, "f").find("job", "j9999", "command").line == 20_000


def test_bytes_that_are_not_utf8_are_a_problem_with_their_line() -> None:
    assert problem(b"app = 'x'\nname = '\xff'").startswith("fairway.toml:2: It is not UTF-8")


def test_where_a_value_stands_is_written_as_in_the_file() -> None:
    entry = Entry(1, 3, ("service", "web", "cache", "/api/*", 0), "fairway.toml")
    assert entry.where == 'fairway.toml:3 service.web.cache."/api/*"[0]'
