"""An app's own uvicorn comes first, and many apps pin one of some years ago."""

import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uv
from websockets.sync.client import connect

from fairway_runtime import contract
from fairway_runtime.versions import is_older
from tests.runtime.serving import Running, asked

pytestmark = pytest.mark.real


def having(folder: Path, version: str, *more: str) -> Mapping[str, str]:
    """The environment of an app that brings this uvicorn; what else it needs is there already."""
    packages = str(folder / "packages")
    words = ["pip", "install", "--no-deps", "--target", packages, f"uvicorn=={version}", *more]
    subprocess.run([uv.find_uv_bin(), *words], check=True, capture_output=True)
    return {"PYTHONPATH": packages}


@pytest.mark.parametrize("version", [f"{contract.OLDEST_UVICORN}.0", "0.22.0", "0.33.0"])
@pytest.mark.requirement("R221", "R222", "R224")
def test_it_serves_and_loses_nothing_at_its_end(tmp_path: Path, version: str) -> None:
    with Running("shop:app", env=having(tmp_path, version)) as app, ThreadPoolExecutor() as pool:
        app.ready()
        with connect(f"ws://127.0.0.1:{app.port}/ws") as talk:
            talk.send("hello")
            assert talk.recv() == "HELLO"
        slow = asked(app, pool, "/slow?seconds=1")
        app.terminate()
        assert slow.result().text == "done"
        assert app.code() == 0
        (drain,) = app.named("drain")
        assert (drain["requests"], drain["requests_cut"]) == (1, 0)


def test_who_ignores_its_cancellation_does_not_hold_it(tmp_path: Path) -> None:
    """That uvicorn waited for all."""
    env = {**having(tmp_path, "0.21.1"), "FAIRWAY_DRAIN_SECONDS": "0.3"}
    with Running("shop:app", env=env) as app, ThreadPoolExecutor() as pool:
        app.ready()
        stubborn = asked(app, pool, "/stubborn?seconds=30")
        app.terminate()
        assert stubborn.result().status_code == 503
        assert app.code() == 0
        assert app.saying("connections closed")


def test_a_blocked_event_loop_does_not_hold_it(tmp_path: Path) -> None:
    """That uvicorn had the event loop hear signals."""
    env = {**having(tmp_path, "0.28.1"), "FAIRWAY_DRAIN_SECONDS": "0.3"}
    with Running("shop:app", env=env) as app, ThreadPoolExecutor() as pool:
        app.ready()
        asked(app, pool, "/blocked?seconds=30")
        app.terminate()
        assert app.code() == 1


def test_one_that_is_too_old_is_named(tmp_path: Path) -> None:
    with Running("shop:app", env=having(tmp_path, "0.17.6", "asgiref")) as app:
        assert app.code() == 1
        assert app.errors == (
            "fairway-runtime: uvicorn 0.17.6 can't be built upon: 0.18 or later can; "
            "raise `uvicorn` in the app's requirements\n"
        )


@pytest.mark.parametrize(
    ("version", "old"),
    [("0.21.1", True), ("0.22.0", False), ("0.9", True), ("1.0.dev1", False), ("dev", False)],
)
def test_versions_are_compared_by_their_numbers(version: str, *, old: bool) -> None:
    assert is_older(version, "0.22") is old
