"""Hypothesis strategies for TOML: whole texts in every notation, and trees of odd values.

A tree is drawn first, then written down: tables as headers, dotted keys or braces, strings in
any quotes, arrays over several lines, comments and blank lines anywhere.
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

BARE = re.compile(r"[A-Za-z0-9_-]+")
PRINTABLE = st.characters(exclude_categories=("Cs", "Cc"))

keys = st.one_of(
    st.sampled_from(
        ["a", "b", "app", "x-y", "a.b", "3", "", "ä", 'q"q', "q'q", "[t]", "#", "a\\b"]
    ),
    st.text(PRINTABLE, max_size=5),
)
texts = st.one_of(
    st.text(PRINTABLE, max_size=8),
    st.sampled_from(
        ['"', "'", '""', "''", "\n", "a\nb", "]", "}", "#", "=", "[x]", '"""', "\\", "\t"]
    ),
)
scalars = st.one_of(
    texts,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.datetimes(),
    st.dates(),
)
trees = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda below: st.one_of(
            st.lists(below, max_size=3), st.dictionaries(keys, below, max_size=3)
        ),
        max_leaves=12,
    ),
    max_size=5,
)


def documents(of: st.SearchStrategy[dict[str, Any]] = trees) -> st.SearchStrategy[str]:
    """Valid TOML texts."""
    return st.builds(
        lambda tree, seed: Writer(random.Random(seed)).document(tree), of, st.integers(0, 10**6)
    )


class Writer:
    """Writes a tree down, choosing a notation wherever there are several."""

    def __init__(self, chance: Any) -> None:
        self.chance = chance
        self.lines: list[str] = []

    def document(self, tree: Mapping[str, Any]) -> str:
        self.table(tree, ())
        return "\n".join(self.lines) + self.chance.choice(["", "\n", "\n\n", " # end"])

    def table(self, tree: Mapping[str, Any], path: tuple[str, ...]) -> None:
        headed: list[tuple[str, Any]] = []
        for key, value in tree.items():
            if self.headable(value) and self.chance.random() < 0.5:
                headed.append((key, value))
            else:
                self.pair((key,), value)
        for key, value in headed:
            here = (*path, key)
            for table in value if isinstance(value, list) else [value]:
                left, right = ("[[", "]]") if isinstance(value, list) else ("[", "]")
                self.noise()
                self.lines.append(
                    f"{self.indent()}{left}{self.gap()}{self.key(here)}{self.gap()}{right}"
                )
                self.table(table, here)

    def headable(self, value: Any) -> bool:
        if isinstance(value, list):
            return bool(value) and all(isinstance(item, dict) for item in value)
        return isinstance(value, dict)

    def pair(self, path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, dict) and value and self.chance.random() < 0.5:
            for key, below in value.items():
                self.pair((*path, key), below)
            return
        self.noise()
        written = self.value(value)
        comment = self.chance.choice(["", "", " # note = [\"'", "\t"])
        self.lines.append(
            f"{self.indent()}{self.key(path)}{self.gap()}={self.gap()}{written}{comment}"
        )

    def noise(self) -> None:
        self.lines.extend(self.chance.choice([[], [], [""], ["# [x] = '''"], ["  ", "#"]]))

    def gap(self) -> str:
        return self.chance.choice(["", "", " ", "\t "])

    def indent(self) -> str:
        return self.chance.choice(["", "", "  ", "\t"])

    def key(self, path: tuple[str, ...]) -> str:
        return self.chance.choice([".", " . ", ". "]).join(self.part(part) for part in path)

    def part(self, key: str) -> str:
        forms = [escaped(key)]
        if BARE.fullmatch(key):
            forms += [key, key]
        if "'" not in key:
            forms.append(f"'{key}'")
        return self.chance.choice(forms)

    def value(self, value: Any) -> str:
        match value:
            case bool():
                return "true" if value else "false"
            case str():
                return self.text(value)
            case dict():
                pairs = [
                    f"{self.key((key,))} = {self.value(below)}" for key, below in value.items()
                ]
                return "{" + self.gap() + ", ".join(pairs) + self.gap() + "}"
            case list():
                return self.array(value)
            case int() | float():
                return self.chance.choice([str(value), f"+{value}" if value > 0 else str(value)])
            case _:
                return value.isoformat().replace("T", self.chance.choice(["T", " "]))

    def array(self, values: list[Any]) -> str:
        break_ = self.chance.choice(["", " ", "\n  ", " # c ]\n"])
        items = f",{break_ or ' '}".join(self.value(value) for value in values)
        comma = self.chance.choice(["", ","]) if values else ""
        return f"[{break_}{items}{comma}{break_}]"

    def text(self, text: str) -> str:
        forms = [escaped(text)]
        if "'" not in text and not re.search(r"[\x00-\x08\n-\x1f\x7f]", text):
            forms.append(f"'{text}'")
        if "'''" not in text and not text.startswith("'") and not re.search(r"[\r\x7f]", text):
            forms.append(f"'''\n{text}'''" if not text.endswith("'") else escaped(text))
        several = text.replace("\\", "\\\\").replace('"""', '""\\"').replace("\r", "\\r")
        if not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", several) and not several.endswith('"'):
            forms.append(f'"""\n{several}"""')
            forms.append(
                f'"""{several.removeprefix(chr(10))}"""' if several[:1] != "\n" else escaped(text)
            )
        return self.chance.choice(forms)


def escaped(text: str) -> str:
    """In double quotes, with escapes where TOML needs them."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
