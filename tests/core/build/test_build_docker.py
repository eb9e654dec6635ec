"""The Dockerfile, built and run: hardened as on Fargate. Packages come from PyPI.

Needs Docker, and a base of Python: see tests/docker_engine.py.
"""

import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.docker_engine import docker
from fairway.cli.build_sources import read_build_sources
from fairway.core.build.dockerfile import NODE
from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.spec.parse import parse
from tests.core.build.built_projects import (
    APP,
    DJANGO,
    FLASK,
    LOCKED,
    SCRIPT,
    SECRETS,
    WORKER,
    Built,
)
from tests.docker_engine import base

__all__ = ["base"]  # a fixture

HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")


@contextmanager
def running(folder: Path, file: str, base: str) -> Generator[str]:
    """A container of the project in `folder`, whose fairway.toml this is."""
    app = parse(file).app("production")
    sources = read_build_sources(folder, app)
    made = images(app, sources, 8000)
    for name, text in build_files(
        app.name, made, sources, version="0", runtime_version="0.1.0", base=base
    ).items():
        (folder / name).write_text(text)
    tag = f"fairway-test-{app.name}:{os.getpid()}"
    docker("build", "--network=host", "--quiet", "--tag", tag, str(folder))
    container = docker("run", "--detach", *HARDENED, tag)
    try:
        yield container
    finally:
        docker("rm", "--force", container)
        docker("rmi", "--force", tag)


@contextmanager
def built(project: Built, folder: Path, base: str, node: str = "service.web") -> Generator[str]:
    """A container of one of the small projects; `node` is what its lines are about."""
    lines, texts = project
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    public = "public = true\n" if node.startswith("service.") else ""
    with running(folder, f'app = "small"\n[{node}]\n{lines}{public}', base) as container:
        yield container


def answer(container: str, path: str = "") -> str:
    """What the app in a container says, as soon as it says something."""
    ask = (
        "import os, urllib.request as r; "
        f"print(r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '{path}').read().decode())"
    )
    deadline = time.monotonic() + 60
    while not (said := docker("exec", container, "python", "-c", ask, code=None)):
        assert time.monotonic() < deadline, docker("logs", container)
        time.sleep(0.2)
    return said


