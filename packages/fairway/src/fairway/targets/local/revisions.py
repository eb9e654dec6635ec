"""Revisions: an app's code as it was at one moment, kept so that it can be run again.

`snapshot` copies the app's folder to `revisions/<id>/source/`. The id comes from the paths, the
executable bits, the contents and the configuration: the same input gives the same id, and code
and configuration are rolled back together. A folder with that name is always whole: it is built
under another name and renamed, so a kill at any point leaves nothing that looks like a revision.

    revisions/<id>/source/        the code: what replicas and jobs run in
    revisions/<id>/contents.json  each file's size, times and digest
    revisions/<id>/revision.json  what `Revision` says
    revisions/.making-<pid>-…/    one that is being made; left behind by a kill, it is swept

Nothing here starts anything, and nothing decides which revision runs.
"""

# ruff: noqa: PTH101, PTH102, PTH211 - for 50,000 files plain strings take half the time

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairway.core import names
from fairway.targets.local import disk, file_contents, private, source_tree
from fairway.targets.local.file_contents import GONE, Known
from fairway.targets.local.source_tree import Entry, Limits

__all__ = [
    "Revision",
    "altered",
    "digests",
    "find_revision",
    "list_revisions",
    "prune",
    "remove",
    "snapshot",
]

FORMAT = 1
MAKING = ".making-"
LEAVING = ".leaving-"


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable build; `skipped` says in sentences what could not come along."""

    id: str
    digest: str
    configuration: str
    source: Path
    created_at: float
    files: int
    size_bytes: int
    skipped: tuple[str, ...] = ()


def snapshot(
    source: Path,
    into: Path,
    *,
    now: float,
    configuration: str = "",
    limits: Limits | None = None,
) -> Revision:
    """The revision of `source` as it is, copied to `into` unless it is there already.

    `configuration` is the digest of what the app is run with; `now` is in seconds since 1970.
    Raises `Problems` where the folder is larger than `limits` or a file cannot be read. Safe to
    call at the same time from several processes.
    """
    tree = source_tree.scan(source, limits or Limits(), without=into)
    newest = next(iter(list_revisions(into)), None)
    known = _contents(newest) if newest else {}
    digests = file_contents.read_digests(str(source), tree.entries, known)
    digest = _combined(tree.entries, digests, configuration)
    existing = find_revision(into, names.revision_id(digest))
    if existing and existing.digest == digest and _is_complete(existing):
        _believe(existing, tree.entries, digests, now)
        return existing
    _sweep(into)
    into.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{MAKING}{os.getpid()}-", dir=into))
    try:
        entries = _copy(str(source), f"{making}/source", tree.entries, digests)
        digest = _combined(entries, digests, configuration)
        revision = Revision(
            id=names.revision_id(digest),
            digest=digest,
            configuration=configuration,
            source=into / names.revision_id(digest) / "source",
            created_at=now,
            files=sum(entry.kind in "fx" for entry in entries),
            size_bytes=sum(entry.size for entry in entries),
            skipped=tree.skipped,
        )
        _record(making, revision, entries, digests)
        return _publish(making, into, revision)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def find_revision(into: Path, revision_id: str) -> Revision | None:
    """The revision with this id, or None where there is none, or only half of one."""
    folder = into / revision_id
    try:
        record = json.loads((folder / "revision.json").read_bytes())
    except (OSError, ValueError):
        return None
    if record.get("format") != FORMAT:
        return None
    return Revision(
        id=revision_id,
        digest=str(record["digest"]),
        configuration=str(record["configuration"]),
        source=folder / "source",
        created_at=float(record["created_at"]),
        files=int(record["files"]),
        size_bytes=int(record["size_bytes"]),
        skipped=tuple(str(sentence) for sentence in record["skipped"]),
    )


def list_revisions(into: Path) -> tuple[Revision, ...]:
    """All revisions, newest first."""
    try:
        present = [one.name for one in into.iterdir() if not one.name.startswith(".")]
    except FileNotFoundError:
        return ()
    found = [find_revision(into, name) for name in present]
    return tuple(sorted(filter(None, found), key=lambda one: (-one.created_at, one.id)))


def altered(revision: Revision) -> tuple[str, ...]:
    """What was written into the revision's folder since: paths, sorted.

    A revision does not change; an app that writes beside its code loses that with the next
    release, here as in a container. Caches (`__pycache__`) do not count.
    """
    contents = {path: one for path, one in _contents(revision).items() if one.kind in "fx"}
    walk = source_tree.scan(revision.source, Limits.none())
    seen = {entry.path: entry for entry in walk.entries if entry.kind in "fx"}
    changed = seen.keys() ^ contents.keys()
    for path in seen.keys() & contents.keys():
        here, there = seen[path], contents[path]
        if (here.size, here.mtime_ns) != (there.size, there.copy_mtime_ns):
            changed.add(path)
    return tuple(sorted(changed))


def remove(into: Path, revision_id: str) -> None:
    """Delete one revision; that there is none is no error."""
    if (into / revision_id).is_dir():
        _take_away(into, into / revision_id)


def prune(into: Path, keep: int, in_use: Collection[str] = ()) -> tuple[str, ...]:
    """Delete all but the newest `keep` and those `in_use`; the ids of the deleted."""
    old = [one.id for one in list_revisions(into)[keep:] if one.id not in in_use]
    for revision_id in old:
        remove(into, revision_id)
    _sweep(into)
    return tuple(old)


# -- Making ----------------------------------------------------------------------------------


def _combined(entries: Sequence[Entry], digests: Mapping[str, str], configuration: str) -> str:
    """One digest over all; the entries are sorted, each field ends with a NUL."""
    whole = hashlib.sha256(f"fairway revision {FORMAT}\0{configuration}\0".encode())
    for entry in entries:
        whole.update(os.fsencode(f"{entry.kind}\0{entry.path}\0{digests[entry.path]}\0"))
    return whole.hexdigest()


def _copy(
    source: str, target: str, entries: Sequence[Entry], digests: dict[str, str]
) -> tuple[Entry, ...]:
    """Copy all; a file that changed since it was read gets its new digest, one that went is left.

    So the id is always that of what was copied, even while someone saves files.
    """
    os.mkdir(target)
    copied: list[Entry] = []
    for entry in entries:
        path = f"{target}/{entry.path}"
        if entry.kind == "d":
            os.mkdir(path)
        elif entry.kind == "l":
            os.symlink(entry.target, path)
        else:
            fresh = _copy_entry(f"{source}/{entry.path}", path, entry)
            if fresh is None:
                continue
            if fresh != entry or digests[entry.path] == GONE:
                digests[entry.path] = file_contents.digest_of(path)
                os.chmod(path, 0o755 if fresh.kind == "x" else 0o644)
            copied.append(fresh)
            continue
        copied.append(entry)
    return tuple(copied)


def _copy_entry(source: str, target: str, entry: Entry) -> Entry | None:
    """The entry as it was when it was copied; None where it is gone."""
    try:
        found = file_contents.copy_file(source, target, executable=entry.kind == "x")
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in disk.FULL_ERRNOS:
            raise disk.refused("revision", error, Path(target).parent) from error
        raise source_tree.unreadable(entry.path, error) from None
    return source_tree.file_entry(entry.path, found)


def _publish(making: Path, into: Path, revision: Revision) -> Revision:
    """Give the folder its name; another process that was first with the same wins."""
    final = into / revision.id
    for _ in range(10):
        try:
            making.rename(final)
        except OSError:
            other = find_revision(into, revision.id)
            if other and other.digest == revision.digest and _is_complete(other):
                return other
            _take_away(into, final)
            continue
        _sync_folder(into)
        return revision
    raise OSError(f"{final} could not be replaced")


def _is_complete(revision: Revision) -> bool:
    """Whether every file is still there, and none was emptied by a loss of power."""
    contents = _contents(revision)
    for path, known in contents.items():
        try:
            found = os.lstat(f"{revision.source}/{path}")
        except OSError:
            return False
        if known.size and (not found.st_size or not stat.S_ISREG(found.st_mode)):
            return False
    return bool(contents) or not revision.files


def digests(revision: Revision) -> Mapping[str, str]:
    """Path -> digest of every file of the revision."""
    return {path: known.digest for path, known in _contents(revision).items()}


# -- Records ---------------------------------------------------------------------------------


def _contents(revision: Revision) -> dict[str, Known]:
    try:
        loaded = json.loads((revision.source.parent / "contents.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return {path: Known(*known) for path, known in loaded.items()}


def _record(
    making: Path, revision: Revision, entries: Sequence[Entry], digests: Mapping[str, str]
) -> None:
    """Write the records, `revision.json` last: a folder without it is no revision."""
    record = {
        "format": FORMAT,
        "id": revision.id,
        "digest": revision.digest,
        "configuration": revision.configuration,
        "created_at": revision.created_at,
        "files": revision.files,
        "size_bytes": revision.size_bytes,
        "skipped": revision.skipped,
    }
    now_ns = int(revision.created_at * 1e9)
    contents = {
        one.path: Known.of(one, digests[one.path], now_ns, copy_mtime_ns=one.mtime_ns)
        for one in entries
    }
    _write_durably(making / "contents.json", json.dumps(contents, separators=(",", ":")))
    _write_durably(making / "revision.json", json.dumps(record, indent=2) + "\n")
    _sync_folder(making)


def _believe(
    revision: Revision, entries: Sequence[Entry], digests: Mapping[str, str], now: float
) -> None:
    """Note the files' present state where they had to be read, so that next time they need not."""
    before = _contents(revision)
    now_ns = int(now * 1e9)
    fresh = {
        one.path: Known.of(
            one, digests[one.path], now_ns, copy_mtime_ns=before[one.path].copy_mtime_ns
        )
        for one in entries
        if one.path in before
    }
    if any(one != before[path] and one.believable for path, one in fresh.items()):
        text = json.dumps(fresh, separators=(",", ":"))
        private.write(revision.source.parent / "contents.json", text, mode=0o644)


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- Leaving ---------------------------------------------------------------------------------


def _take_away(into: Path, folder: Path) -> None:
    """Delete a revision so that it is gone at once, whole, even if the deletion is killed."""
    leaving = Path(tempfile.mkdtemp(prefix=f"{LEAVING}{os.getpid()}-", dir=into))
    try:
        folder.rename(leaving / "revision")
    except FileNotFoundError:
        pass  # Another process took it away.
    finally:
        shutil.rmtree(leaving, ignore_errors=True)


def _sweep(into: Path) -> None:
    """Delete what processes that no longer run have left half-made."""
    try:
        found = list(into.iterdir())
    except FileNotFoundError:
        return
    for one in found:
        if one.name.startswith((MAKING, LEAVING)) and not _runs(int(one.name.split("-")[1])):
            shutil.rmtree(one, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
