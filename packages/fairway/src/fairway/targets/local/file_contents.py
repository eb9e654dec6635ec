"""Contents of an app's files: their digests, and true copies of them.

A digest is believed without reading where the file's times, size and inode are those it was
made for. Links and folders have digests too, so that a tree is a list of paths and digests.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fairway.targets.local import source_tree
from fairway.targets.local.source_tree import Entry

__all__ = ["GONE", "Known", "copy_file", "digest_of", "read_digests"]

GONE = ""  # The digest of a file that went away between the walk and the reading.
BLOCK_BYTES = 256 * 1024
PARALLEL_BYTES = 4_000_000  # From here on, two threads read faster than one.


class Known(NamedTuple):
    """A file's digest, and the state of the file that it holds for."""

    kind: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    digest: str
    believable: bool
    copy_mtime_ns: int

    @staticmethod
    def of(entry: Entry, digest: str, now_ns: int, *, copy_mtime_ns: int) -> "Known":
        """The digest as a later walk may use it, and the time of change of its copy.

        Times tick in milliseconds: a file saved in the tick in which it was read could change
        once more and look the same. One younger than a second is therefore read again.
        """
        young = max(entry.mtime_ns, entry.ctime_ns) > now_ns - 1_000_000_000
        state = (entry.kind, entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode)
        return Known(*state, digest, not young, copy_mtime_ns)

    def holds_for(self, entry: Entry) -> bool:
        """Whether the entry's content is sure to have this digest."""
        return self.believable and self[1:5] == (
            entry.size,
            entry.mtime_ns,
            entry.ctime_ns,
            entry.inode,
        )


def read_digests(root: str, entries: Sequence[Entry], known: Mapping[str, Known]) -> dict[str, str]:
    """The SHA-256 of each entry's content by path; `GONE` for what is no longer there."""
    digests: dict[str, str] = {}
    unread: list[Entry] = []
    for entry in entries:
        before = known.get(entry.path)
        if entry.kind in {"l", "d"}:
            digests[entry.path] = hashlib.sha256(os.fsencode(entry.target)).hexdigest()
        elif before and before.holds_for(entry):
            digests[entry.path] = before.digest
        else:
            unread.append(entry)
    if sum(entry.size for entry in unread) < PARALLEL_BYTES:
        digests.update(_read(root, unread))
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(2) as pool:
            for half in pool.map(_read, (root, root), (unread[::2], unread[1::2])):
                digests.update(half)
    return digests


def digest_of(path: str) -> str:
    """The SHA-256 of one file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        digest = hashlib.sha256()
        while block := os.read(descriptor, BLOCK_BYTES):
            digest.update(block)
        return digest.hexdigest()
    finally:
        os.close(descriptor)


def _read(root: str, entries: Iterable[Entry]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for entry in entries:
        try:
            digests[entry.path] = digest_of(f"{root}/{entry.path}")
        except FileNotFoundError:
            digests[entry.path] = GONE
        except OSError as error:
            raise source_tree.unreadable(entry.path, error) from None
    return digests


def copy_file(source: str, target: str, *, executable: bool) -> os.stat_result:
    """Copy content and time of change; returns the source's state once it was read.

    Large files are copied inside the kernel, which shares their blocks where the file system can.
    """
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        writing = os.open(target, flags, 0o755 if executable else 0o644)
        try:
            size = os.fstat(reading).st_size
            if size < BLOCK_BYTES or not _copied_in_kernel(reading, writing):
                while block := os.read(reading, BLOCK_BYTES):
                    _write_all(writing, block)
            now = os.fstat(reading)
            os.utime(writing, ns=(now.st_mtime_ns, now.st_mtime_ns))
            return now
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copied_in_kernel(reading: int, writing: int) -> bool:
    """Whether the kernel copied all of it; where it can't, nothing has been written."""
    copied = 0
    while True:
        try:
            count = os.copy_file_range(reading, writing, 1 << 30)
        except (OSError, AttributeError):
            if copied:
                raise
            return False
        if count == 0:
            return copied > 0
        copied += count


def _write_all(writing: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(writing, view) :]
