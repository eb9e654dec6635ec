"""The Dockerfile, built and run: hardened as on Fargate. Needs Docker, and a base of Python.

Without an engine, or without an image `python:3.12-slim` or `python:3.11-slim` beside it, these
tests are skipped; FAIRWAY_TEST_BASE names another base.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.cli.build_sources import read_build_sources
from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.spec.parse import parse

ROOT = Path(__file__).parents[3]
DOCKER = next(
    (
        found
        for path in ("/usr/bin", os.environ["PATH"])
        if (found := shutil.which("docker", path=path))
    ),
    None,
)
BASES = (os.environ.get("FAIRWAY_TEST_BASE"), "python:3.12-slim", "python:3.11-slim")
APP = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})
"""
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")


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


@pytest.fixture
def running(base: str, tmp_path: Path) -> Iterator[str]:
    """A container of a small app."""
    (tmp_path / "fairway.toml").write_text(
        'app = "small"\n[service.web]\nasgi = "main:app"\nport = 8501\npublic = true\n'
    )
    (tmp_path / "main.py").write_text(APP)
    (tmp_path / "requirements.txt").write_text("h11==0.16.0\n")
    (tmp_path / ".env").write_text("TOKEN=never\n")
    app = parse((tmp_path / "fairway.toml").read_text()).app("production")
    sources = read_build_sources(tmp_path, app)
    made = images(app, sources, 8000)
    for name, text in build_files(
        "small", made, sources, version="0", runtime_version="0.1.0", base=base
    ).items():
        (tmp_path / name).write_text(text)
    tag = f"fairway-test-small:{os.getpid()}"
    docker("build", "--network=host", "--quiet", "--tag", tag, str(tmp_path))
    container = docker("run", "--detach", *HARDENED, tag)
    yield container
    docker("rm", "--force", container)
    docker("rmi", "--force", tag)


@pytest.mark.real
@pytest.mark.timeout(400)
@pytest.mark.requirement("R39", "R41", "R43", "R45", "R46", "R47", "R226")
def test_the_image_runs_without_rights_answers_and_ends_well(running: str) -> None:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8501/').read().decode())"
    deadline = time.monotonic() + 60
    while (said := docker("exec", running, "python", "-c", ask, code=None)) != "here":
        assert time.monotonic() < deadline, docker("logs", running)
        time.sleep(0.2)
    assert docker("exec", running, "id", "-u") == "1000"
    assert "CapEff:\t0000000000000000" in docker("exec", running, "cat", "/proc/1/status")
    docker("exec", running, "python", "-c", "open('/app/x', 'w')", code=1)
    docker("exec", running, "python", "-c", "open('/tmp/x', 'w')")
    files = docker("exec", running, "ls", "-a", "/app").split()
    assert ".env" not in files
    assert "__pycache__" in files
    assert docker("exec", running, "python", "-c", "import h11; print(h11.__file__)").startswith(
        "/opt/venv/"
    )
    for tool in ("uv", "gcc", "git"):
        docker(
            "exec",
            running,
            "python",
            "-c",
            f"import shutil; exit(shutil.which('{tool}') is None)",
            code=1,
        )
    while docker("inspect", "--format", "{{.State.Health.Status}}", running) != "healthy":
        assert time.monotonic() < deadline, docker("inspect", running)
        time.sleep(0.5)
    assert said == "here"
    docker("stop", running)
    state = json.loads(docker("inspect", "--format", "{{json .State}}", running))
    assert state["ExitCode"] == 0
