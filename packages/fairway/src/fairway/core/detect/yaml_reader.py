"""The part of YAML that compose files, manifests and workflows are written in.

Tolerant: what it does not know it passes over, and it never raises. It reads block mappings and
sequences, one-line `[a, b]` and `{a: b}`, quoted and plain scalars, `|` and `>` blocks,
comments, anchors and `<<` merges. It does not read tags, complex keys, or flow collections over
several lines. The first document counts. Every node knows its line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["EMPTY", "Node", "read_yaml"]

KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#\[\]{},"'&*!|>%@`-][^#]*?|-[^\s#][^#]*?)"""
    r"""\s*:(?=\s|$)\s*(?P<rest>.*)$"""
)
DEPTH_LIMIT = 40
LINE_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar (`text`), a mapping (`entries`) or a sequence (`items`), and its line."""

    line: int
    text: str = ""
    entries: Mapping[str, "Node"] | None = None
    items: tuple["Node", ...] = ()

    def at(self, *keys: str) -> "Node":
        """What lies at a path of keys; an empty node where nothing does."""
        node = self
        for key in keys:
            node = (node.entries or {}).get(key, EMPTY)
        return node

    def pairs(self) -> Iterator[tuple[str, "Node"]]:
        """The entries of a mapping."""
        yield from (self.entries or {}).items()

    def texts(self) -> tuple[str, ...]:
        """The scalars of a sequence, or the scalar itself."""
        if self.text:
            return (self.text,)
        return tuple(item.text for item in self.items if item.text)


EMPTY = Node(0)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str  # without indent and comment


def read_yaml(text: str) -> Node:
    """The first document of `text`; an empty node where nothing can be made of it."""
    raw: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped in {"---", "..."} and any(raw):
            break
        usable = not stripped.startswith(("%", "---")) and len(line) <= LINE_LIMIT
        raw.append(line.rstrip() if usable else "")
    return _Reader(raw).document()


class _Reader:
    """One pass over the lines; `position` is the next unread one."""

    def __init__(self, raw: list[str]) -> None:
        self.raw = raw
        self.position = 0
        self.anchors: dict[str, Node] = {}

    def document(self) -> Node:
        line = self.peek()
        return EMPTY if line is None else self.block(line.indent, 0)

    def peek(self) -> _Line | None:
        """The next line that says something; None at the document's end."""
        while self.position < len(self.raw):
            line = self.raw[self.position]
            stripped = line.lstrip(" ")
            body = _uncomment(stripped.replace("\t", " "))
            if body:
                return _Line(self.position + 1, len(line) - len(stripped), body)
            self.position += 1
        return None

    def block(self, indent: int, depth: int) -> Node:
        """The mapping, sequence or scalar whose lines start at `indent`."""
        line = self.peek()
        if line is None or depth > DEPTH_LIMIT:
            self.position += 1
            return EMPTY
        if line.text == "-" or line.text.startswith("- "):
            return self.sequence(indent, depth)
        if KEY.match(line.text):
            return self.mapping(indent, depth)
        self.position += 1
        return self.scalar(line.text, line.number)

    def sequence(self, indent: int, depth: int) -> Node:
        items: list[Node] = []
        first = self.position + 1
        while (line := self.peek()) is not None and line.indent == indent:
            if not (line.text == "-" or line.text.startswith("- ")):
                break
            rest = line.text[1:].lstrip()
            if not rest or rest.startswith("#"):
                self.position += 1
                items.append(self.child(indent, depth))
                continue
            # What follows the dash is a block of its own, as deep as it stands.
            inner = indent + len(line.text) - len(rest)
            self.raw[self.position] = " " * inner + rest
            items.append(self.block(inner, depth + 1))
        return Node(first, items=tuple(items))

    def mapping(self, indent: int, depth: int) -> Node:
        entries: dict[str, Node] = {}
        first = self.position + 1
        while (line := self.peek()) is not None and line.indent == indent:
            found = KEY.match(line.text)
            if found is None:
                break
            self.position += 1
            key, rest = _unquote(found["key"].strip()), found["rest"].strip()
            value = self.value(rest, line, depth)
            if key == "<<":
                entries = {**dict(value.pairs()), **entries}
            else:
                entries[key] = value
        while (stray := self.peek()) is not None and stray.indent > indent:
            self.position += 1  # what no rule above could place
        return Node(first, entries=entries)

    def value(self, rest: str, line: _Line, depth: int) -> Node:
        """What stands after `key:`, on its line or below it."""
        anchor = ""
        if rest.startswith("&"):
            anchor, _, rest = rest[1:].partition(" ")
            rest = rest.strip()
        if not rest:
            node = self.child(line.indent, depth, line.number)
        elif rest[0] in "|>" and len(rest) <= 3:
            node = self.literal(line, folded=rest[0] == ">")
        else:
            node = self.scalar(rest, line.number)
        if anchor:
            self.anchors[anchor] = node
        return node

    def child(self, indent: int, depth: int, number: int = 0) -> Node:
        """The block below a key or dash; a sequence may stand at its key's own indent."""
        line = self.peek()
        if line is None:
            return Node(number)
        deeper = line.indent > indent
        beside = line.indent == indent and number and line.text.startswith("- ")
        return self.block(line.indent, depth + 1) if deeper or beside else Node(number)

    def literal(self, line: _Line, *, folded: bool) -> Node:
        """The lines of a `|` or `>` block."""
        taken: list[str] = []
        while self.position < len(self.raw):
            raw = self.raw[self.position]
            if raw.strip() and len(raw) - len(raw.lstrip(" ")) <= line.indent:
                break
            taken.append(raw.strip())
            self.position += 1
        return Node(line.number, (" " if folded else "\n").join(taken).strip())

    def scalar(self, text: str, number: int, depth: int = 0) -> Node:
        """A value on one line."""
        if depth > DEPTH_LIMIT:
            return Node(number)
        if text.startswith("*"):
            return self.anchors.get(text[1:].strip(), Node(number))
        if text.startswith("["):
            parts = _split(text[1:].rstrip().removesuffix("]"))
            return Node(number, items=tuple(self.scalar(part, number, depth + 1) for part in parts))
        if text.startswith("{"):
            entries: dict[str, Node] = {}
            for part in _split(text[1:].rstrip().removesuffix("}")):
                key, _, value = part.partition(":")
                entries[_unquote(key.strip())] = self.scalar(value.strip(), number, depth + 1)
            return Node(number, entries=entries)
        return Node(number, _unquote(text))


def _uncomment(text: str) -> str:
    """`text` without its comment: a `#` at the start or after a space, outside quotes."""
    mark = ""
    for index, char in enumerate(text):
        if mark:
            mark = "" if char == mark else mark
        elif char in "\"'" and (index == 0 or text[index - 1] in " [{,:"):
            mark = char
        elif char == "#" and (index == 0 or text[index - 1] == " "):
            return text[:index].rstrip()
    return text.rstrip()


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
    return "" if text in {"~", "null"} else text


def _split(text: str) -> list[str]:
    """The parts of a flow collection: split at commas outside quotes and brackets."""
    parts: list[str] = []
    depth, mark, start = 0, "", 0
    for index, char in enumerate(text):
        if mark:
            mark = "" if char == mark else mark
        elif char in "\"'":
            mark = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]
