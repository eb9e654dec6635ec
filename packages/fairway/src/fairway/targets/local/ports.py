"""Ports of the loopback address: which are free now, and will stay so for who ends and returns."""

import random
import socket
from contextlib import suppress
from pathlib import Path

__all__ = ["HOST", "free_port", "is_free"]

HOST = "127.0.0.1"
# The ports that the kernel gives to outgoing connections: "32768	60999" on most machines.
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_FIRST_EPHEMERAL = 32768
LOWEST = 10240  # the ones that people know by heart are below
TRIES = 100


def free_port(ephemeral: Path = EPHEMERAL) -> int:
    """A port of the loopback address that nobody has at this moment.

    It is none of those that the kernel gives to outgoing connections: a database that is away
    for a second must find its port again. Where the kernel gives out (nearly) all, it is one of
    them. Picked by chance, so that two that look at once see different ones.
    """
    candidates = range(LOWEST, first_ephemeral(ephemeral))
    for port in random.sample(candidates, min(TRIES, len(candidates))):
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def first_ephemeral(ephemeral: Path) -> int:
    """Where the kernel's own range begins; the usual place where it doesn't say."""
    with suppress(OSError, ValueError, IndexError):
        return int(ephemeral.read_text().split()[0])
    return USUAL_FIRST_EPHEMERAL


def is_free(port: int) -> bool:
    """Whether nobody listens there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
