"""What an app misses that stands in `.env`.

The file stays where it is: of what it holds the app is given the secrets that it `uses`, here as in
a cloud. An app that read it by itself on this machine says then that something is missing, and
nobody would guess why. Pure: lines and names in, a sentence out. Values are never looked at.
"""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

__all__ = ["with_advice"]

# KeyError of os.environ; pydantic, decouple, django-environ and environs; words of people.
MISSING = re.compile(
    r"KeyError|field required|not found|not set|missing|undefined|ImproperlyConfigured",
    re.IGNORECASE,
)


def with_advice(lines: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """The last lines of a process, and a line more where they miss one of `names`."""
    left = [name for name in sorted(names) if is_missed(name, lines)]
    if not left:
        return tuple(lines)
    listed = ", ".join(left)
    verb = "stands" if len(left) == 1 else "stand"
    advice = (
        f"{listed} {verb} in .env, of which an app is given the secrets that it uses: write "
        f'[secret.{left[0]}], and "{left[0]}" into `uses`.'
    )
    return (*lines, advice)


def is_missed(name: str, lines: Sequence[str]) -> bool:
    """Whether a line says so of this name; pydantic says it in the line below."""
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    return any(
        word.search(line) and MISSING.search(f"{line} {below}")
        for line, below in pairwise((*lines, ""))
    )
