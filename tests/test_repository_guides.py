"""What the guides quote is what the code says."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TROUBLES = ROOT / "docs/guides/troubleshooting.md"


@cache
def said_by_the_code() -> str:
    """Every piece of text in the packages, each on a line of its own."""
    found: list[str] = []
    for file in sorted((ROOT / "packages").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    str(part.value) if isinstance(part, ast.Constant) else "…"
                    for part in node.values
                ]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    # Outcomes are words with a line below; the file's name is a constant.
    return "\n".join(found).replace("_", " ")


QUOTES = [
    quote
    for line in TROUBLES.read_text().splitlines()
    if line.startswith("### ")
    for quote in re.findall(r"`([^`]+)`", line)
]


@pytest.mark.parametrize("quote", QUOTES)
def test_each_trouble_is_quoted_in_the_words_that_the_code_has(quote: str) -> None:
    parts = quote.replace("fairway.toml", "…").replace("_", " ").split("…")
    pieces = [piece.strip(" :") for piece in parts if piece.strip(" :")]
    assert pieces
    text = said_by_the_code()
    for piece in pieces:
        assert piece in text, f"nothing in the packages says {piece!r}"
    # In one sentence, where it was not cut at a value.
    pattern = r"[^\n]*?".join(re.escape(piece) for piece in pieces)
    assert re.search(pattern, text), quote


def test_there_are_troubles() -> None:
    assert len(QUOTES) > 20
