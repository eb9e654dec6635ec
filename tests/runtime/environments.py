"""Environments of their own, made by uv once for all workers, for what the project has not."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["environment", "wheel"]

ROOT = Path(__file__).parents[2]
_OWN = ROOT / ".tools/bin/uv"
UV = str(_OWN) if _OWN.exists() else "uv"


def environment(factory: pytest.TempPathFactory, name: str, *packages: str) -> Path:
    """The Python of a new environment with `packages`; skips where they can't be had."""
    folder = _shared(factory)
    python = folder / name / "bin/python"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / f"{name}.made").exists():
            _uv("venv", "-q", "--python", sys.executable, str(folder / name))
            _uv("pip", "install", "-q", "--python", str(python), *packages)
            (folder / f"{name}.made").touch()
    return python


def wheel(factory: pytest.TempPathFactory) -> Path:
    """The runtime's wheel, built from this checkout."""
    folder = _shared(factory) / "wheel"
    with (folder.parent / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.whl")):
            build = ("build", "-q", "--wheel", "--package", "fairway-runtime")
            _uv(*build, "--out-dir", str(folder))
    return next(folder.glob("*.whl"))


def _shared(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp()
    return folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder


def _uv(*arguments: str) -> None:
    done = subprocess.run([UV, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"uv {arguments[0]} failed here: {done.stderr[-300:]}")
