"""Ports that the file names and another program has."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.local.fronts import Fronts
from fairway.targets.local.layout import Layout


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def app(port: int) -> App:
    text = f'app = "shop"\n[service.web]\nwsgi = "main:app"\npublic = true\nport = {port}\n'
    return parse(text).app("local")


def test_a_port_that_another_program_has_is_told_before_a_release(
    tmp_path: Path, taken: int
) -> None:
    with pytest.raises(Problems, match=f"service.web.port: port {taken} is taken by"):
        Fronts(Layout(tmp_path)).see_free(app(taken))


def test_a_port_on_which_our_own_balancer_listens_is_ours(tmp_path: Path, taken: int) -> None:
    fronts = Fronts(Layout(tmp_path))
    fronts.of(app(taken))
    fronts.see_free(app(taken))
    Fronts(Layout(tmp_path)).see_free(app(taken))  # an engine that takes over reads it
