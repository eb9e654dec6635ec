"""What the guides quote is what the code says."""

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest

from fairway.cli.main import cli

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
    pattern = re.compile(".*?".join(re.escape(piece) for piece in pieces))
    assert any(pattern.search(line) for line in text.splitlines() if pieces[0] in line), quote


def test_there_are_troubles() -> None:
    assert len(QUOTES) > 20


PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
# `fairway deploy production --yes`, to the end of the quote or the line.
COMMAND = re.compile(r"(?:`|\$ |^)fairway ([a-z][^`\n]*)", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)--?[a-z][a-z-]*")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_in_the_documents_has_its_verb_and_its_options(page: Path) -> None:
    context = click.Context(cli)
    for line in COMMAND.findall(page.read_text()):
        word = re.match(r"[a-z]+", line)
        verb = word and cli.get_command(context, word[0])
        assert verb, f"there is no `fairway {line}`"
        known = {name for each in verb.params for name in (*each.opts, *each.secondary_opts)}
        ours, _, _ = line.partition(" -- ")  # what follows is somebody else's command
        for option in OPTION.findall(ours.partition("#")[0]):
            assert option in {*known, "-h", "--help"}, f"`fairway {line}`: no {option}"


def test_there_are_commands_in_the_documents() -> None:
    assert sum(len(COMMAND.findall(page.read_text())) for page in PAGES) > 150
