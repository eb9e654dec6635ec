"""Whether a loopback port is free, and who holds it where it is not. Reads /proc."""

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

__all__ = ["holder", "refusal"]

LISTENING = "0A"  # TCP_LISTEN, include/net/tcp_states.h


def refusal(address: str, port: int) -> str:
    """Why nobody can listen there, in words; empty where somebody can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} is taken by {holder(port)}"
            if error.errno == errno.EACCES:
                return f"port {port} needs rights that this user doesn't have"
            return f"port {port} on {address}: {os.strerror(error.errno or 0)}"
    return ""


def holder(port: int) -> str:
    """Who listens on `port`: `nginx (pid 33)`, or words that say that it can't be seen."""
    sockets = _listening(port)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(descriptor.readlink()) in sockets:
                        return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return "another program, of another user" if sockets else "another program"


def _listening(port: int) -> set[str]:
    """The sockets that listen on `port`, as `/proc/<pid>/fd` shows them."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found
