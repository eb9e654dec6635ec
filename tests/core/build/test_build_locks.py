"""Which packages an image holds, and the bill of materials that says so."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.build.markers import holds
from fairway.core.build.python import python_for
from tests.core.build.projects import (
    LOCK,
    PDM_LOCK,
    PDM_PROJECT,
    PIPFILE_LOCK,
    PLAIN,
    POETRY_LOCK,
    POETRY_PROJECT,
    PYPROJECT,
    files,
    made,
    sources,
)
from tests.properties import examples

UV = sources({"pyproject.toml": PYPROJECT, "uv.lock": LOCK})
ASGI = '[service.web]\nasgi = "shop.app:app"\n'


def bill(text: str = ASGI, found: Any = UV) -> dict[str, Any]:
    return json.loads(files(text, found)["sbom.cdx.json"])


def test_a_lock_is_read_from_the_app_on_for_linux_and_production() -> None:
    (image,) = made(ASGI, UV)
    names = [package.name for package in image.locked.packages]
    assert names == ["fastapi", "psycopg", "psycopg-binary", "starlette"]
    assert image.locked.named == ("fastapi", "psycopg")
    assert image.locked.is_whole


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({"pyproject.toml": PDM_PROJECT, "pdm.lock": PDM_LOCK}, "psycopg-binary"),
        ({"pyproject.toml": POETRY_PROJECT, "poetry.lock": POETRY_LOCK}, "fastapi"),
    ],
    ids=["pdm", "poetry"],
)
def test_a_lock_is_read_from_the_project_s_main_dependencies_on(
    texts: dict[str, str], name: str
) -> None:
    (image,) = made(ASGI, sources(texts))
    found = {package.name: package for package in image.locked.packages}
    assert {name: one.version for name, one in found.items()} == {
        "fastapi": "0.120.0",
        "psycopg": "3.3.0",
        "psycopg-binary": "3.3.0",
        "starlette": "0.50.0",
    }
    assert found["fastapi"].needs == ("starlette",)
    assert found["psycopg"].needs == ("psycopg-binary",)
    assert [one.sha256 for one in found[name].artifacts] == ["b" * 64]
    assert not found["starlette"].has_wheel
    assert image.locked.named == ("fastapi", "psycopg")
    assert image.locked.is_whole
    assert (image.python, image.problems) == ("3.12", ())


def test_wheels_of_other_systems_and_pythons_spare_no_compiler() -> None:
    name = "fastapi-0.120.0-py3-none-any.whl"
    for other in ("fastapi-0.120.0-cp310-cp310-manylinux_2_17_x86_64.whl", "f-1-cp312-win32.whl"):
        lock = POETRY_LOCK.replace(name, other)
        both = {"pyproject.toml": POETRY_PROJECT, "poetry.lock": lock}
        (image,) = made(ASGI, sources(both))
        (found,) = (one for one in image.locked.packages if one.name == "fastapi")
        assert not found.has_wheel
        assert [one.sha256 for one in found.artifacts] == ["a" * 64]
        lock = LOCK.replace(name, other)
        (image,) = made(ASGI, sources({"pyproject.toml": PYPROJECT, "uv.lock": lock}))
        (found,) = (one for one in image.locked.packages if one.name == "fastapi")
        assert not found.has_wheel


def test_a_poetry_project_may_name_its_dependencies_as_python_does() -> None:
    project = PDM_PROJECT.replace("[tool.pdm]", "[tool.poetry]")
    (image,) = made(ASGI, sources({"pyproject.toml": project, "poetry.lock": POETRY_LOCK}))
    names = [one.name for one in image.locked.packages]
    assert names == ["fastapi", "psycopg", "psycopg-binary", "starlette"]
    assert image.problems == ()


@pytest.mark.parametrize(
    ("said", "is_there"),
    [
        ('"*"', True),
        ('{version = "*", platform = "linux"}', True),
        ('{version = "*", platform = "win32"}', False),
        ('{version = "*", python = "^3.11"}', True),
        ('{version = "*", python = "<3.12"}', False),
        ('[{version = "1", python = "<3.12"}, {version = "2", python = ">=3.12"}]', True),
        ('{version = "*", markers = "os_name == \'nt\'"}', False),
        ('{version = "*", optional = true}', False),
    ],
)
def test_a_dependency_of_poetry_s_own_table_is_of_this_system_and_python(
    said: str, is_there: bool
) -> None:
    project = POETRY_PROJECT.replace("[tool.poetry.group", f"only = {said}\n[tool.poetry.group", 1)
    lock = f'[[package]]\nname = "Only"\nversion = "2"\n{POETRY_LOCK}'
    (image,) = made(ASGI, sources({"pyproject.toml": project, "poetry.lock": lock}))
    assert ("only" in {one.name for one in image.locked.packages}) == is_there


def test_pipenv_s_lock_names_all_that_is_installed() -> None:
    (image,) = made(ASGI, sources({"Pipfile.lock": PIPFILE_LOCK}, "Pipfile"))
    assert [(one.name, one.version) for one in image.locked.packages] == [
        ("fastapi", "0.120.0"),
        ("starlette", "0.50.0"),
    ]
    assert (image.python, image.problems) == ("3.13", ())


def test_what_a_lock_takes_from_elsewhere_or_does_not_hold_is_said() -> None:
    git = '[package.source]\ntype = "git"\nurl = "https://example.org/st.git"\n'
    lock = POETRY_LOCK.replace(
        '[[package]]\nname = "psycopg"', f'{git}[[package]]\nname = "psycopg"'
    )
    project = POETRY_PROJECT.replace("FastAPI", "httpx = '*'\nFastAPI")
    both = {"pyproject.toml": project, "poetry.lock": lock}
    said = [problem.what for problem in made(ASGI, sources(both))[0].problems]
    assert said == [
        "pyproject.toml asks for httpx, which it does not hold; the image lacks it",
        "it takes starlette from elsewhere than PyPI; the image lacks it",
    ]
    for harmless in (  # PyPI by its address, and what only development gets
        lock.replace("https://example.org/st.git", "https://pypi.org/simple"),
        lock.replace(
            'name = "starlette"\nversion = "0.50.0"\ngroups = ["main"]',
            'name = "starlette"\nversion = "0.50.0"\ngroups = ["dev"]',
        ),
    ):
        (image,) = made(ASGI, sources({**both, "poetry.lock": harmless}))
        assert [one.what for one in image.problems] == said[:1]
    (exported,) = made(ASGI, sources({**both, "requirements.txt": "fastapi==0.120.0\n"}))
    assert (exported.declared.kind, exported.problems) == ("requirements", ())
    foreign = PIPFILE_LOCK.replace('"starlette": {', '"starlette": {"index": "ours", ')
    (image,) = made(ASGI, sources({"Pipfile.lock": foreign}))
    assert [one.what for one in image.problems] == [
        "it takes starlette from elsewhere than PyPI; the image lacks it"
    ]


@pytest.mark.parametrize("text", ["", "[[package", "package = 3", "[[package]]\nname = 3\n"])
def test_a_lock_that_is_broken_is_said_and_breaks_nothing(text: str) -> None:
    (image,) = made(ASGI, sources({"pyproject.toml": POETRY_PROJECT, "poetry.lock": text}))
    assert "which it does not hold" in image.problems[0].what
    (image,) = made(ASGI, sources({"Pipfile.lock": text}))
    assert [one.what for one in image.problems] == ["it names nothing that is installed"]


def test_requirements_say_what_they_pin_and_whether_that_is_all() -> None:
    pins = (
        "fastapi==0.120 \\\n  --hash=sha256:"
        + "a" * 64
        + "\ncolorama==1 ; sys_platform == 'win32'\n"
    )
    (whole,) = made(PLAIN, sources({"requirements.txt": pins}))
    assert [(one.name, one.version) for one in whole.locked.packages] == [("fastapi", "0.120")]
    assert whole.locked.is_whole
    (loose,) = made(PLAIN, sources({"requirements.txt": "Fast_API==1\nstreamlit>=1\n"}))
    assert [one.name for one in loose.locked.packages] == ["fast-api"]
    assert loose.locked.named == ("fast-api", "streamlit")
    assert not loose.locked.is_whole


@pytest.mark.real  # the judge's grammar of addresses takes seconds to import
@pytest.mark.validated("R53")
@pytest.mark.parametrize(
    "texts",
    [
        {"pyproject.toml": PYPROJECT, "uv.lock": LOCK},
        {"pyproject.toml": PDM_PROJECT, "pdm.lock": PDM_LOCK},
        {"pyproject.toml": POETRY_PROJECT, "poetry.lock": POETRY_LOCK},
        {"Pipfile.lock": PIPFILE_LOCK},
        {"requirements.txt": "fastapi==1.0+local.1\nstreamlit\n"},
        {"requirements.txt": "fastapi==1 --hash=sha256:" + "a" * 64 + "\n"},
        {},
    ],
)
def test_the_bill_fits_the_schema_of_cyclonedx(texts: dict[str, str]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = files(ASGI, sources(texts))["sbom.cdx.json"]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.validated("R53")
def test_the_bill_names_each_package_with_the_files_that_linux_gets() -> None:
    said = bill()
    by_name = {one["name"]: one for one in said["components"]}
    assert set(by_name) == {
        "fairway-runtime",
        "fastapi",
        "psycopg",
        "psycopg-binary",
        "python",
        "starlette",
    }
    (reference,) = by_name["psycopg-binary"]["externalReferences"]
    assert "cp312-manylinux" in reference["url"]
    assert reference["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert by_name["starlette"]["externalReferences"][0]["url"].endswith(".tar.gz")
    edges = {one["ref"]: one["dependsOn"] for one in said["dependencies"]}
    assert edges["pkg:pypi/fastapi@0.120.0"] == ["pkg:pypi/starlette@0.50.0"]
    assert "pkg:pypi/psycopg@3.3.0" in edges["shop"]


def test_the_bill_says_whether_it_is_all_and_is_the_same_each_time() -> None:
    assert bill()["compositions"][0]["aggregate"] == "incomplete"  # the runtime is not in the lock
    own = '[service.web]\ncommand = "serve"\n'
    assert bill(own)["compositions"][0]["aggregate"] == "complete"
    assert files(ASGI, UV) == files(ASGI, UV)


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", True),
        ("sys_platform == 'win32'", False),
        ("sys_platform != 'win32' and python_full_version >= '3.12'", True),
        ("python_version < '3.12' or (os_name == 'nt' and platform_machine == 'x')", False),
        ("platform_machine == 'aarch64'", True),  # not known: rather one too many
        ("'linux' in sys_platform", True),
        ("extra ==", True),
    ],
)
def test_markers_are_judged_for_linux(marker: str, expected: bool) -> None:
    assert holds(marker, "3.12") is expected


@given(st.text(max_size=60))
@examples(100)
def test_no_marker_breaks_it(marker: str) -> None:
    assert holds(marker, "3.12") in {True, False}


@pytest.mark.requirement("R40")
@pytest.mark.parametrize(
    ("asked", "minor"),
    [
        ("", "3.12"),
        (">=3.11", "3.12"),
        (">=3.13", "3.13"),
        ("<3.12", "3.11"),
        ("~=3.11.2", "3.11"),
        ("~=3.11", "3.12"),
        ("==3.11.*", "3.11"),
        ("3.13.1", "3.13"),
        (">=3.11,!=3.12.1", "3.12"),
        ("^3.13", "3.13"),
        ("3.9", None),
        (">=3.14", None),
    ],
)
def test_python_is_the_wanted_one_or_the_nearest_that_is_allowed(
    asked: str, minor: str | None
) -> None:
    assert python_for(asked) == minor
