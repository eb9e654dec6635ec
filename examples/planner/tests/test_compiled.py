"""Kernels are compiled once for the same sources, wherever they lie; others' are never run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent.parent
ASK = """
import os
import tempfile
import numpy as np
tempfile.tempdir = os.environ["TEMPORARY"]
from longrun.engine.compiled import kernel_folder
from longrun.engine.normals import fill_uniforms
fill_uniforms(np.uint64(1), np.empty(3))
hits, misses = fill_uniforms.stats.cache_hits, fill_uniforms.stats.cache_misses
print(kernel_folder(), sum(hits.values()), sum(misses.values()))
"""


def asked(folder: Path, **variables: str) -> list[str]:
    """Folder, hits and misses of a process that has the sources in `folder`."""
    there = folder / "longrun"
    if not there.exists():
        shutil.copytree(HOME / "longrun", there, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=folder,
        env={**os.environ, "TEMPORARY": str(folder), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_same_sources_in_another_folder_need_no_compiler(tmp_path: Path) -> None:
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder, *first = asked(tmp_path / "one", **kept)
    assert first == ["0", "1"]
    assert asked(tmp_path / "two", **kept) == [folder, "1", "0"]


def test_other_sources_are_compiled_anew(tmp_path: Path) -> None:
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder, *_ = asked(tmp_path, **kept)
    kernel = tmp_path / "longrun/engine/kernel.py"  # which holds what the other calls
    kernel.write_text(kernel.read_text() + "\n")
    other, *found = asked(tmp_path, **kept)
    assert other != folder
    assert found == ["0", "1"]


def test_what_others_may_write_to_is_not_run(tmp_path: Path) -> None:
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder, *_ = asked(tmp_path, **kept)
    Path(folder).parent.chmod(0o777)
    other, *found = asked(tmp_path, **kept)
    assert Path(other).is_relative_to(tmp_path / f"longrun-{os.getuid()}")
    assert found == ["0", "1"]


def test_without_a_place_to_write_it_compiles_and_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "no folder"
    file.touch()
    nowhere = {"XDG_CACHE_HOME": str(file), "TEMPORARY": str(file)}
    assert asked(tmp_path, **nowhere) == ["None", "0", "1"]
