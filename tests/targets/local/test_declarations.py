"""How apps say what they need, and what uv's failures mean."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from fairway.core.problem import Problems
from fairway.targets.local.declarations import allows, is_the_pinned, read
from fairway.targets.local.pinned import Pinned, from_pdm, from_pipenv, from_poetry
from fairway.targets.local.uv_command import Outcome, problem_of

PROJECT = '[project]\nname = "a"\nrequires-python = ">=3.11"\ndependencies = ["x"]\n'
POETRY = '[tool.poetry.dependencies]\npython = "^3.11"\nx = "^1"\n'


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "kind", "where"),
    [
        ({"pyproject.toml": PROJECT, "uv.lock": "", "requirements.txt": ""}, "uv", "uv.lock"),
        ({"pyproject.toml": POETRY, "poetry.lock": ""}, "poetry", "poetry.lock"),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv", "Pipfile.lock"),
        ({"requirements.txt": "x"}, "requirements", "requirements.txt"),
        ({"pyproject.toml": PROJECT}, "pyproject", "pyproject.toml"),
        ({"pyproject.toml": "[tool.ruff]", "requirements.txt": ""}, "requirements", None),
        ({"setup.py": "setup(install_requires=['x'])"}, "setup", "setup.py"),
        ({"setup.cfg": "[flake8]", "main.py": ""}, "none", ""),
        ({}, "none", ""),
    ],
)
def test_the_file_that_decides(
    tmp_path: Path, files: Mapping[str, str], kind: str, where: str | None
) -> None:
    found = read(write(tmp_path, files))
    assert found.kind == kind
    assert where in {None, found.where}


def test_a_service_uses_its_own_folders_file_or_the_nearest_above(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "x", "api/requirements.txt": "y", "web/main.py": ""})
    assert read(tmp_path, "api").where == "api/requirements.txt"
    assert read(tmp_path, "web").where == "requirements.txt"
    assert read(tmp_path / "web").kind == "none"


def test_a_member_of_a_workspace_uses_its_lock(tmp_path: Path) -> None:
    workspace = '[tool.uv.workspace]\nmembers = ["api"]\n'
    write(tmp_path, {"pyproject.toml": workspace, "uv.lock": "", "api/pyproject.toml": PROJECT})
    found = read(tmp_path, "api")
    assert (found.kind, found.lock, found.where) == ("uv", tmp_path / "uv.lock", "uv.lock")


def test_the_digest_is_of_what_decides_an_installation(tmp_path: Path) -> None:
    files = {"pyproject.toml": PROJECT, "requirements.txt": "-r more.txt", "more.txt": "x"}
    first = read(write(tmp_path, files)).digest
    write(tmp_path, {"pyproject.toml": PROJECT + "[tool.ruff]\nline-length = 90\n", "main.py": ""})
    assert read(tmp_path).digest == first
    for change in (
        {"more.txt": "x==1"},
        {".python-version": "3.12"},
        {"pyproject.toml": PROJECT + "[tool.uv]\nno-binary = true\n"},
    ):
        before = read(tmp_path).digest
        assert read(write(tmp_path, change)).digest != before


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Pipfile": ""}, "pipenv lock"),
        ({"pyproject.toml": POETRY}, "poetry lock"),
        ({"pyproject.toml": "[project"}, "not valid TOML"),
        ({"requirements.txt": "-r gone.txt"}, "gone.txt: There is no such file"),
        ({"environment.yml": ""}, "conda"),
    ],
)
def test_what_cannot_be_installed_says_how_to_mend_it(
    tmp_path: Path, files: Mapping[str, str], said: str
) -> None:
    with pytest.raises(Problems, match=said):
        read(write(tmp_path, files))


@pytest.mark.parametrize(
    ("wanted", "version", "is_allowed"),
    [
        ("", "3.11.2", True),
        (">=3.11", "3.11.2", True),
        (">=3.11,<3.13", "3.13.0", False),
        (">=3.11, <4", "3.13.0", True),
        ("~=3.11", "3.12.1", True),
        ("~=3.11.2", "3.12.1", False),
        ("==3.11.*", "3.11.9", True),
        ("==3.11.*", "3.12.0", False),
        ("!=3.11.3", "3.11.3", False),
        ("<=3.11", "3.11.0", True),
        (">3.11", "3.11.0", False),
        ("nonsense", "3.11.0", True),
    ],
)
def test_requires_python_is_read_as_pep_440_says(
    wanted: str, version: str, is_allowed: bool
) -> None:
    assert allows(wanted, version) is is_allowed


@given(st.text(max_size=20), st.text(alphabet="0123456789.", max_size=8))
def test_any_requires_python_gets_an_answer(wanted: str, version: str) -> None:
    allows(wanted, version)


def test_poetrys_lock_becomes_constraints_for_the_main_dependencies() -> None:
    pyproject = (
        '[tool.poetry.dependencies]\npython = "^3.11"\nalpha = "^1"\n'
        'beta = {version = "*", extras = ["z", "y"], markers = "os_name == \'posix\'"}\n'
        'gamma = {git = "https://h/g.git", rev = "abc"}\ndelta = {version = "1", optional = true}\n'
        '[tool.poetry.group.dev.dependencies]\nmypy = "*"\n'
    )
    lock = (
        '[[package]]\nname = "alpha"\nversion = "1.4"\n'
        '[[package]]\nname = "beta"\nversion = "2"\n[package.source]\ntype = "legacy"\n'
        'url = "https://index.corp/simple"\n'
        '[[package]]\nname = "gamma"\nversion = "3"\n[package.source]\ntype = "git"\nurl = "x"\n'
        '[[package]]\nname = "two"\nversion = "1"\nmarkers = "python_version < \'3.12\'"\n'
        '[[package]]\nname = "two"\nversion = "2"\nmarkers = "python_version >= \'3.12\'"\n'
    )
    assert from_poetry(pyproject, lock) == Pinned(
        requirements=(
            "--extra-index-url https://index.corp/simple",
            "alpha",
            "beta[y,z] ; os_name == 'posix'",
            "gamma @ git+https://h/g.git@abc",
        ),
        constraints=(
            "alpha==1.4",
            "beta==2",
            "two==1 ; python_version < '3.12'",
            "two==2 ; python_version >= '3.12'",
        ),
    )


@pytest.mark.parametrize(
    ("said", "marker"),
    [
        ('python = "^3.11"', "python_version >= '3.11' and python_version < '4.0'"),
        ('python = "~3.11"', "python_version >= '3.11' and python_version < '3.12'"),
        ('python = "~3"', "python_version >= '3' and python_version < '4.0'"),
        ('python = ">=3.8.1, <3.12"', "python_full_version >= '3.8.1' and python_version < '3.12'"),
        ('python = "==3.11.*"', "python_version == '3.11'"),
        ('python = "<3.9 || >=3.12"', ""),
        ('platform = "win32"', "sys_platform == 'win32'"),
        (
            "markers = \"os_name == 'nt' or os_name == 'java'\", platform = \"linux\"",
            "(os_name == 'nt' or os_name == 'java') and sys_platform == 'linux'",
        ),
    ],
)
def test_when_poetry_wants_a_package_is_said_in_a_marker(said: str, marker: str) -> None:
    project = f'[tool.poetry.dependencies]\nalpha = {{version = "*", {said}}}\n'
    line = f"alpha ; {marker}" if marker else "alpha"
    assert from_poetry(project, "").requirements == (line,)
    if marker:
        assert Marker(marker)


def test_poetrys_newer_projects_name_their_own_dependencies() -> None:
    lock = '[[package]]\nname = "x"\nversion = "1"\n'
    assert from_poetry(PROJECT, lock) == Pinned((), ("x==1",), own=True)


def test_pdms_lock_becomes_constraints_for_the_projects_own_dependencies() -> None:
    lock = (
        '[metadata]\ngroups = ["default", "dev"]\n'
        '[[package]]\nname = "alpha"\nversion = "1.4"\nmarker = "os_name == \'nt\'"\n'
        '[[package]]\nname = "alpha"\nversion = "1.4"\nextras = ["z"]\n'
        '[[package]]\nname = "gamma"\nversion = "3"\ngit = "https://h/g.git"\n'
        '[[package]]\nname = "two"\nversion = "1"\nmarker = "python_version < \'3.12\'"\n'
        '[[package]]\nname = "two"\nversion = "2"\nmarker = "python_version >= \'3.12\'"\n'
    )
    assert from_pdm(lock) == Pinned(
        (),
        ("alpha==1.4", "two==1 ; python_version < '3.12'", "two==2 ; python_version >= '3.12'"),
        own=True,
    )


def test_pipenvs_lock_becomes_requirements() -> None:
    lock = (
        '{"_meta": {"sources": [{"url": "https://pypi.org/simple/"}]}, "default": {'
        '"beta": {"version": "==2", "extras": ["z"], "markers": "os_name == \'posix\'"},'
        '"alpha": {"git": "https://h/a.git", "ref": "abc"},'
        '"mine": {"path": ".", "editable": true}}, "develop": {"mypy": {}}}'
    )
    assert from_pipenv(lock).requirements == (
        "alpha @ git+https://h/a.git@abc",
        "beta[z]==2 ; os_name == 'posix'",
        "-e .",
    )


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("cause: Because nope was not found in the package registry", "no package called nope"),
        ("Because nope was not found in the package\n    registry and", "no package called nope"),
        ("cause: Because there is no version of x==99 and", "version of x==99"),
        ("cause: Because you require a<1 and a>2\nNo solution found", "contradict"),
        ("error: dns error: failed to look up", "could not be reached"),
        ("invalid peer certificate: UnknownIssuer", "not trusted"),
        ("error: No interpreter found for Python 3.99 in search path", "fits (Python 3.99)"),
        ("error: Failed to build `x`", "could not be built"),
        ("error: Failed to parse: `pyproject.toml`\n  cause: not", "cannot read pyproject.toml"),
        ("Failed to build `psycopg2==2.7.3`\nhint: libpq", "psycopg2 2.7.3 does not come"),
        ("No space left on device (os error 28)", "disk is full"),
        ("Hash mismatch for `x`", "not the one that was locked"),
        ("something else", "could not install"),
    ],
)
def test_a_failure_of_uv_is_said_in_words_and_in_its_own(said: str, what: str) -> None:
    problem = problem_of(Outcome(1, ("", *said.splitlines())), "uv.lock")
    assert what in problem.what
    assert said.splitlines()[-1].strip() in problem.what
    assert problem.mend


@pytest.mark.parametrize(
    ("text", "python"),
    [("3.13\n", "3.13"), ("# ours\n\n 3.12.1 # tried\n3.11\n", "3.12.1"), ("", ""), ("a\n", "a")],
)
def test_the_first_python_that_is_pinned_counts(tmp_path: Path, text: str, python: str) -> None:
    (tmp_path / "requirements.txt").write_text("x\n")
    (tmp_path / ".python-version").write_text(text)
    assert read(tmp_path).python == python


@pytest.mark.parametrize(
    ("python", "version", "is_it"),
    [
        ("3.13", "3.13.2", True),
        ("3.13.0", "3.13.2", False),
        ("3.1", "3.13.2", False),
        ("3", "3.13.2", True),
        ("my-env", "3.13.2", True),
        ("", "3.13.2", True),
    ],
)
def test_a_pinned_python_is_one_of_its_line(python: str, version: str, *, is_it: bool) -> None:
    assert is_the_pinned(python, version) is is_it
