"""One HTTP/1.1 request and its answer, between a connection and an ASGI app.

ASGI's `receive` and `send` (specification 2.3): a client that has left is told of by
`http.disconnect`, and what an app may not do is a RuntimeError in the app. The head of an answer
of known length goes out with its body's first part, as the specification wants it: each system
call that writes to a socket costs a twelfth of a small answer, and a process that is killed between
the two leaves half an answer, which no balancer can ask for again. One without a length may be a
stream: its head goes out as soon as its app waits for anything, and each of its parts at once.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import repeat
from typing import Protocol

from fairway_runtime.asgi import App, Headers, Message, Scope
from fairway_runtime.http_head import STATUS_LINES, header_line, kept_line

__all__ = ["Connection", "HttpRequest"]

_MOST_WAITING = 65_536  # bytes of a body that its app has not taken yet
_MOST_JOINED = 65_536  # bytes of a body that are copied to save a system call
_TELLING = frozenset((b"connection", b"content-length", b"transfer-encoding"))
_BODILESS = frozenset((204, 304))
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE = b"connection: close\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_ERROR: Headers = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"21"),
    (b"connection", b"close"),
]
_logger = logging.getLogger("uvicorn.error")  # where an app's errors are looked for


class Connection(Protocol):
    """What a request asks of the connection that it came by."""

    is_writable: bool

    @property
    def common_headers(self) -> Headers: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    async def drain(self) -> None: ...
    def soon(self, do: Callable[[], None]) -> None: ...
    def answered(self) -> None: ...
    def forget(self, task: "asyncio.Task[None]") -> None: ...


class HttpRequest:
    """A request under way; `scope` is the app's."""

    __slots__ = (
        "_body",
        "_connection",
        "_has_body",
        "_has_news",
        "_held",
        "_is_chunked",
        "_left",
        "_may_expect",
        "_news",
        "_transport",
        "has_more",
        "is_answered",
        "is_gone",
        "is_kept_alive",
        "is_started",
        "scope",
        "task",
    )

    def __init__(
        self,
        connection: Connection,
        transport: asyncio.Transport,
        scope: Scope,
        *,
        is_kept_alive: bool,
    ) -> None:
        self._connection = connection
        self._transport = transport
        self.scope = scope
        self.is_kept_alive = is_kept_alive
        self.task: asyncio.Task[None] | None = None
        self.has_more = True  # of the request's body is to come
        self.is_gone = False  # its client is
        self.is_started = False  # its answer is
        self.is_answered = False  # to the last byte
        self._body = b""
        self._has_news = False  # for who calls `receive`
        self._news: asyncio.Event | None = None  # made by the first that has to wait
        self._may_expect = True  # to be told that its body is welcome
        # From the answer's start on.
        self._has_body: bool
        self._is_chunked: bool
        self._left: int | None  # bytes that it announced and has not sent yet
        self._held: bytes  # its head, until its body begins

    # -- From the connection ----------------------------------------------------------------------
    def take(self, body: bytes) -> None:
        """A part of the body has come."""
        if self.is_answered:
            return
        self._body = self._body + body if self._body else body
        if len(self._body) > _MOST_WAITING:
            self._connection.pause_reading()
        self._tell()

    def end(self) -> None:
        """The body is complete."""
        self.has_more = False
        self._tell()

    def leave(self) -> None:
        """The client has gone."""
        self.is_gone = not self.is_answered
        self._tell()

    async def run(self, app: App) -> None:
        """The app's part; whatever becomes of it, the request is answered or its client cut off."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException:  # a cancellation too: the client still waits
            _logger.exception("Exception in ASGI application\n")
            await self._fail()
        else:
            if not self.is_answered and not self.is_gone:
                what = "completing" if self.is_started else "starting"
                _logger.error("ASGI callable returned without %s response.", what)
                await self._fail()
        finally:
            if self.task is not None:
                self._connection.forget(self.task)

    # -- To the app -------------------------------------------------------------------------------
    async def receive(self) -> Message:
        """ASGI's `receive`."""
        if self._may_expect:
            self._welcome()
        if not self.is_gone and not self.is_answered:
            self._connection.resume_reading()
            if not self._has_news:
                if self._news is None:
                    self._news = asyncio.Event()
                await self._news.wait()
            self._has_news = False
            if self._news is not None:
                self._news.clear()
        if self.is_gone or self.is_answered:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": self.has_more}

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        connection = self._connection
        if not connection.is_writable and not self.is_gone:
            await connection.drain()
        if self.is_gone:
            return
        if self.is_started:
            self._go_on(message)
        else:
            self._begin(message)

    # -- Inside -----------------------------------------------------------------------------------
    def _tell(self) -> None:
        self._has_news = True
        if self._news is not None:
            self._news.set()

    async def _fail(self) -> None:
        """500, or the end of the connection: half an answer would pass for a whole one."""
        if self.is_started and not self._held:
            self._transport.close()
            return
        self.is_started = False  # nobody has seen what began
        await self.send({"type": "http.response.start", "status": 500, "headers": _ERROR})
        await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    def _welcome(self) -> None:
        """Ask for the body, of a client that waits for that (RFC 9110, 10.1.1)."""
        self._may_expect = False
        if not self.has_more or self._body or self._transport.is_closing():
            return
        if any(
            name == b"expect" and value.lower() == b"100-continue"
            for name, value in self.scope["headers"]
        ):
            self._transport.write(_CONTINUE)

    def _begin(self, message: Message) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError(f"{message['type']} came before http.response.start")
        self._held = self._head(
            message["status"], message.get("headers", ()), message.get("lines", b"")
        )
        self.is_started = True
        self._may_expect = False
        if self._left is None and self._has_body:
            self._connection.soon(self._show)

    def _show(self) -> None:
        """The head of a stream whose app waits before its first part."""
        if self._held and not self.is_gone and not self._transport.is_closing():
            self._put(b"")

    def _go_on(self, message: Message) -> None:
        if self.is_answered or message["type"] != "http.response.body":
            when = "after the end of the answer" if self.is_answered else "inside of an answer"
            raise RuntimeError(f"{message['type']} came {when}")
        body = message.get("body", b"")
        is_last = not message.get("more_body", False)
        left = self._left
        if left is not None:
            self._left = left = left - len(body)
            if left < 0:
                raise RuntimeError("the body is longer than its content-length")
            if left and is_last and self._has_body:
                raise RuntimeError("the body is shorter than its content-length")
        data = b""
        if self._has_body:
            data = _chunk(body, is_last=is_last) if self._is_chunked else body
        if data or (is_last and self._held):
            self._put(data)
        if is_last:
            self._finish()

    def _head(self, status: int, headers: Headers, rendered: bytes) -> bytes:
        """The answer's head; what it says of the body is remembered."""
        self._left = None
        self._is_chunked = False
        pairs = [*self._connection.common_headers, *headers]
        try:
            lines = [*map(kept_line, pairs, repeat(b""))]
        except TypeError:  # a pair may be any two bytes: a list, which has no hash
            lines = [b""] * len(pairs)
        while b"" in lines:
            at = lines.index(b"")
            lines[at] = self._line(*pairs[at])
        add = lines.append
        is_bodiless = status < 200 or status in _BODILESS or self.scope["method"] == "HEAD"
        self._has_body = not is_bodiless
        if self._left is None and self._has_body and not self._is_chunked:
            if self.scope["http_version"] == "1.0":
                self.is_kept_alive = False  # the connection's end is the body's
            else:
                self._is_chunked = True
                add(_CHUNKED)
        if not self.is_kept_alive and _CLOSE not in lines:
            add(_CLOSE)
        add(rendered)
        add(b"\r\n")
        return STATUS_LINES[status] + b"".join(lines)

    def _line(self, name: bytes, value: bytes) -> bytes:
        """A header that is not always the same, or that says how the body goes."""
        try:
            line = header_line(name, value)
        except ValueError as error:
            raise RuntimeError(str(error)) from error
        small = name.lower()
        if small in _TELLING:
            self._learn(small, value.lower())
        return line

    def _learn(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            if not self._is_chunked:
                self._left = int(value)
        elif name == b"connection":
            if b"close" in value:
                self.is_kept_alive = False
        elif value == b"chunked":
            self._is_chunked, self._left = True, None

    def _put(self, data: bytes) -> None:
        """Write, and first what was held."""
        held = self._held
        if held:
            self._held = b""
            if len(data) <= _MOST_JOINED:
                self._transport.write(held + data)
                return
            self._transport.write(held)
        self._transport.write(data)

    def _finish(self) -> None:
        self.is_answered = True
        self._tell()
        if not self.is_kept_alive:
            self._transport.close()
        self._connection.answered()


def _chunk(data: bytes, *, is_last: bool) -> bytes:
    """RFC 9112, 7.1: a chunk of no bytes would be the end."""
    end = b"0\r\n\r\n" if is_last else b""
    return b"%x\r\n%b\r\n%b" % (len(data), data, end) if data else end
