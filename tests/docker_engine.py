"""The Docker engine that is here, and a base of Python to build on.

Without an engine, or without an image `python:3.12-slim` or `python:3.11-slim` beside it, the
tests that need them are skipped; FAIRWAY_TEST_BASE names another base.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["DOCKER", "base", "docker"]

ROOT = Path(__file__).parents[1]
DOCKER = next(
    (
        found
        for path in ("/usr/bin", os.environ["PATH"])
        if (found := shutil.which("docker", path=path))
    ),
    None,
)
BASES = (os.environ.get("FAIRWAY_TEST_BASE"), "python:3.12-slim", "python:3.11-slim")


def docker(*words: str, code: int | None = 0, stdin: str = "") -> str:
    """What Docker prints; fails where it ends otherwise."""
    ended = subprocess.run(
        [DOCKER or "docker", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
    )
    assert code is None or ended.returncode == code, ended.stderr[-2000:]
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The base that is here, with this checkout's runtime where it is looked for."""
    if DOCKER is None or not docker("version", "--format", "{{.Server.Version}}", code=None):
        pytest.skip("there is no Docker engine")
    known = [each for each in BASES if each and docker("image", "inspect", each, code=None) != "[]"]
    if not known:
        pytest.skip("there is no image of Python to build on, and none is pulled")
    said = docker("run", "--rm", known[0], "python", "--version")
    minor = re.findall(r"\d+\.\d+", said)[0]
    wheels = tmp_path_factory.mktemp("wheels")
    uv = str(ROOT / ".venv" / "bin" / "uv")
    package = str(ROOT / "packages" / "fairway-runtime")
    subprocess.run([uv, "build", "-q", "--wheel", "-o", str(wheels), package], check=True)
    (wheels / "Dockerfile").write_text(
        f"FROM {known[0]}\nCOPY *.whl /wheels/\nENV UV_FIND_LINKS=/wheels\n"
    )
    name = f"fairway-test-python:{minor}"
    docker("build", "--quiet", "--tag", name, str(wheels))
    return name
