"""Secrets, kept out of every line that is written.

Two nets: the values that this process was given as secrets (passwords in URLs, variables that are
named like secrets), wherever they show up; and texts that look like credentials whoever made them.
"""

import re
from collections.abc import Callable, Mapping
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
_WORDS = r"password|passwd|passphrase|secret|token|api[_-]?key|authorization|access[_-]?key|cookie"
_PATTERNS = re.compile(
    r"(?P<url>://[^\s/:@]*:)[^\s/@]+(?=@)"
    rf"|(?P<field>\b[\w-]*(?:{_WORDS})[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"',;&}}]+"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[\w+/=.~-]{8,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_\w{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    re.IGNORECASE | re.DOTALL,
)


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
    known = re.compile("|".join(re.escape(secret) for secret in secrets)) if secrets else None

    def redact(text: str) -> str:
        if known is not None:
            text = known.sub(HIDDEN, text)
        return _PATTERNS.sub(_hide, text)

    return redact


def _hide(match: re.Match[str]) -> str:
    kept = match["url"] or match["field"] or match["scheme"] or ""
    return kept + HIDDEN
