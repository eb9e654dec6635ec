"""Lines of TOML with comments in one column: what `fairway init` writes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Entry", "as_key", "as_text", "lines", "one_line", "table"]

WIDEST = 44  # comments of one table start in one column, unless a line is longer than this
ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@dataclass(frozen=True, slots=True)
class Entry:
    """`key = value  # comment`, or a table's header where `key` is empty."""

    key: str
    value: str
    comment: str = ""


def table(name: str, entries: Sequence[Entry], comment: str = "") -> str:
    """A table with its head."""
    return "\n".join(lines([Entry("", f"[{name}]", comment), *entries]))


def lines(entries: Sequence[Entry]) -> Iterator[str]:
    """Lines with their `=` and their comments each in one column."""
    width = max((len(entry.key) for entry in entries), default=0)
    texts = [
        f"{entry.key:<{width}} = {entry.value}" if entry.key else entry.value for entry in entries
    ]
    with_comment = [text for entry, text in zip(entries, texts, strict=True) if entry.comment]
    column = max((len(text) for text in with_comment if len(text) <= WIDEST), default=0)
    for entry, text in zip(entries, texts, strict=True):
        comment = one_line(entry.comment)
        yield f"{text:<{column}}  # {comment}" if comment else text


def one_line(text: str) -> str:
    """What may stand in a comment: one line, printable."""
    return "".join(char if char.isprintable() else "?" for char in text).rstrip()


def as_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if name and BARE.issuperset(name) else as_text(name)


def as_text(value: str) -> str:
    """A basic string of TOML."""
    return f'"{"".join(_char(char) for char in value)}"'


def _char(char: str) -> str:
    if char in ESCAPES:
        return ESCAPES[char]
    if char.isprintable():
        return char
    number = ord(char)
    return "?" if 0xD800 <= number < 0xE000 else f"\\U{number:08x}"
