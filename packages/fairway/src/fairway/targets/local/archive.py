"""Keeps the archived PostgreSQL log as long as the app's backups are to be kept (R246)."""

import time
from pathlib import Path

__all__ = ["prune"]


def prune(folder: Path, keep_seconds: float, *, now: float | None = None) -> int:
    """Drop segments older than `keep_seconds`; how many went."""
    if not folder.is_dir():
        return 0
    oldest = (time.time() if now is None else now) - keep_seconds
    old = [path for path in folder.iterdir() if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
