"""The last words of a process, from its log."""

from pathlib import Path

__all__ = ["last_lines"]

TAIL_BYTES = 64 * 1024


def last_lines(log: Path, count: int) -> tuple[str, ...]:
    """The last lines that are not empty; none where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-count:]
