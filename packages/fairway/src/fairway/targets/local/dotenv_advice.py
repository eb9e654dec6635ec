"""What an app misses that stands in `.env`.

The file stays where it is: of what it holds the app is given the secrets that it `uses`, here as in
a cloud, and addresses of servers of its own. An app that read it by itself on this machine says
then that something is missing, and nobody would guess why. Pure: lines and names in, a sentence
out. Values are never looked at.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from fairway.core.detect.own_names import part_of_name

__all__ = ["with_advice"]

# KeyError of os.environ; pydantic, decouple, django-environ and environs; words of people.
MISSING = re.compile(
    r"KeyError|field required|not found|not set|missing|undefined|ImproperlyConfigured",
    re.IGNORECASE,
)


def with_advice(lines: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """The last lines of a process, and a line or two more where they miss one of `names`."""
    missed = [name for name in sorted(names) if is_missed(name, lines)]
    parts = {name: part for name in missed if (part := part_of_name(name))}
    left = [name for name in missed if name not in parts]
    return (*lines, *_of_parts(parts), *_of_secrets(left))


def _of_parts(parts: Mapping[str, str]) -> Iterator[str]:
    """What an app reads of a database or a Redis that Fairway gives it."""
    if parts:
        said = ", ".join(f'{name} = "{part}"' for name, part in parts.items())
        listed = ", ".join(parts)
        verb = "stands" if len(parts) == 1 else "stand"
        yield (
            f"{listed} {verb} in .env, and Fairway has another server for it: write "
            f"variables = {{ {said} }}, by the names of what it uses."
        )


def _of_secrets(left: Sequence[str]) -> Iterator[str]:
    if not left:
        return
    listed = ", ".join(left)
    verb = "stands" if len(left) == 1 else "stand"
    yield (
        f"{listed} {verb} in .env, of which an app is given the secrets that it uses: write "
        f'[secret.{left[0]}], and "{left[0]}" into `uses`.'
    )


def is_missed(name: str, lines: Sequence[str]) -> bool:
    """Whether a line says so of this name; pydantic says it in the line below."""
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    return any(
        word.search(line) and MISSING.search(f"{line} {below}")
        for line, below in pairwise((*lines, ""))
    )
