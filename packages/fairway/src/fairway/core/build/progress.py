"""What an image's build is at, from the lines that BuildKit prints (`--progress=plain`). Pure.

A step begins with `#14 [build  8/11] RUN ["uv", "sync"]` and its digest; then come what its command
prints, and `#14 DONE 7.6s`, or `#14 CACHED` where nothing was to be done. Steps run side by side.
"""

import json
import re
from typing import cast

__all__ = ["Steps"]

STEP = re.compile(r"#(\d+) \[(?:(\S+) +)?(\d+/\d+)\] RUN (.+)")
MOUNT = re.compile(r"--mount=\S+ ")
LONGEST = 72


class Steps:
    """Is told what a build prints, line by line."""

    def __init__(self) -> None:
        self._begun: dict[str, str] = {}

    def after(self, line: str) -> str | None:
        """The command that runs, as this line shows: `8/11 uv sync`; of what is cached nothing."""
        number, _, rest = line.partition(" ")
        if found := STEP.match(line):
            self._begun[number] = f"{found[3]} {_command(found[4])}"
        elif number in self._begun and not rest.startswith("sha256:"):
            step = self._begun.pop(number)
            if rest.strip() != "CACHED":
                return step
        return None


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
