"""Any text gives a Spec or Problems: never another exception, never a wait."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.core.spec.checked import KINDS
from fairway.core.spec.model import App
from fairway.core.spec.parse import Spec, parse
from fairway.core.spec.readers.table import Nodes, Table
from fairway.core.spec.readers.table import keys as keys_of
from tests.core.spec.toml_texts import documents, scalars, trees
from tests.properties import examples

FOLDER = Path(__file__).parent
FILES = [file.read_text() for file in sorted(FOLDER.glob("*/*.toml"))]

# Values that some key takes, beside those that none does.
SOME_VALUES = [
    "30s", "0s", "1h30m", "10 MB", "512 MiB", "70%", "60/min", "2..10", "canary", "blue_green",
    "main:app", "app.py", "0 6 * * *", "@daily", "files/incoming/", "22:00", "> 1%", "> 2s", "db",
    "env:X", "https://example.org", "mailto:a@example.org", "production", "staging", "x", "",
    "postgres", "sqlite", "container", "by hand", "10% for 15m", "python -m x", "a && b", "../x",
]  # fmt: skip
NODE_NAMES = ["web", "api", "db", "cache", "files", "KEY", "x-y", "Bad_Name", "9", ""]


CLASSES = [
    key.key.reader.cls for key in keys_of(App).values() if isinstance(key.key.reader, Nodes | Table)
]
ALL_KEYS = sorted({key for cls in CLASSES for key in keys_of(cls)} | {"request", "cpu"})

values = st.recursive(
    st.sampled_from(SOME_VALUES) | st.integers(-1, 5) | st.booleans() | scalars,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from([*ALL_KEYS, "down", "drain", "canary"]), below, max_size=3
        )
    ),
    max_leaves=5,
)
nodes = st.dictionaries(
    st.sampled_from(NODE_NAMES),
    st.dictionaries(st.sampled_from([*ALL_KEYS, "env", "cron", "x"]), values, max_size=5) | values,
    max_size=3,
)
bodies = st.dictionaries(
    st.sampled_from(
        [*KINDS, "alarm", "recovery", "pipeline", "accounts", "variables", "x", "like"]
    ),
    nodes | values,
    max_size=5,
)
likely_trees = st.builds(
    lambda base, environments, app: {**base, "environment": environments, "app": app},
    bodies,
    st.dictionaries(
        st.sampled_from(["dev", "production", "eu", "one"]), bodies | values, max_size=3
    )
    | values,
    st.sampled_from(["hello", "Hello", 3]),
)


def read(text: str | bytes) -> Spec | None:
    problems: Problems | None = None
    try:
        spec = parse(text)
    except Problems as caught:
        problems = caught
    else:
        assert set(spec.apps) == set(spec.environments)
        return spec
    assert problems.problems
    assert all(problem.what for problem in problems)
    return None


@given(st.text())
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@given(st.binary())
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read(data)


@given(documents(trees))
@examples(60)
def test_any_toml_is_read_or_refused(text: str) -> None:
    read(text)


@given(documents(likely_trees))
@examples(150)
def test_any_likely_file_is_read_or_refused(text: str) -> None:
    read(text)


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0), st.integers(0, 3)), max_size=4),
    st.data(),
)
@examples(150)
def test_a_real_file_with_random_edits_is_read_or_refused(
    text: str, edits: list[tuple[int, int]], data: st.DataObject
) -> None:
    lines = text.splitlines()
    for where, how in edits:
        at = where % len(lines)
        match how:
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[(where // 7) % len(lines)])
            case 2:
                cut = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut]
            case _:
                value = data.draw(
                    st.sampled_from(["false", "0", '"x"', "{}", "[]", "[1]", '{ x = "y" }'])
                )
                lines[at] = f"{lines[at].split('=')[0]}= {value}"
        if not lines:
            lines = [""]
    read("\n".join(lines))
