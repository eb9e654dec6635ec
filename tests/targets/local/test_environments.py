"""The app's own environment, made by the real uv from tiny real packages."""

import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uv as uv_package

from fairway.core.problem import Problems
from fairway.programs import priority
from fairway.targets.local import revisions
from fairway.targets.local.code_paths import code_paths
from fairway.targets.local.environments import Environment, ensure, prune_environments
from fairway.targets.local.uv_command import Uv

pytestmark = pytest.mark.real

Ensure = Callable[..., Environment]

PROJECT = """\
[project]
name = "tiny-app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["{dependency}"]
"""
BUILT_BY = """
[build-system]
requires = ["{requires}"]
build-backend = "{backend}"
"""


def run_uv(folder: Path, *words: str) -> None:
    variables = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    subprocess.run(
        [uv_package.find_uv_bin(), *words],
        cwd=folder,
        env=variables | {"UV_PYTHON_DOWNLOADS": "never"},
        check=True,
        capture_output=True,
    )


def imports(environment: Environment, *modules: str) -> bool:
    words = [str(environment.python), "-c", f"import {', '.join(modules)}"]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


@pytest.fixture
def have(app: Path, said: list[str]) -> Ensure:
    """`ensure` for the app's own folder; `said` gathers what uv says."""

    def have(root: Path = app, *, in_use: bool = False, **uv: object) -> Environment:
        runner = Uv(os.environ, report=said.append, **uv)  # pyright: ignore[reportArgumentType]
        return ensure(root, ".", home=app, state=app / ".fairway", in_use=in_use, uv=runner)

    return have


def requirements(app: Path, text: str) -> None:
    (app / "requirements.txt").write_text(text)


# -- Ways to declare --------------------------------------------------------------------------


def test_a_locked_project_gets_what_its_lock_says_and_then_uv_is_not_run(
    app: Path, have: Ensure, said: list[str]
) -> None:
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig"))
    run_uv(app, "lock")
    made = have()
    assert made.folder == app / ".venv"
    assert imports(made, "iniconfig")
    assert any("iniconfig" in line for line in said)
    assert list(made.packages.glob("iniconfig/__pycache__/*.pyc"))
    said.clear()
    assert have() == made
    assert said == []


def test_a_lock_that_lacks_a_dependency_is_refused_though_all_that_it_names_is_installed(
    app: Path, have: Ensure
) -> None:
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig"))
    run_uv(app, "lock")
    have()
    (app / "pyproject.toml").write_text(PROJECT.format(dependency='iniconfig", "sniffio'))
    with pytest.raises(Problems, match="does not know sniffio"):
        have(in_use=True)


def test_requirements_with_includes_are_installed(app: Path, have: Ensure) -> None:
    requirements(app, "-r base.txt\n-c pins.txt\n")
    (app / "base.txt").write_text("iniconfig\n")
    (app / "pins.txt").write_text("iniconfig==2.0.0\n")
    made = have()
    assert (made.packages / "iniconfig-2.0.0.dist-info").is_dir()
    (app / "pins.txt").write_text("iniconfig==2.1.0\n")
    again = have()
    assert again.folder == made.folder
    assert again.digest != made.digest
    assert (made.packages / "iniconfig-2.1.0.dist-info").is_dir()


def test_a_project_without_a_lock_is_installed_and_no_lock_is_written(
    app: Path, have: Ensure
) -> None:
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig"))
    assert imports(have(), "iniconfig")
    assert not (app / "uv.lock").exists()


def test_a_project_that_cannot_be_built_runs_anyway_and_says_so(app: Path, have: Ensure) -> None:
    built = BUILT_BY.format(requires="uv_build", backend="uv_build")
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig") + built)
    made = have()
    assert imports(made, "iniconfig")
    assert "tiny-app itself could not be installed" in made.notes[0]
    assert have().notes == made.notes


def test_pdms_lock_decides_the_versions(app: Path, have: Ensure) -> None:
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig"))
    (app / "pdm.lock").write_text('[[package]]\nname = "iniconfig"\nversion = "2.0.0"\n')
    made = have()
    assert (made.packages / "iniconfig-2.0.0.dist-info").is_dir()
    assert made.notes == ("Installed with uv, at the versions in pdm.lock.",)


