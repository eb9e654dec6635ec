"""A second port for the probes, answered by a thread and an event loop of its own.

The app's event loop may be as busy as it likes: `/health` here waits for none of it. What Python
code computes gives way after 5 ms (`sys.getswitchinterval`); only a C extension that holds the
interpreter's lock can delay the answer. A loop that has not run for 30 s is told as hung: a process
in that state should be ended.
"""

import asyncio
import os
import socket
import threading
import time

from fairway_runtime import contract
from fairway_runtime.asgi import Headers, Message
from fairway_runtime.lifecycle import Lifecycle
from fairway_runtime.probes import Probes

__all__ = ["ProbePort"]

_HUNG_SECONDS = 30.0
_READ_SECONDS = 5.0
_LONGEST_HEAD = 16 * 1024
_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
_HUNG = b'{"status":"hung"}'


class ProbePort:
    """Listens on `host` and `port`; several workers of one server share the port."""

    def __init__(self, probes: Probes, lifecycle: Lifecycle, host: str, port: int) -> None:
        self._probes = probes
        self._lifecycle = lifecycle
        self._listener = _listening(host, port)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        """Answer from now on, until the process ends."""
        threading.Thread(target=self._run, name="fairway-probes", daemon=True).start()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._converse, sock=self._listener, limit=_LONGEST_HEAD
        )
        async with server:
            await server.serve_forever()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer: whoever probes opens a connection each time anyway."""
        try:
            async with asyncio.timeout(_READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await self._answer(head))
            async with asyncio.timeout(_READ_SECONDS):
                await writer.drain()
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
            return  # no HTTP, or nobody is there any more
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> bytes:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path not in Probes.paths:
            return _response(404, [], b"")
        if path == contract.HEALTH_PATH and self._is_hung():
            return _response(503, [(b"content-type", b"application/json")], _HUNG)
        pairs = (line.partition(":") for line in lines if line)
        headers = [
            (name.strip().lower().encode(), value.strip().encode()) for name, _, value in pairs
        ]
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self._probes.answer(path, {"method": method, "headers": headers}, send)
        start, body = sent
        return _response(start["status"], start["headers"], body["body"])

    def _is_hung(self) -> bool:
        ticked = self._lifecycle.ticked_at
        return ticked > 0 and time.perf_counter() - ticked > _HUNG_SECONDS


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT") and os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.settimeout(0)  # asyncio's sockets do not block
    return listener


def _response(status: int, headers: Headers, body: bytes) -> bytes:
    if not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}".encode()]
    lines += [b"%b: %b" % pair for pair in headers]
    return b"\r\n".join([*lines, b"connection: close", b"", body])
