"""A tiny HTTP server on loopback that fails in the way that a path asks for."""

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

__all__ = ["ServerOfFaults"]

LENGTH = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s"


class ServerOfFaults:
    """Answers each path in its own way, sound or not: see `_answer`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.methods: Counter[str] = Counter()
        self.bodies: list[bytes] = []
        self.peers: set[str] = set()
        self.connections = 0
        self._free_at = 0.0
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def refuse(self) -> None:
        """From now on nothing listens."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def stall(self, seconds: float) -> None:
        """Holds up every answer until then."""
        self._free_at = time.monotonic() + seconds

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, address = self._listener.accept()
                self.connections += 1
                self.peers.add(address[0])
                self._open.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rb") as stream, contextlib.suppress(OSError):
            while True:
                line = stream.readline()
                if not line:
                    return
                method, path, _ = line.decode().split()
                headers: dict[str, str] = {}
                while (header := stream.readline().strip()) != b"":
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", "0")))
                self.methods[method] += 1
                self.bodies.append(body)
                time.sleep(max(0.0, self._free_at - time.monotonic()))
                if not self._answer(peer, path, body) or headers.get("connection") == "close":
                    return

    def _answer(self, peer: socket.socket, path: str, body: bytes) -> bool:
        """Answers, or fails; whether the connection goes on."""
        match path:
            case "/echo":
                peer.sendall(LENGTH % (200, len(body), body))
            case "/chunked":
                head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                peer.sendall(head + b"2\r\nok\r\n")
                peer.sendall(b"0\r\n\r\n")
            case "/500" | "/404":
                peer.sendall(LENGTH % (int(path[1:]), 2, b"no"))
            case "/short":
                peer.sendall(LENGTH % (200, 10, b"half"))
                return False
            case "/reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case "/closed":
                return False
            case "/hang":
                time.sleep(3)
                return False
            case "/garbage":
                peer.sendall(b"220 mail.example.org ESMTP\r\n")
                return False
            case "/last":
                peer.sendall(b"HTTP/1.0 200 OK\r\n\r\nok")
                return False
            case _:
                peer.sendall(LENGTH % (200, 2, b"ok"))
        return True
