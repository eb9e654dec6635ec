"""What an image's build is at, from the lines that BuildKit prints (`--progress=plain`). Pure.

A step begins with `#14 [build  8/11] RUN ["uv", "sync"]` and its digest; then come what its command
prints, and `#14 DONE 7.6s`, or `#14 CACHED` where nothing was to be done. Steps run side by side.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import cast

__all__ = ["steps"]

STEP = re.compile(r"#(\d+) \[(?:(\S+) +)?(\d+/\d+)\] RUN (.+)")
MOUNT = re.compile(r"--mount=\S+ ")
LONGEST = 72


def steps(lines: Iterable[str]) -> Iterator[str]:
    """Each command that runs, when it does: `8/11 uv sync`. Nothing of what is cached."""
    begun: dict[str, str] = {}
    for line in lines:
        number, _, rest = line.partition(" ")
        if found := STEP.match(line):
            begun[number] = f"{found[3]} {_command(found[4])}"
        elif number in begun and not rest.startswith("sha256:"):
            step = begun.pop(number)
            if rest.strip() != "CACHED":
                yield step


def _command(text: str) -> str:
    """The words of a command, without its mounts and without a program's own text."""
    words = _words(MOUNT.sub("", text))
    if "-c" in words:
        words = [*words[: words.index("-c") + 1], "…"]
    said = " ".join(words)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def _words(text: str) -> list[str]:
    try:
        words: object = json.loads(text)
    except ValueError:
        words = None
    return (
        [str(word) for word in cast("list[object]", words)]
        if isinstance(words, list)
        else text.split()
    )
