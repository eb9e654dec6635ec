"""One connection to a Redis for all tasks of an event loop: answers come in the commands' order.

redis-py's asyncio client takes a connection out of its pool for each command, and 150 µs for a GET
of which the socket and the loop take 55. A request asks Redis once or twice. So what `RedisLink`
needs of the protocol (RESP 2, https://redis.io/docs/latest/develop/reference/protocol-spec/) is
here; URLs with options of redis-py's own stay with redis-py.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

__all__ = ["Incomplete", "Place", "Wire", "WireClient", "read_reply", "written"]

Argument = str | bytes | int
_KNOWN = {"host", "port", "db", "username", "password", "path", "connection_class"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Redis is, and as whom it is asked."""

    host: str = "localhost"
    port: int = 6379
    path: str = ""  # of a Unix socket, in place of host and port
    is_encrypted: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    db: int = 0

    @classmethod
    def of(cls, url: str) -> "Place | None":
        """Read by redis-py, so that a URL means the same here; None where it says more than this.

        Raises `ValueError` where it is none.
        """
        said: dict[str, Any] = import_module("redis.asyncio.connection").parse_url(url)
        if not said.keys() <= _KNOWN:
            return None
        kind = said.pop("connection_class", None)
        return cls(**said, is_encrypted=kind is not None and kind.__name__ == "SSLConnection")


class Incomplete(Exception):
    """The rest of the reply has not arrived."""


def written(arguments: Sequence[Argument]) -> bytes:
    """The command as it goes over the wire."""
    parts = [b"*%d\r\n" % len(arguments)]
    for one in arguments:
        data = one if isinstance(one, bytes) else str(one).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def read_reply(data: bytes | bytearray, start: int = 0) -> tuple[object, int]:
    """The reply that begins at `start`, and where it ends; an error's reply is an exception.

    Raises `Incomplete`, and `ValueError` for what is no reply.
    """
    end = data.find(b"\r\n", start)
    if end < 0:
        raise Incomplete
    kind, said, after = data[start : start + 1], bytes(data[start + 1 : end]), end + 2
    if kind == b"$":
        return _text(data, after, int(said))
    if kind == b"*":
        return _array(data, after, int(said))
    if kind == b":":
        return int(said), after
    if kind == b"+":
        return said, after
    if kind == b"-":
        return _error(said.decode(errors="replace")), after
    raise ValueError(f"no reply of RESP 2 begins with {bytes(kind)!r}")


def _text(data: bytes | bytearray, start: int, length: int) -> tuple[object, int]:
    """So many bytes; -1: none."""
    if length < 0:
        return None, start
    end = start + length
    if len(data) < end + 2:
        raise Incomplete
    return bytes(data[start:end]), end + 2


def _array(data: bytes | bytearray, start: int, count: int) -> tuple[object, int]:
    """So many replies; -1: none."""
    if count < 0:
        return None, start
    found: list[object] = []
    for _ in range(count):
        one, start = read_reply(data, start)
        found.append(one)
    return found, start


def _error(text: str) -> Exception:
    """As redis-py's classes."""
    errors = import_module("redis.exceptions")
    name = "NoScriptError" if text.startswith("NOSCRIPT") else "ResponseError"
    found: Exception = getattr(errors, name)(text)
    return found


class Wire(asyncio.Protocol):
    """An open connection. `ask` writes a command and gives the future of its reply."""

    def __init__(self) -> None:
        self.is_closed = False
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._rest = bytearray()

    def ask(self, arguments: Sequence[Argument]) -> "asyncio.Future[object]":
        """Raises `ConnectionError` where it is closed."""
        if self._transport is None or self.is_closed:
            raise ConnectionError("the connection is closed")
        answer: asyncio.Future[object] = self._loop.create_future()
        self._waiting.append(answer)
        self._transport.write(written(arguments))
        return answer

    def close(self) -> None:
        """Close at once; who waits gets a `ConnectionError`."""
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(ConnectionError(str(exc or "the connection was closed")))

    def data_received(self, data: bytes) -> None:
        self._rest += data
        at = 0
        try:
            while at < len(self._rest):
                reply, at = read_reply(self._rest, at)
                self._settle(reply)
        except Incomplete:
            pass
        except ValueError:  # whatever this is, nothing after it can be told apart
            self.close()
            return
        del self._rest[:at]

    def _settle(self, reply: object) -> None:
        if not self._waiting:
            raise ValueError("a reply that nobody asked for")
        answer = self._waiting.popleft()
        if answer.done():  # who asked has left
            return
        if isinstance(reply, Exception):
            answer.set_exception(reply)
        else:
            answer.set_result(reply)


class WireClient:
    """Opens a wire when it is first asked, and anew when that was lost."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._wire: Wire | None = None
        self._opening: asyncio.Task[Wire] | None = None

    async def execute_command(self, *arguments: Argument) -> object:
        """The reply. Raises redis-py's `RedisError` for an error's, and `OSError`.

        Who is cancelled leaves the others their connection.
        """
        wire = self._wire
        if wire is None or wire.is_closed:
            wire = await self._open()
        return await wire.ask(arguments)

    async def aclose(self) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Leave a connection that hangs, and who waits for it; the next command opens another."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    async def _open(self) -> Wire:
        """One for all who come meanwhile."""
        opening = self._opening
        if opening is None:
            opening = self._opening = asyncio.create_task(self._opened())
            opening.add_done_callback(self._has_opened)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if opening.cancelled() and task is not None and not task.cancelling():
                raise ConnectionError("somebody else waited too long for it") from None
            raise

    def _has_opened(self, opening: "asyncio.Task[Wire]") -> None:
        if self._opening is opening:
            self._opening = None
        if not opening.cancelled():
            opening.exception()  # those who waited were told

    async def _opened(self) -> Wire:
        place, loop = self._place, asyncio.get_running_loop()
        encrypted = ssl.create_default_context() if place.is_encrypted else None
        if place.path:
            _, wire = await loop.create_unix_connection(Wire, place.path)
        else:
            _, wire = await loop.create_connection(Wire, place.host, place.port, ssl=encrypted)
        try:
            if place.username or place.password:
                as_whom = (place.username,) if place.username else ()
                await wire.ask(("AUTH", *as_whom, place.password))
            if place.db:
                await wire.ask(("SELECT", place.db))
        except BaseException:
            wire.close()
            raise
        self._wire = wire
        return wire
