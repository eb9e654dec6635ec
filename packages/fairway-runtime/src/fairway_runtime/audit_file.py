"""The audit log's lines in a file, for one machine: any number of processes may append to it.

Only ever adds to the file. What an interrupted append left stays in it; the next record tells.
"""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fairway_runtime.audit_chain import GENESIS, Chain, Head, split_lines

__all__ = ["FileLedger"]

_BLOCK = 64 * 1024
_POLL_SECONDS = 0.002


class FileLedger:
    """Lines in `path`, made when first written to, readable by its owner only.

    Each append locks the file (`flock`), writes once, and returns when the disk has it; `is_safe`
    false leaves that to the system: SIGKILL then still costs nothing, a power cut may. Raises
    `TimeoutError` when another writer holds the lock for `lock_seconds`, `OSError` as the system
    does. Not for network file systems.
    """

    def __init__(
        self, path: str | Path, *, is_safe: bool = True, lock_seconds: float = 5.0
    ) -> None:
        self.path = Path(path)
        self._is_safe = is_safe
        self._lock_seconds = lock_seconds
        self._known: tuple[int, int, Head] | None = None  # inode, size, and the head at that size

    def extend(self, chain: Chain, write: Callable[[Head, bytes], bytes]) -> None:
        """Add what `write` gives for the last record and what stands after it.

        The file is opened anew each time: a lock belongs to an opening, and one that was inherited
        by fork would be shared.
        """
        is_new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(file)
            said = os.fstat(file)
            head, torn = self._last(file, said.st_ino, said.st_size, chain)
            data = write(head, torn)
            rest = data
            while rest:
                rest = rest[os.write(file, rest) :]
            if self._is_safe:
                os.fsync(file)
            record = chain.read(data[data.rfind(b"\n", 0, -1) + 1 :])
            if record is not None:
                self._known = (said.st_ino, said.st_size + len(data), record.head)
        finally:
            os.close(file)
        if is_new and self._is_safe:
            _sync_folder(self.path.parent)

    def lines(self) -> Iterator[bytes]:
        """The lines up to where the file ends now; what is being added is not among them."""
        try:
            with self.path.open("rb") as file:
                self._lock(file.fileno())
                left = os.fstat(file.fileno()).st_size
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
                while left > 0:
                    line = file.readline(left)
                    if not line:
                        return
                    left -= len(line)
                    yield line
        except FileNotFoundError:
            return

    def _lock(self, file: int) -> None:
        deadline = time.monotonic() + self._lock_seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            else:
                return
            if time.monotonic() >= deadline:
                raise TimeoutError(
                    f"{self.path}: another writer has held the audit log's lock for"
                    f" {self._lock_seconds:g} s"
                )
            time.sleep(_POLL_SECONDS)

    def _last(self, file: int, inode: int, size: int, chain: Chain) -> tuple[Head, bytes]:
        """The last record's head, and the bytes after it."""
        if self._known is not None and self._known[:2] == (inode, size):
            return self._known[2], b""
        tail = b""
        begin = size
        while begin > 0:
            block = min(_BLOCK, begin)
            begin -= block
            tail = _read(file, block, begin) + tail
            lines = split_lines(tail)
            complete = lines if begin == 0 else lines[1:]  # the first may be a part of one
            for index in range(len(complete) - 1, -1, -1):
                record = chain.read(complete[index])
                if record is not None:
                    return record.head, b"".join(complete[index + 1 :])
        return GENESIS, tail


def _read(file: int, length: int, offset: int) -> bytes:
    data = os.pread(file, length, offset)
    while len(data) < length:
        more = os.pread(file, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _sync_folder(folder: Path) -> None:
    """The file's name is kept as well as its content."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
