"""A base of Python on the Docker engine that is here, with this checkout's runtime.

Without an engine, or without an image of Python on it, the tests that need them are skipped.
"""

import pytest

from bench.docker_engine import local_base, with_runtime

__all__ = ["base"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The base that is here, with this checkout's runtime where it is looked for."""
    found = local_base()
    if found is None:
        pytest.skip("there is no Docker engine, or no image of Python on it, and none is pulled")
    name = f"fairway-test-python:{found[1]}"
    with_runtime(tmp_path_factory.mktemp("wheels"), found[0], name)
    return name
