"""Makes objects whole again that a kill of the object store left in two halves.

Place in the flow: `objectstore.py`, before each start. MiniStack replaces an object's file, then
the file beside it that says its size and checksums; each is atomic, the pair is not. Killed in
between while it overwrites an object, it would serve the new bytes by the old size from then on,
and every reader would find the answer cut off. The new bytes are whole: what is said of them is
corrected here.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from fairway.targets.local import private

__all__ = ["mend_interrupted_writes"]

SIDECAR = ".meta.json"


def mend_interrupted_writes(data: Path) -> tuple[Path, ...]:
    """The objects under `data` that were corrected, sorted; reads only what looks suspicious."""
    mended = (mend(sidecar) for sidecar in data.rglob(f"*{SIDECAR}"))
    return tuple(sorted(each for each in mended if each is not None))


def mend(sidecar: Path) -> Path | None:
    file = sidecar.with_name(sidecar.name.removesuffix(SIDECAR))
    try:
        said = cast("dict[str, Any]", json.loads(sidecar.read_text()))
        is_newer = file.stat().st_mtime_ns > sidecar.stat().st_mtime_ns
        size = file.stat().st_size
    except (OSError, ValueError):
        return None  # a deleted object has no file
    if said.get("is_delete_marker") or (said.get("size") == size and not is_newer):
        return None
    etag = str(said.get("etag", "")).strip('"')
    with file.open("rb") as opened:
        # S3's etag, not a safeguard against anybody.
        digest = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False))
    found = digest.hexdigest()
    # A copied folder has new times but the same objects; one uploaded in parts is known by size.
    if said.get("size") == size and (etag == found or "-" in etag):
        return None
    private.write(sidecar, json.dumps(said | {"etag": f'"{found}"', "size": size, "checksums": {}}))
    return file
