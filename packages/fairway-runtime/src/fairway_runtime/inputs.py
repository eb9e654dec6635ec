"""Cleans and checks what people send: text without markup, PDFs that are PDFs (R213, R214).

    class Note(BaseModel):
        text: Annotated[str, AfterValidator(plain_text)]

Pure. `InputError` is a `ValueError`, which FastAPI answers 422. Cleaning is no substitute for
escaping where text is shown: it is for text that never means to hold markup.
"""

import re
from html import unescape

__all__ = ["InputError", "check_pdf", "plain_text"]

MOST_PDF_BYTES = 10 * 1000 * 1000  # "< 10 MB" (R214)
_LONGEST = 100_000
_MOST_ROUNDS = 10
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
# Every alternative ends at the next "<" or ">" or takes all that is left: linear in the text.
_MARKUP = re.compile(
    r"<!--(?:.*?-->|.*)"
    r"|<(script|style|iframe|object|template|noscript|textarea|title|svg|math)\b"
    r"(?:.*?</\1\s*>|.*)"
    r"|<[a-z/!?][^<>]*>"
    r"|<(?=[a-z/!?])"
    r"|(?:java|vb|live)script\s*:"
    r"|data\s*:\s*text/html",
    re.IGNORECASE | re.DOTALL,
)


class InputError(ValueError):
    """What was sent can't be taken: what is wrong, for the one who sent it."""


def plain_text(text: str, longest: int = _LONGEST) -> str:
    """`text` without tags, scripts, script URLs and invisible characters; line ends stay.

    `a < b` stays as it is. Markup that is hidden in entities, or that appears when other markup is
    taken away, goes too: the result cleaned again is the same. Raises `InputError` beyond
    `longest` characters.
    """
    if len(text) > longest:
        raise InputError(f"must have at most {longest} characters")
    for _ in range(_MOST_ROUNDS):
        before = text
        text = _MARKUP.sub("", _CONTROL.sub("", unescape(text).replace("\r\n", "\n")))
        if text == before:
            return text
    # Nested deeper than any honest text: nothing is left that could mean anything.
    text = re.sub(r"[<>&:]", "", text)
    return _CONTROL.sub("", text)


def check_pdf(content: bytes, most_bytes: int = MOST_PDF_BYTES) -> bytes:
    """`content`, if it is a whole PDF of less than `most_bytes`; raises `InputError`.

    Looks at the beginning and the end (ISO 32000-1, 7.5.2 and 7.5.5), not at what is in between.
    """
    if len(content) >= most_bytes:
        raise InputError(f"must be smaller than {most_bytes / 1e6:g} MB")
    if not re.match(rb"%PDF-[12]\.[0-9]", content):
        raise InputError("must be a PDF")
    if b"%%EOF" not in content[-1024:]:
        raise InputError("must be a whole PDF: its end is missing")
    return content
