"""The archive of PostgreSQL's log is kept as long as it should be."""

import os
from pathlib import Path

from fairway.targets.local import archive


def test_segments_older_than_the_backups_go_and_others_stay(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    for name, age in (("old", 8 * 86400), ("new", 6 * 86400)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (now - age, now - age))
    assert archive.prune(tmp_path, 7 * 86400, now=now) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert archive.prune(tmp_path / "none", 1, now=now) == 0
