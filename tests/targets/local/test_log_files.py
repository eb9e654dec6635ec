"""Logs stay bounded: each in size, those of what has ended in number."""

import os
from pathlib import Path

import pytest

from fairway.targets.local import log_files


def logs_in(folder: Path, *names: str) -> list[Path]:
    paths = [folder / f"{name}.log" for name in names]
    for number, path in enumerate(paths):
        path.write_text(f"{path.stem} said\n")
        os.utime(path, (number, number))
    return paths


def test_a_log_that_is_too_large_is_copied_aside_and_emptied_under_its_writer(
    tmp_path: Path,
) -> None:
    path = tmp_path / "api.1.log"
    with path.open("a") as writer:
        for text in ("one\n", "two\n", "three\n"):
            writer.write(text)
            writer.flush()
            log_files.cut(path, limit_bytes=3)
            assert path.read_text() == ""
            assert (tmp_path / "api.1.log.1").read_text() == text
        writer.write("end")
    log_files.cut(path, limit_bytes=3)
    assert path.read_text() == "end"


def test_a_log_that_is_not_there_is_not_cut(tmp_path: Path) -> None:
    log_files.cut(tmp_path / "api.1.log")
    assert list(tmp_path.iterdir()) == []


def test_only_large_logs_are_cut_and_only_the_oldest_of_what_has_ended_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "FILES", 2)
    running, *_, large = logs_in(tmp_path, "api.1", "api.2", "api.3", "api.4")
    large.write_text("x" * 100)
    log_files.tidy(tmp_path, {"api.1"}, limit_bytes=50)
    kept = ["api.1.log", "api.3.log", "api.4.log", "api.4.log.1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
    assert running.read_text() == "api.1 said\n"
    assert large.read_text() == ""