@pytest.mark.real
@pytest.mark.timeout(400)
@pytest.mark.requirement("R39", "R41", "R42", "R43", "R45", "R46", "R47", "R73", "R226")
def test_the_image_runs_without_rights_answers_and_ends_well(base: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(APP.replace("said()", 'b"here"', 1))
    (tmp_path / "requirements.txt").write_text("h11==0.16.0\n")
    (tmp_path / "main.py").chmod(0o600)
    for name in SECRETS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("TOKEN=never\n")
    file = 'app = "small"\n[service.web]\nasgi = "main:app"\nport = 8501\npublic = true\n'
    with running(tmp_path, file, base) as container:
        assert answer(container) == "here"
        assert docker("exec", container, "id", "-u") == "1000"
        assert "CapEff:\t0000000000000000" in docker("exec", container, "cat", "/proc/1/status")
        docker("exec", container, "python", "-c", "open('/app/x', 'w')", code=1)
        docker("exec", container, "python", "-c", "open('/tmp/x', 'w')")
        files = docker("exec", container, "find", "/app").split()
        assert not {f"/app/{name}" for name in SECRETS} & set(files)
        assert "/app/__pycache__" in files
        writable = ("find", "/app", "/opt", "-type", "f", "-perm", "/022")
        assert docker("exec", container, *writable) == ""
        ports = docker("inspect", "--format", "{{json .Config.ExposedPorts}}", container)
        assert json.loads(ports) == {"8501/tcp": {}}
        where = docker("exec", container, "python", "-c", "import h11; print(h11.__file__)")
        assert where.startswith("/opt/venv/")
        for tool in ("uv", "gcc", "git"):
            found = f"import shutil; exit(shutil.which('{tool}') is None)"
            docker("exec", container, "python", "-c", found, code=1)
        deadline = time.monotonic() + 60
        while docker("inspect", "--format", "{{.State.Health.Status}}", container) != "healthy":
            assert time.monotonic() < deadline, docker("inspect", container)
            time.sleep(0.5)
        docker("stop", container)
        state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        assert state["ExitCode"] == 0


@pytest.mark.real
@pytest.mark.timeout(400)
@pytest.mark.requirement("R12", "R54")
def test_one_image_holds_the_app_and_the_page_that_it_builds(base: str, tmp_path: Path) -> None:
    if docker("image", "inspect", NODE, code=None) == "[]":
        pytest.skip(f"there is no {NODE} to build a page with, and none is pulled")
    (tmp_path / "main.py").write_text(
        APP.replace("said()", 'open("frontend/dist/page.html", "rb").read()', 1)
    )
    (tmp_path / "requirements.txt").write_text("h11==0.16.0\n")
    (tmp_path / "frontend").mkdir()
    script = (
        "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/page.html', 'built')"
    )
    package = {"name": "page", "version": "1.0.0", "scripts": {"build": f'node -e "{script}"'}}
    lock = {"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {}}}
    (tmp_path / "frontend/package.json").write_text(json.dumps(package))
    (tmp_path / "frontend/package-lock.json").write_text(json.dumps(lock))
    file = (
        'app = "paged"\n[service.web]\nasgi = "main:app"\npublic = true\n'
        'build = "npm --prefix frontend run build"\n'
    )
    with running(tmp_path, file, base) as container:
        assert answer(container) == "built"
        assert "node_modules" not in docker("exec", container, "ls", "frontend").split()
        found = "import shutil; exit(shutil.which('node') is None)"
        docker("exec", container, "python", "-c", found, code=1)


@pytest.mark.real
@pytest.mark.timeout(400)
@pytest.mark.requirement("R39")
@pytest.mark.parametrize("kind", LOCKED)
def test_an_image_holds_what_the_project_s_lock_says(kind: str, base: str, tmp_path: Path) -> None:
    with built(LOCKED[kind], tmp_path, base) as container:
        version, place = answer(container).split()
        assert version == "2.0.0"
        assert place.startswith("/opt/venv/")
        assert json.loads(answer(container, "/health"))["status"] == "alive"


@pytest.mark.real
@pytest.mark.timeout(400)
def test_an_app_that_names_no_package_runs_in_an_image(base: str, tmp_path: Path) -> None:
    with built(('asgi = "main:app"\n', {"main.py": APP}), tmp_path, base) as container:
        assert answer(container) == "nothing"


@pytest.mark.real
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("project", "path", "said"),
    [
        (FLASK, "/", "Flask is here"),
        (DJANGO, "/", "Django is here"),
        (DJANGO, "/static/page.css", "body {}"),
        (SCRIPT, "/", "<title>Streamlit</title>"),
    ],
    ids=["Flask", "Django", "Django's static files", "Streamlit"],
)
def test_an_image_serves_every_kind_of_app(
    project: Built, path: str, said: str, base: str, tmp_path: Path
) -> None:
    with built(project, tmp_path, base) as container:
        assert said in answer(container, path)
        assert json.loads(answer(container, "/health"))["status"] == "alive"


@pytest.mark.real
@pytest.mark.timeout(400)
def test_an_image_of_a_worker_works_and_is_told_to_end(base: str, tmp_path: Path) -> None:
    with built(WORKER, tmp_path, base, "worker.mail") as container:
        deadline = time.monotonic() + 60
        while docker("logs", container) != "at work":
            assert time.monotonic() < deadline, docker("inspect", container)
            time.sleep(0.2)
        docker("stop", container)
        state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        assert (state["OOMKilled"], state["ExitCode"]) == (False, 1)
