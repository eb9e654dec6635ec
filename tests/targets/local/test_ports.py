"""Ports: free ones, which no outgoing connection takes away."""

import socket
from pathlib import Path

import pytest

from fairway.targets.local.ports import EPHEMERAL, HOST, free_port, is_free


def test_a_port_that_somebody_listens_at_is_not_free() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server((HOST, port)):
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    first = int(EPHEMERAL.read_text().split()[0])
    assert all(10240 <= free_port() < first for _ in range(50))


@pytest.mark.parametrize("said", ["1024\t65535\n", "10241\t65535\n"])
def test_where_all_ports_are_for_outgoing_connections_it_is_one_of_them(
    tmp_path: Path, said: str
) -> None:
    (tmp_path / "range").write_text(said)
    assert is_free(free_port(tmp_path / "range"))


@pytest.mark.parametrize("said", ["", "many\n", None])
def test_where_nobody_says_which_these_are_it_takes_the_usual(
    tmp_path: Path, said: str | None
) -> None:
    if said is not None:
        (tmp_path / "range").write_text(said)
    assert 10240 <= free_port(tmp_path / "range") < 32768
