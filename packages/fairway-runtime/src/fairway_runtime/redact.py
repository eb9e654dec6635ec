"""Secrets, kept out of every line that is written.

Two nets: the values that this process was given as secrets (passwords in URLs, variables that are
named like secrets), wherever they show up; and texts that look like credentials whoever made them.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import unquote

__all__ = ["HIDDEN", "is_secret_name", "redactor", "secrets_in"]

HIDDEN = "***"

_SHORTEST = 6  # a shorter value would blot out ordinary words
_URL_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_SECRET_NAME = re.compile(
    r"passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|access_?key(?!_id)|credential"
    r"|authorization|cookie|(?:^|_)key$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[\w-]{0,32}[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<secret>(?:(?:bearer|basic)\s{1,3})?(?!\d{1,4}\b)[^\s\"',;&}]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:bearer|basic)\s{1,3}(?P<secret>[\w+/=.~-]{8,})", re.IGNORECASE)
_FIELDS = (
    "passw passphrase secret token api_key api-key apikey access_key access-key accesskey"
    " authorization cookie credential"
)
# What a secret looks like from where its hint stands. The hints are looked for first, because
# that costs nanoseconds, and each is matched where it stands, because that is linear in the text.
_LOOKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("://", re.compile(r"://[^\s/:@]*:(?P<secret>[^\s/@]+)@")),
    *((field, _VALUE) for field in _FIELDS.split()),
    ("bearer", _SCHEME),
    ("basic ", _SCHEME),
    ("akia", re.compile(r"(?P<secret>AKIA[0-9A-Z]{16})")),
    *((f"gh{kind}_", re.compile(r"(?P<secret>gh[pousr]_\w{20,})")) for kind in "pousr"),
    ("eyj", re.compile(r"(?P<secret>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)")),
    (
        "-----begin",
        re.compile(
            r"(?P<secret>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
            r"(?:.*?-----END [A-Z ]{0,40}PRIVATE KEY-----|.*))",
            re.DOTALL,
        ),
    ),
)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a field or variable of this name holds something that nobody should read."""
    return _SECRET_NAME.search(name) is not None


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The secret values in `environment`, longest first: URL passwords, and by variable name."""
    found: set[str] = set()
    for name, value in environment.items():
        for password in _URL_PASSWORD.findall(value):
            found.update((password, unquote(password)))
        if is_secret_name(name) and "://" not in value:
            found.add(value)
    long_enough = (secret for secret in found if len(secret) >= _SHORTEST)
    return tuple(sorted(long_enough, key=lambda secret: (-len(secret), secret)))


def redactor(secrets: tuple[str, ...]) -> Callable[[str], str]:
    """A function that gives its text back with `secrets`, and what looks like one, hidden."""

    def redact(text: str) -> str:
        for secret in secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        spans = _spans(text)
        return _without(text, spans) if spans else text

    return redact


def _spans(text: str) -> list[tuple[int, int]]:
    """Where in `text` something looks like a secret."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters grow in lower case: then only ASCII is lowered
        lowered = (
            text.encode("utf-32-le", "surrogatepass").lower().decode("utf-32-le", "surrogatepass")
        )
    spans: list[tuple[int, int]] = []
    for hint, look in _LOOKS:
        at = lowered.find(hint)
        while at >= 0:
            match = look.match(text, at)
            if match is not None:
                spans.append(match.span("secret"))
            at = lowered.find(hint, at + 1 if match is None else match.end())
    return spans


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += (text[end:start], HIDDEN)
        end = max(end, stop)
    return "".join((*parts, text[end:]))
