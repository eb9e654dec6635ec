"""The Docker engine that is here, and a base of Python to build the app's images on.

FAIRWAY_TEST_BASE names another base than the official slim ones; none is pulled.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["DOCKER", "docker", "local_base", "with_runtime"]

ROOT = Path(__file__).parent.parent
DOCKER = shutil.which("docker", path=os.pathsep.join(("/usr/bin", os.environ["PATH"])))
SLIM = ("python:3.13-slim", "python:3.12-slim", "python:3.11-slim")
BASES = (os.environ.get("FAIRWAY_TEST_BASE"), *SLIM)
SECONDS = 1800


def docker(*words: str, code: int | None = 0, stdin: str = "") -> str:
    """What Docker prints; raises SubprocessError with its last words where it ends otherwise."""
    ended = subprocess.run(
        [DOCKER or "docker", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
    )
    if code is not None and ended.returncode != code:
        what = f"docker {words[0]} ended with {ended.returncode}: {ended.stderr[-2000:]}"
        raise subprocess.SubprocessError(what)
    return ended.stdout.strip()


def local_base() -> tuple[str, str] | None:
    """An image of Python that is here, and its minor version; None without one, or an engine."""
    if DOCKER is None or not docker("version", "--format", "{{.Server.Version}}", code=None):
        return None
    for name in filter(None, BASES):
        if docker("image", "inspect", name, code=None) != "[]":
            said = docker("run", "--rm", name, "python", "--version")
            return name, re.findall(r"\d+\.\d+", said)[0]
    return None


def with_runtime(folder: Path, base: str, tag: str, *options: str) -> None:
    """Build the base with this checkout's runtime where a build looks for packages."""
    uv = Path(sys.executable).parent / "uv"
    package = ROOT / "packages" / "fairway-runtime"
    subprocess.run([uv, "build", "-q", "--wheel", "-o", folder, package], check=True)
    (folder / "Dockerfile").write_text(
        f"FROM {base}\nCOPY *.whl /wheels/\nENV UV_FIND_LINKS=/wheels\n"
    )
    docker("build", "--quiet", *options, "--tag", tag, str(folder))