def test_poetry_and_pipenv_locks_decide_the_versions(app: Path, have: Ensure) -> None:
    (app / "pyproject.toml").write_text(
        '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "^3.11"\n'
        'iniconfig = "^2"\n'
    )
    (app / "poetry.lock").write_text('[[package]]\nname = "iniconfig"\nversion = "2.0.0"\n')
    made = have()
    assert (made.packages / "iniconfig-2.0.0.dist-info").is_dir()
    assert made.notes == ("Installed with uv, at the versions in poetry.lock.",)
    (app / "poetry.lock").unlink()
    (app / "pyproject.toml").unlink()
    locked = {"default": {"iniconfig": {"version": "==2.1.0"}}, "develop": {"mypy": {}}}
    (app / "Pipfile.lock").write_text(json.dumps(locked))
    assert (have().packages / "iniconfig-2.1.0.dist-info").is_dir()


def test_an_app_that_declares_nothing_gets_an_empty_environment(app: Path, have: Ensure) -> None:
    made = have()
    assert imports(made, "json")
    assert "nothing was installed" in made.notes[0]


# -- Environments that are there already ------------------------------------------------------


def test_a_users_own_environment_that_fits_is_used_as_it_is(
    app: Path, have: Ensure, said: list[str]
) -> None:
    requirements(app, "iniconfig==2.0.0\n")
    run_uv(app, "venv", "--python", sys.executable, ".venv")
    run_uv(app, "pip", "install", "iniconfig==2.0.0", "toposort")
    before = (app / ".venv/lib").stat().st_ino
    made = have(in_use=True)
    assert made.folder == app / ".venv"
    assert said == []
    assert (app / ".venv/lib").stat().st_ino == before


def test_an_environment_is_brought_up_to_date_and_a_developers_tools_stay(
    app: Path, have: Ensure
) -> None:
    requirements(app, "iniconfig==2.0.0\n")
    run_uv(app, "venv", "--python", sys.executable, ".venv")
    run_uv(app, "pip", "install", "toposort")
    made = have()
    assert made.folder == app / ".venv"
    assert imports(made, "iniconfig", "toposort")


def test_a_changed_lock_while_in_use_leaves_the_old_environment_alone(
    app: Path, have: Ensure
) -> None:
    requirements(app, "iniconfig==2.0.0\n")
    old = have()
    requirements(app, "iniconfig==2.1.0\n")
    new = have(in_use=True)
    assert new.folder == app / ".fairway/environments" / new.digest[:12]
    assert (old.packages / "iniconfig-2.0.0.dist-info").is_dir()
    assert (new.packages / "iniconfig-2.1.0.dist-info").is_dir()
    assert have(in_use=True) == new
    assert have(in_use=False) == new
    assert prune_environments(app / ".fairway", {new.digest}) == ()
    assert prune_environments(app / ".fairway", {old.digest}) == (new.digest[:12],)


def test_a_rollback_gets_the_environment_of_its_own_revision(app: Path, have: Ensure) -> None:
    requirements(app, "iniconfig==2.0.0\n")
    old_revision = revisions.snapshot(app, app / ".fairway/revisions", now=1.0)
    old = have(old_revision.source)
    assert old.folder == app / ".venv"
    requirements(app, "iniconfig==2.1.0\n")
    new_revision = revisions.snapshot(app, app / ".fairway/revisions", now=2.0)
    new = have(new_revision.source)
    assert (new.folder, new.digest != old.digest) == (app / ".venv", True)
    back = have(old_revision.source, in_use=True)
    assert back.digest == old.digest
    assert back.folder == app / ".fairway/environments" / old.digest[:12]
    assert (back.packages / "iniconfig-2.0.0.dist-info").is_dir()
    assert (new.packages / "iniconfig-2.1.0.dist-info").is_dir()


def test_a_package_taken_out_by_hand_is_put_back(app: Path, have: Ensure) -> None:
    requirements(app, "iniconfig\n")
    made = have()
    run_uv(app, "pip", "uninstall", "iniconfig")
    assert not imports(made, "iniconfig")
    assert imports(have(), "iniconfig")


