"""The last words of a process, from its log."""

import re
from pathlib import Path

__all__ = ["last_lines"]

TAIL_BYTES = 64 * 1024
# Where a revision's code is: people know the file by its path in their own folder.
COPY = re.compile(r"[^\s\"']*/\.fairway/revisions/[^/\s]+/source/")


def last_lines(log: Path, count: int) -> tuple[str, ...]:
    """The last lines that are not empty; none where there is no log.

    The app's own files are named from the project's folder, not from the revision's copy.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ()
    lines = [line for line in text.splitlines() if line.strip()][-count:]
    return tuple(COPY.sub("", line) for line in lines)
