"""Files that only their owner reads: passwords, and settings that hold one.

Place in the flow: the backing servers keep here what must be the same after a restart.
"""

import os
import secrets
from pathlib import Path

__all__ = ["password", "write"]


def write(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Put `text` into `path`, whole or not at all, readable by nobody else from the start."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def password(path: Path) -> str:
    """The password kept in `path`; made up and written down the first time."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        made = secrets.token_urlsafe(24)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, made + "\n")
        return made
