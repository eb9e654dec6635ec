"""Records that the database could not take yet, on this machine's disk until it can.

One file a process, locked while the process lives; what a process that died left behind is taken
over by the next one that looks. A record is kept once `add` has returned: the disk has it.
"""

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Entry", "Spool", "SpoolFull"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did, for the audit log; `simulation` is a row of the history too."""

    id: str
    at: str
    actor: str
    action: str
    target: str
    correlation_id: str | None
    detail: dict[str, Any]
    simulation: dict[str, Any] | None = None


class SpoolFull(Exception):
    """No more records may wait: what can't be recorded must not be done."""


class Spool:
    """At most `most` entries in `folder`, oldest first; thread-safe."""

    def __init__(self, folder: Path, *, most: int = 5000) -> None:
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._file: int | None = None
        self._path = folder

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep them on disk. Raises `SpoolFull`, or `OSError` where the disk does not take them."""
        with self._lock:
            if len(self._entries) + len(entries) > self._most:
                raise SpoolFull("too many records wait for the database; try again in a moment")
            self._write(entries)
            self._entries += entries

    def oldest(self, most: int) -> list[Entry]:
        """The first ones; they stay until they are dropped."""
        with self._lock:
            return self._entries[:most]

    def drop(self, count: int) -> None:
        """Forget the oldest `count`: the database has them. The file goes with its last entry.

        Until then it has what was dropped too: the database knows each record by its id.
        """
        with self._lock:
            del self._entries[:count]
            if not self._entries:
                self._close()

    def adopt(self) -> int:
        """Take over what processes that are no more left in the folder; how many entries."""
        found = 0
        with self._lock:
            for path in sorted(self._folder.glob("*.jsonl")):
                if path != self._path:
                    found += self._take_over(path)
        return found

    def close(self) -> None:
        """Leave the file to whoever comes next."""
        with self._lock:
            self._close(is_kept=bool(self._entries))

    def _take_over(self, path: Path) -> int:
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # somebody else was quicker
            return 0
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            entries = _read(path)
            self._write(entries)
            self._entries += entries
            path.unlink()
        except OSError:  # its process lives
            return 0
        finally:
            os.close(file)
        return len(entries)

    def _write(self, entries: Sequence[Entry]) -> None:
        rest = b"".join(json.dumps(asdict(one)).encode() + b"\n" for one in entries)
        if not rest:
            return
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            self._file = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            fcntl.flock(self._file, fcntl.LOCK_EX)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fsync(self._file)

    def _close(self, *, is_kept: bool = False) -> None:
        if self._file is None:
            return
        if not is_kept:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._file)
        self._file = None
        self._path = self._folder


def _read(path: Path) -> list[Entry]:
    """The entries of a file; a line that a killed process cut short was never promised."""
    found: list[Entry] = []
    for line in path.read_bytes().split(b"\n"):
        with suppress(ValueError, TypeError):
            found.append(Entry(**json.loads(line)))
    return found
