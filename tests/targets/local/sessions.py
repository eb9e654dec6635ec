"""How far a session of Linux's scheduler stands back."""

from pathlib import Path

__all__ = ["niceness_of_session"]


def niceness_of_session(pid: int) -> str | None:
    """Of a process's session among sessions. None where it has none of its own to be weighed by.

    That is so where the kernel has no autogroups, and for a process of the machine's first
    session: its file is there, and empty.
    """
    autogroup = Path(f"/proc/{pid}/autogroup")
    words = autogroup.read_text().split() if autogroup.exists() else []
    return words[-1] if words else None
