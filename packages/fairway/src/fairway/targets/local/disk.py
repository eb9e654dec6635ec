"""Says in words why the disk refused something.

Place in the flow: whatever writes a file or starts a process here wraps its `OSError` once,
with these. Nothing here decides what to do about it.
"""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from fairway.core.problem import Problem, Problems

__all__ = ["FULL", "FULL_ERRNOS", "full", "is_full", "refused", "wrapped"]

FULL = "No space left on device"  # in programs' own output, in the C locale
LITTLE_BYTES = 64 * 1024
FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})


def room_bytes(path: Path) -> int:
    """What an ordinary user may still write at `path`, or where it would come to stand."""
    there = next(each for each in (path, *path.parents) if each.exists())
    room = os.statvfs(there)
    return room.f_bavail * room.f_frsize


def is_full(path: Path) -> bool:
    """Whether the disk that holds `path` has no room left to speak of."""
    return room_bytes(path) < LITTLE_BYTES


def full(where: str, path: Path) -> Problem:
    """The problem that the disk which holds `path` is full."""
    return Problem(
        where,
        f"the disk is full: {room_bytes(path) // 1024} KiB are free where {path} is",
        "make room there, then start again: no data was lost",
    )


def refused(where: str, error: OSError, path: Path) -> Problems:
    """What to raise when the system refuses to read or write `path`."""
    if error.errno in FULL_ERRNOS:
        return Problems([full(where, path)], exit_code=1)
    reason = (error.strerror or str(error)).lower()
    mends = {
        errno.EACCES: "give this user the right to read and write there",
        errno.EROFS: "the file system is read-only: move the project, or mount it for writing",
        errno.ENOENT: "check that the path exists",
    }
    mend = mends.get(error.errno or 0, "mend the cause, then start again")
    return Problems([Problem(where, f"{path}: {reason}", mend)], exit_code=1)


@contextmanager
def wrapped(where: str, path: Path) -> Generator[None]:
    """What the system refuses inside the block, as `Problems`; `path` where it names no file."""
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else path
        raise refused(where, error, Path(named)) from error