def test_a_folder_that_is_no_environment_is_left_alone(app: Path, have: Ensure) -> None:
    requirements(app, "iniconfig\n")
    (app / ".venv").mkdir()
    (app / ".venv" / "thesis.txt").write_text("mine")
    made = have()
    assert made.folder.parent.name == "environments"
    assert "is no Python environment" in made.notes[0]
    assert [path.name for path in (app / ".venv").iterdir()] == ["thesis.txt"]


def test_an_environment_whose_python_is_gone_is_mended(app: Path, have: Ensure) -> None:
    requirements(app, "iniconfig\n")
    made = have()
    made.python.unlink()
    made.python.symlink_to("/nowhere/python")
    assert imports(have(), "iniconfig")


def test_an_environment_of_a_python_that_is_not_allowed_is_left_alone(
    app: Path, have: Ensure
) -> None:
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig"))
    made = have()
    other_python(made.folder)
    (made.folder / ".fairway").unlink()
    other = have()
    assert other.folder.parent.name == "environments"
    assert "has Python 3.10.1, which pyproject.toml does not allow (>=3.11)" in other.notes[0]


def test_an_environment_of_another_python_than_the_pinned_is_left_alone(
    app: Path, have: Ensure
) -> None:
    requirements(app, "iniconfig\n")
    made = have()
    other_python(made.folder)
    (made.folder / ".fairway").unlink()
    (app / ".python-version").write_text(f"# ours\n{platform.python_version()}\n")
    other = have()
    assert other.folder.parent.name == "environments"
    assert "has Python 3.10.1, which .python-version does not name (3." in other.notes[0]


def test_one_that_was_never_finished_is_made_anew_by_another_python(
    app: Path, have: Ensure
) -> None:
    """What a package asks for shows in the first attempt; the mend must help."""
    requirements(app, "fairway-has-no-such-package\n")
    with pytest.raises(Problems):
        have()
    other_python(app / ".venv")
    requirements(app, "iniconfig\n")
    (app / ".python-version").write_text(f"{platform.python_version()}\n")
    made = have()
    assert made.folder == app / ".venv"
    assert made.python_version == platform.python_version()
    assert imports(made, "iniconfig")
    assert not (app / ".venv/lib/python3.10").exists()


def other_python(environment: Path) -> None:
    """Have an environment say that it is another Python's."""
    lines = (environment / "pyvenv.cfg").read_text().splitlines()
    told = [line if "version" not in line else "version_info = 3.10.1" for line in lines]
    (environment / "pyvenv.cfg").write_text("\n".join(told))
    (environment / "lib/python3.10/site-packages").mkdir(parents=True)


# -- Failures ---------------------------------------------------------------------------------


def test_a_package_that_does_not_exist_is_named_with_uvs_own_words(
    app: Path, have: Ensure, said: list[str]
) -> None:
    requirements(app, "iniconfig\nfairway-has-no-such-package\n")
    with pytest.raises(Problems) as caught:
        have()
    (problem,) = caught.value
    assert problem.where == "requirements.txt"
    assert problem.what.startswith("There is no package called fairway-has-no-such-package.")
    assert "No solution found when resolving dependencies" in problem.what
    requirements(app, "iniconfig\n")
    assert imports(have(), "iniconfig")


def test_a_python_that_this_machine_lacks_is_a_problem(app: Path, have: Ensure) -> None:
    requirements(app, "iniconfig\n")
    (app / ".python-version").write_text("3.99\n")
    with pytest.raises(Problems, match="no Python that fits") as caught:
        have()
    assert "uv python install" in str(caught.value)


def test_a_lock_that_is_behind_its_project_is_a_problem(app: Path, have: Ensure) -> None:
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig"))
    run_uv(app, "lock")
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="toposort>=1"))
    with pytest.raises(Problems, match=r"does not know toposort.*\n.*uv lock"):
        have()


def test_an_index_out_of_reach_is_said(app: Path, tmp_path: Path) -> None:
    requirements(app, "iniconfig\n")
    nowhere = {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_HTTP_RETRIES": "0",
    }
    uv = Uv({**os.environ, **nowhere})
    with pytest.raises(Problems, match="The package index could not be reached"):
        ensure(app, ".", home=app, state=app / ".fairway", in_use=False, uv=uv)


