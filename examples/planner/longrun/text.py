"""Text that people typed, without markup. Pure."""

import re
from html.parser import HTMLParser

__all__ = ["plain_text"]

SILENT = {"script", "style", "iframe", "object", "template"}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
SCHEME = re.compile(r"(?:javascript|vbscript|data)\s*:", re.IGNORECASE)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def plain_text(text: str) -> str:
    """Take out tags, what scripts and styles hold, script addresses and control characters.

    What is left holds no `<` or `>`, whatever was nested or encoded.
    """
    for _ in range(5):  # `&lt;b&gt;` is markup once it is decoded
        if "<" not in text and "&" not in text:
            break
        parser = _Words()
        parser.feed(text)
        parser.close()
        text = "".join(parser.words)
    text = CONTROL.sub("", text.replace("<", "").replace(">", ""))
    while SCHEME.search(text):
        text = SCHEME.sub("", text)
    return text.strip()
