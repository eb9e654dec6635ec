"""A text around what is renewed: what its secret holds, and how it is put together anew (R74).

`render/wiring.py` has CloudFormation write the first one; `steps.py` writes each that follows. A
part of the renewal's code in AWS Lambda, as `wire.py` is: the standard library alone. Pure.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Text"]

Piece = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Text:
    """What tasks read, and its form: what is written, and where what is renewed is read.

    Of that a piece is a secret and the key of its JSON, empty where the whole is meant. `since`
    says of a secret when a renewal of it wrote the text, in seconds since 1970; what CloudFormation
    wrote has none.
    """

    text: str
    form: tuple[Piece, ...]
    since: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def of(cls, said: str) -> "Text":
        """What a secret holds."""
        found = json.loads(said)
        form = tuple(
            each if isinstance(each, str) else (each[0], each[1]) for each in found["form"]
        )
        return cls(found["text"], form, found.get("since", {}))

    @property
    def said(self) -> str:
        """As a secret holds it."""
        return json.dumps({"text": self.text, "form": self.form, "since": self.since})

    def holds(self, *secrets: str) -> bool:
        """Whether any of these secrets is in it."""
        return any(not isinstance(each, str) and each[0] in secrets for each in self.form)

    def anew(self, secret: str, value: Callable[[str], str], now: float) -> "Text":
        """The text with the values of now, for a renewal of `secret`; itself where it says them."""
        text = "".join(
            each if isinstance(each, str) else inside(value(each[0]), each[1]) for each in self.form
        )
        return self if text == self.text else Text(text, self.form, {**self.since, secret: now})


def inside(value: str, key: str) -> str:
    """What a secret holds under a key; without one, the whole."""
    return str(json.loads(value)[key]) if key else value
