"""The runtime beside an app's environment: the app's own versions win, and it is whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.targets.local.environments import Environment, ensure
from fairway.targets.local.runtime_overlay import (
    Overlay,
    Source,
    ensure_overlay,
    find_source,
    prune_overlays,
)
from fairway.targets.local.uv_command import Uv


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "app" / ".fairway"


def installed(place: Path, direct_url: object = None) -> list[str]:
    metadata = place / "fairway_runtime-1.2.3.dist-info"
    metadata.mkdir(parents=True)
    if direct_url:
        (metadata / "direct_url.json").write_text(json.dumps(direct_url))
    return [str(place / "nothing-here"), str(place)]


# -- Where it comes from ----------------------------------------------------------------------


def test_a_runtime_from_an_index_is_asked_for_by_version(tmp_path: Path) -> None:
    assert find_source(installed(tmp_path)) == Source("fairway-runtime[all]==1.2.3", "1.2.3")


def test_a_runtime_from_a_repository_is_asked_for_by_commit(tmp_path: Path) -> None:
    url = {"url": "https://host/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    source = find_source(installed(tmp_path, url))
    assert source.requirement == "fairway-runtime[all] @ git+https://host/r.git@abc"


def test_a_runtime_that_is_worked_on_is_told_apart_by_its_source(tmp_path: Path) -> None:
    folder = tmp_path / "my runtime"
    (folder / "src").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (folder / "src" / "a.py").write_text("1")
    url = {"url": folder.as_uri(), "dir_info": {"editable": True}}
    path = installed(tmp_path / "site", url)
    first = find_source(path)
    assert first.requirement == f"fairway-runtime[all] @ {folder.as_uri()}"
    assert find_source(path) == first
    (folder / "src" / "a.py").write_text("2")
    assert find_source(path).digest != first.digest


def test_a_tool_without_its_runtime_says_so(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="Install Fairway again"):
        find_source([str(tmp_path)])


def test_an_app_of_an_older_python_is_refused_with_a_way_out(state: Path) -> None:
    with pytest.raises(Problems, match=r"Python 3\.10\.4.*3\.11"):
        ensure_overlay(Path("python"), "3.10.4", state=state, uv=Uv(os.environ))


# -- Installed --------------------------------------------------------------------------------


@pytest.mark.real
def test_a_source_that_cannot_be_had_is_a_problem_and_leaves_nothing(state: Path) -> None:
    source = Source("fairway-has-no-such-package==1", "1")
    version = ".".join(map(str, sys.version_info[:3]))
    with pytest.raises(Problems, match="no package called"):
        ensure_overlay(Path(sys.executable), version, state=state, uv=Uv(os.environ), source=source)
    assert list((state / "runtime").iterdir()) == []


@pytest.mark.real
def test_a_change_of_the_runtimes_source_reaches_the_next_overlay(
    tmp_path: Path, state: Path
) -> None:
    folder = tmp_path / "runtime"
    package = folder / "src" / "fairway_runtime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "fairway-runtime"\nversion = "1.2.3"\n'
        "[project.optional-dependencies]\nall = []\n"
        '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
    )
    path = installed(tmp_path / "site", {"url": folder.as_uri(), "dir_info": {"editable": True}})
    version = ".".join(map(str, sys.version_info[:3]))
    folders: set[Path] = set()
    for text in ("first", "second"):
        (package / "boot.py").write_text(f"'{text}'\n")
        overlay = ensure_overlay(
            Path(sys.executable), version, state=state, uv=Uv(os.environ), source=find_source(path)
        )
        assert overlay.boot.read_text() == f"'{text}'\n"
        folders.add(overlay.folder)
    assert len(folders) == 2


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Overlay, list[str]]:
    """An app that pins one of the runtime's own dependencies, and the overlay for it."""
    app = tmp_path_factory.mktemp("app")
    (app / "requirements.txt").write_text("h11==0.14.0\n")
    (app / "main.py").write_text(
        "import sys, h11, httptools, uvicorn\n"
        "print(h11.__version__, h11.__file__, httptools.__file__, sys.path[-1], sep='\\n')\n"
        "sys.exit(7)\n"
    )
    said: list[str] = []
    uv = Uv(os.environ, report=said.append)
    state = app / ".fairway"
    environment = ensure(app, ".", home=app, state=state, in_use=False, uv=uv)
    overlay = ensure_overlay(environment.python, environment.python_version, state=state, uv=uv)
    return environment, overlay, said


@pytest.mark.real
def test_the_apps_own_versions_win_over_the_overlays(
    served: tuple[Environment, Overlay, list[str]],
) -> None:
    environment, overlay, _ = served
    words = [str(environment.python), "-P", str(overlay.boot), "run", "main:app", "--port", "0"]
    told = subprocess.run(
        words, cwd=environment.folder.parent, env={}, check=False, capture_output=True, text=True
    )
    version, h11, httptools, last = told.stdout.splitlines()
    assert (told.returncode, version, last) == (7, "0.14.0", str(overlay.folder))
    assert h11.startswith(str(environment.folder))
    assert httptools.startswith(str(overlay.folder))


@pytest.mark.real
def test_an_overlay_is_compiled_and_used_again(
    served: tuple[Environment, Overlay, list[str]],
) -> None:
    environment, overlay, said = served
    assert list(overlay.folder.glob("uvicorn/__pycache__/*.pyc"))
    before = len(said)
    state = environment.folder.parent / ".fairway"
    uv = Uv(os.environ, report=said.append)
    again = ensure_overlay(environment.python, environment.python_version, state=state, uv=uv)
    assert (again, len(said)) == (overlay, before)
    assert [path.name for path in (state / "runtime").iterdir()] == [overlay.key]


def test_pruning_keeps_what_is_named(state: Path) -> None:
    for name in ("a", "b"):
        (state / "runtime" / name).mkdir(parents=True)
    prune_overlays(state, {"b"})
    assert [path.name for path in (state / "runtime").iterdir()] == ["b"]
