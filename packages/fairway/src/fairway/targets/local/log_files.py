"""Keeps the logs of processes bounded: each file in size, all of them in number.

Processes write straight to their files, so that they go on when the engine is gone; a file that
grew too large is copied aside and cut, which a writer that only appends does not notice.
"""

import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

__all__ = ["cut", "tidy"]

FILE_BYTES = 64 * 1024 * 1024
FILES = 200


def tidy(folder: Path, running: Collection[str], *, limit_bytes: int = FILE_BYTES) -> None:
    """Cut what is too large, and drop the oldest logs of processes that do not run."""
    if not folder.is_dir():
        return
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in logs:
        cut(path, limit_bytes=limit_bytes)
    ended = [path for path in logs if path.name.removesuffix(".log") not in running]
    for path in ended[: max(0, len(ended) - FILES)]:
        path.unlink(missing_ok=True)
        path.with_suffix(".log.1").unlink(missing_ok=True)


def cut(path: Path, *, limit_bytes: int = FILE_BYTES) -> None:
    """Copy a log that is too large aside, over the copy before, and empty it."""
    if not path.exists() or path.stat().st_size <= limit_bytes:
        return
    with suppress(OSError):  # on a full disk only the cut makes room
        shutil.copyfile(path, path.with_suffix(".log.1"))
    with path.open("r+b") as file:
        file.truncate(0)
