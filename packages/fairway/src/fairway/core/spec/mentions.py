"""Variables that name a part of what a node uses: `POSTGRES_SERVER = "${db.host}"`.

An app keeps the names that it reads; the file says which part of which node each of them holds.
`$${` stands for `${` itself. Here is what a text mentions; `mentioned.py` says which of a node's
variables count and what is wrong, `variables.py` puts the values in. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["PARTS", "Mention", "escaped", "is_open", "mentions", "pieces", "said_alone"]

TOKEN = re.compile(r"(\$\$\{)|\$\{([^{}$]*)\}")
OPEN = "${"

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "database": ("url", "host", "port", "user", "password", "name"),
    "cache": ("url", "host", "port", "password"),
    "bucket": ("name", "endpoint"),
    "service": ("url", "host", "port"),
    "secret": (),
}
"""What can be said of each kind of node; a secret is its value."""


@dataclass(frozen=True, slots=True)
class Mention:
    """`${db.host}`: a node and one of its parts; of a secret, which has none, the name alone."""

    node: str
    part: str = ""

    def __str__(self) -> str:
        return f"${{{self.node}.{self.part}}}" if self.part else f"${{{self.node}}}"


def pieces(text: str) -> tuple[str | Mention, ...]:
    """A text as what is written and what is mentioned, in order; no empty pieces."""
    return tuple(_joined(_tokens(text)))


def _tokens(text: str) -> Iterator[str | Mention]:
    end = 0
    for token in TOKEN.finditer(text):
        yield text[end : token.start()]
        if token[1]:
            yield OPEN
        else:
            node, _, part = token[2].partition(".")
            yield Mention(node, part)
        end = token.end()
    yield text[end:]


def _joined(tokens: Iterator[str | Mention]) -> Iterator[str | Mention]:
    said = ""
    for token in tokens:
        if isinstance(token, str):
            said += token
            continue
        if said:
            yield said
        said = ""
        yield token
    if said:
        yield said


def mentions(text: str) -> tuple[Mention, ...]:
    """What a text mentions, each once."""
    found = (piece for piece in pieces(text) if isinstance(piece, Mention))
    return tuple(dict.fromkeys(found))


def is_open(text: str) -> bool:
    """Whether a `${` in it has no end."""
    return OPEN in TOKEN.sub("\0", text)


def escaped(text: str) -> str:
    """The text as the file writes it where it mentions nothing."""
    return text.replace(OPEN, f"${OPEN}")


def said_alone(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that mention nothing, as they are: all that is known before anything runs."""
    return {
        name: "".join(str(piece) for piece in pieces(text))
        for name, text in variables.items()
        if not mentions(text)
    }
