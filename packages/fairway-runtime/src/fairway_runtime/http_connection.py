"""HTTP/1.1 on one connection, in the place that uvicorn keeps for a protocol of one's own.

httptools (llhttp, Node's parser) reads; what is written and how an app is called is ours, because
it is a quarter of what a small answer costs. It asks of uvicorn only what uvicorn asks of every
protocol: how one is made, the server's `connections`, `tasks`, `total_requests` and
`default_headers`, and how a WebSocket is handed over.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.server import ServerState

from fairway_runtime.asgi import App, Headers, Scope
from fairway_runtime.http_head import LINES
from fairway_runtime.http_request import HttpRequest

__all__ = ["HttpConnection"]

_MOST_HEAD = 65_536  # bytes of a head, or of whatever else brings a request no further
_REFUSALS = {
    400: (b"400 Bad Request", b"This is not HTTP/1.1.\n"),
    431: (b"431 Request Header Fields Too Large", b"The request's head is too large.\n"),
}
_SLASH = ord("/")
_logger = logging.getLogger("uvicorn.error")


class HttpConnection(asyncio.Protocol):
    """A client's connection: its requests one after the other, also where they come at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any] | None = None,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._app = cast("App", config.loaded_app)
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._asgi = {"version": config.asgi_version, "spec_version": "2.3"}
        self._extensions: dict[str, dict[str, object]] = {LINES: {}}
        self._root: str = config.root_path
        self._keep_alive_seconds: float = config.timeout_keep_alive
        self._parser = httptools.HttpRequestParser(self)
        if hasattr(self._parser, "set_dangerous_leniencies"):
            # What follows a request that ends the connection is passed by; the request is answered.
            self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._transport = cast("asyncio.Transport", None)  # until `connection_made`
        self._server: tuple[str, int | None] | None = None
        self._client: tuple[str, int] | None = None
        self._scheme = "http"
        self._url = b""
        self._headers: Headers = []
        self._unheard = 0  # bytes since a request came further
        self._is_deaf = False  # what else comes is not read
        self._is_reading = True
        self._front: HttpRequest | None = None  # whose answer is the next to be written
        self._newest: HttpRequest | None = None
        self._waiting: deque[HttpRequest] = deque()  # behind one that is not answered yet
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Event | None = None
        self.is_writable = True

    # -- asyncio's side ---------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._state.connections.add(cast("Any", self))
        self._server = _address(transport.get_extra_info("sockname"))
        client = _address(transport.get_extra_info("peername"))
        if client is not None and client[1] is not None:
            self._client = cast("tuple[str, int]", client)
        if transport.get_extra_info("sslcontext"):
            self._scheme = "https"
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        self._state.connections.discard(cast("Any", self))
        self._is_deaf = True
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        if self._front is not None:
            self._front.leave()
        self.resume_writing()
        self._parser = cast("httptools.HttpRequestParser", None)  # it knows us, and we it

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        self._unheard += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(400, repr(error.__context__ or error))  # what ours raised, or its own
        else:
            if self._unheard > _MOST_HEAD:
                self._refuse(431, f"more than {_MOST_HEAD:,} bytes")

    def pause_writing(self) -> None:
        self.is_writable = False
        self._drained = self._drained or asyncio.Event()
        self._drained.clear()

    def resume_writing(self) -> None:
        self.is_writable = True
        if self._drained is not None:
            self._drained.set()

    # -- The parser's side ------------------------------------------------------------------------
    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._unheard = 0
        parser = self._parser
        if parser.should_upgrade() and self._is_websocket():
            return
        version = parser.get_http_version()
        url, self._url = self._url, b""
        headers, self._headers = self._headers, []
        path, _, query = url.partition(b"?")
        if path[0] != _SLASH or b"#" in url:
            path, query = _parts(url)
        text = path.decode("ascii")
        if "%" in text:
            text = unquote(text)
        if self._root:
            path, text = self._root.encode("ascii") + path, self._root + text
        scope: Scope = {
            "type": "http",
            "asgi": self._asgi.copy(),
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": self._scheme,
            "method": parser.get_method().decode("ascii"),
            "root_path": self._root,
            "path": text,
            "raw_path": path,
            "query_string": query,
            "headers": headers,
            "state": {} if self._app_state is None else self._app_state.copy(),
            "extensions": self._extensions,
        }
        is_kept_alive = version == "1.1" and parser.should_keep_alive()
        before = self._newest
        request = HttpRequest(self, self._transport, scope, is_kept_alive=is_kept_alive)
        self._newest = request
        if before is None or before.is_answered:
            self._start(request)
        else:
            self._waiting.append(request)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        self._unheard = 0
        if self._newest is not None:
            self._newest.take(body)

    def on_message_complete(self) -> None:
        self._unheard = 0
        if self._url:
            return  # a WebSocket's, which is handed over whole
        if self._headers:
            self._headers = []  # behind the body: they are no request's
        if self._newest is not None:
            self._newest.end()

    # -- A request's side -------------------------------------------------------------------------
    @property
    def common_headers(self) -> Headers:
        """Of every answer: the date, once a second."""
        return self._state.default_headers

    def pause_reading(self) -> None:
        if self._is_reading and not self._transport.is_closing():
            self._is_reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not (self._is_reading or self._waiting or self._transport.is_closing()):
            self._is_reading = True
            self._transport.resume_reading()

    async def drain(self) -> None:
        """Wait until the client has read of what was written."""
        if self._drained is not None:
            await self._drained.wait()

    def soon(self, do: Callable[[], None]) -> None:
        """Do it in the event loop's next turn."""
        self._loop.call_soon(do)

    def answered(self) -> None:
        """The request in front has its answer: the next."""
        self._state.total_requests += 1
        if self._transport.is_closing():
            return
        if self._waiting:
            self._start(self._waiting.popleft())
        else:
            self._rest()
        if not self._is_reading:
            self.resume_reading()

    def forget(self, task: "asyncio.Task[None]") -> None:
        """A request's task has come to its end."""
        self._state.tasks.discard(task)

    # -- uvicorn's side ---------------------------------------------------------------------------
    def shutdown(self) -> None:
        """Close: at once, or behind the last answer that is under way."""
        if self._newest is None or self._newest.is_answered:
            self._transport.close()
        else:
            self._newest.is_kept_alive = False

    # -- Inside -----------------------------------------------------------------------------------
    def _start(self, request: HttpRequest) -> None:
        self._front = request
        request.task = task = self._loop.create_task(request.run(self._app))
        self._state.tasks.add(task)

    def _rest(self) -> None:
        """Idle from now on. One timer for a connection's whole life: a timer costs 2 us."""
        self._idle_since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._keep_alive_seconds, self._tire)

    def _tire(self) -> None:
        self._timer = None
        if self._transport.is_closing():
            return
        if self._newest is not None and not self._newest.is_answered:
            return  # `answered` comes, and sets a timer
        left = self._idle_since + self._keep_alive_seconds - self._loop.time()
        if left <= 0.01:
            self._transport.close()
        else:
            self._timer = self._loop.call_later(left, self._tire)

    def _refuse(self, status: int, why: str) -> None:
        """What came can't be read, and so nothing that follows it."""
        self._is_deaf = True
        line, text = _REFUSALS[status]
        _logger.warning("%s from %s: %s", line.decode(), self._client, why)
        newest = self._newest
        if newest is not None and not newest.is_answered:
            if not newest.has_more:
                newest.is_kept_alive = False  # that one was whole: it gets its answer
                return
            if newest.is_started or self._waiting:
                self._transport.close()
                return
        head = b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
        self._transport.write(head % (line, len(text)) + b"connection: close\r\n\r\n" + text)
        self._transport.close()

    def _is_websocket(self) -> bool:
        """Whether the request asks for one, and the server has them."""
        if self._config.ws_protocol_class is None:
            return False
        told = dict(self._headers)
        wants = [one.strip().lower() for one in told.get(b"connection", b"").split(b",")]
        return b"upgrade" in wants and told.get(b"upgrade", b"").lower() == b"websocket"

    def _upgrade(self, rest: bytes) -> None:
        """Hand the connection over to a WebSocket's protocol; `rest` came behind its head."""
        kind = self._config.ws_protocol_class
        if not self._url or kind is None:  # another upgrade: HTTP/1.1 may go on without (RFC 9110)
            self._is_deaf = True
            if self._newest is not None:
                self._newest.is_kept_alive = False
            return
        if self._newest is not None and not self._newest.is_answered:
            self._refuse(400, "a WebSocket behind a request that is not answered yet")
            return
        head = [self._parser.get_method(), b" ", self._url, b" HTTP/1.1\r\n"]
        for name, value in self._headers:
            head += [name, b": ", value, b"\r\n"]
        self._is_deaf = True
        self._state.connections.discard(cast("Any", self))
        if self._timer is not None:
            self._timer.cancel()
        own = {} if self._app_state is None else {"app_state": self._app_state}
        protocol = cast("Any", kind)(config=self._config, server_state=self._state, **own)
        protocol.connection_made(self._transport)
        protocol.data_received(b"".join([*head, b"\r\n", rest]))
        self._transport.set_protocol(protocol)


def _parts(url: bytes) -> tuple[bytes, bytes]:
    """The path and the query of a request's target that is more than these."""
    parsed = httptools.parse_url(url)
    return parsed.path or b"/", parsed.query or b""


def _address(info: object) -> tuple[str, int | None] | None:
    """A socket's name as ASGI wants it: host and port, or a path and None."""
    if isinstance(info, tuple):
        host, port = cast("tuple[object, ...]", info)[:2]
        return str(host), cast("int", port)
    return (info, None) if isinstance(info, str) and info else None