def test_beside_who_serves_an_installation_takes_less(app: Path) -> None:
    words = ["run", "--no-project", "sh", "-c", "sleep 0.2; cat /proc/self/autogroup"]
    outcome = Uv(os.environ, beside=True).run(words, app)
    assert outcome.code == 0
    assert [line.split()[-1] for line in outcome.lines] in ([priority.ASIDE], [])


def test_an_interrupted_installation_is_noticed_and_done_again(
    app: Path, have: Ensure, said: list[str]
) -> None:
    requirements(app, "iniconfig\n")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Problems, match="was stopped"):
        have(stop=stop)
    made = have()
    assert imports(made, "iniconfig")
    # As a kill in the middle of a package leaves it: metadata there, code not.
    shutil.rmtree(made.packages / "iniconfig")
    (made.folder / ".fairway").unlink()
    (made.folder / ".fairway.installing").write_text("")
    assert imports(have(), "iniconfig")
    assert not (made.folder / ".fairway.installing").exists()


KILLED = """
import os, sys
from pathlib import Path
from fairway.targets.local.environments import ensure
from fairway.targets.local.uv_command import Uv

app = Path(sys.argv[1])

def report(line):
    print(line, flush=True)
    if line.startswith(sys.argv[2]):
        os.kill(os.getpid(), 9)

ensure(app, ".", home=app, state=app / ".fairway", in_use=False, uv=Uv(os.environ, report))
"""


@pytest.mark.parametrize("at", ["Creating virtual", "Resolved", "Installed"])
def test_a_kill_during_an_installation_is_mended(app: Path, have: Ensure, at: str) -> None:
    requirements(app, "iniconfig\n")
    words = [sys.executable, "-c", KILLED, str(app), at]
    assert subprocess.run(words, check=False, capture_output=True).returncode == -9
    made = have()
    assert made.folder == app / ".venv"
    assert imports(made, "iniconfig")


def test_two_at_once_install_once(app: Path, have: Ensure, said: list[str]) -> None:
    requirements(app, "iniconfig\n")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: have(), range(2))
    assert first == second
    assert sum(line.startswith("Installed") for line in said) == 1


# -- The revision's code, not the working tree's ----------------------------------------------


@pytest.mark.parametrize(
    ("requires", "backend", "layout"),
    [
        ("uv_build", "uv_build", "src/tiny_app"),
        ("hatchling", "hatchling.build", "src/tiny_app"),
        ("setuptools", "setuptools.build_meta", "src/tiny_app"),
        ("setuptools", "setuptools.build_meta", "tiny_app"),
        ("hatchling", "hatchling.build", "lib/python/tiny_app"),
    ],
)
def test_a_revisions_code_wins_over_the_editable_working_tree(
    app: Path, have: Ensure, requires: str, backend: str, layout: str
) -> None:
    built = BUILT_BY.format(requires=requires, backend=backend)
    if layout.startswith("lib"):
        built += f'[tool.hatch.build.targets.wheel]\npackages = ["{layout}"]\n'
    (app / "pyproject.toml").write_text(PROJECT.format(dependency="iniconfig") + built)
    run_uv(app, "lock")
    (app / layout).mkdir(parents=True)
    (app / layout / "__init__.py").write_text("WHERE = 'revision'\n")
    (app / layout / "more.py").write_text("from tiny_app import WHERE\n")
    revision = revisions.snapshot(app, app / ".fairway/revisions", now=1.0)
    made = have(revision.source)
    (app / layout / "__init__.py").write_text("WHERE = 'working tree'\n")
    paths = code_paths(revision.source, ".", home=app, packages=made.packages)
    asked = (
        "import tiny_app.more as m, importlib.metadata as d; d.version('tiny-app');print(m.WHERE)"
    )
    told = subprocess.run(
        [str(made.python), "-P", "-c", asked],
        env={"PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout == "revision\n"
    assert revisions.snapshot(app, app / ".fairway/revisions", now=2.0).id != revision.id
    assert revisions.altered(revision) == ()
