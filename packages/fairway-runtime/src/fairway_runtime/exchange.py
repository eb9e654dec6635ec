"""One HTTP request and its answer, as they pass through the middleware.

`send` stands between app and server: it adds headers to the answer's start and notes its end, and
passes everything on as it is, unbuffered. It creates no coroutine of its own: every microsecond
here is paid by every request.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable
from itertools import chain
from typing import TYPE_CHECKING

from fairway_runtime import contract
from fairway_runtime.asgi import Headers, Message, Receive, Scope, Send
from fairway_runtime.context import RequestContext
from fairway_runtime.http_head import LINES
from fairway_runtime.refusals import BROKEN, TIMED_OUT, Refusal, answer
from fairway_runtime.security import Common, without_given

if TYPE_CHECKING:
    from fairway_runtime.middleware import Fairway

__all__ = ["Exchange", "Limited", "is_http_1", "record", "refusal_of"]

_LINGER_SECONDS = 2.0  # how long a refused upload may go on, so that its sender reads the answer
_ID_HEADER = contract.CORRELATION_HEADER.encode()
_STARLETTE_S_ERROR = b"Internal Server Error"
_NONE: Headers = []
_HTTP_1 = frozenset(("1.0", "1.1"))
_CLOSE = (b"connection", b"close")


async def _nothing() -> None:
    """What the app's messages become once its answer was given for it."""


class Exchange:
    """A request under way; counted, logged and answered exactly once."""

    __slots__ = (
        "_entry_root",
        "_fairway",
        "_held",
        "_send",
        "_task",
        "began",
        "common",
        "context",
        "is_finished",
        "is_sealed",
        "refusal",
        "said",
        "scope",
        "status",
    )

    def __init__(
        self,
        fairway: "Fairway",
        scope: Scope,
        send: Send,
        context: RequestContext,
        task: "asyncio.Task[object] | None",
    ) -> None:
        self._fairway = fairway
        self._send = send
        self._task = task
        self._entry_root: str = scope.get("root_path", "")
        self.scope = scope
        self.context = context
        self.began = time.perf_counter()
        # The headers that the answer gets beside its id: those of many, and those of its own.
        self.common: Common
        self.said = _NONE
        self._held: Message | None = None  # the start of a 500 that may be Starlette's own
        self.status = 0  # of the answer, once it begins
        self.refusal: Refusal | None = None
        self.is_sealed = False  # the app's messages go nowhere any more
        self.is_finished = False

    @property
    def deadline(self) -> float:
        """When its time is over, by `time.perf_counter`."""
        return self.began + self._fairway.request_seconds

    def send(self, message: Message) -> Awaitable[None]:
        """The app's `send`."""
        if self.is_sealed:
            return _nothing()
        kind = message["type"]
        if kind == "http.response.start":
            if message["status"] == 500 and _may_be_starlette_s(message):
                self._held = message
                return _nothing()
            return self._send(self._begin(message))
        if kind == "http.response.body":
            if self._held is not None:
                return self._release(self._held, message)
            if not message.get("more_body"):
                self.finish()
        return self._send(message)

    def cut(self, refusal: Refusal) -> None:
        """Cancel the app's work; `refuse` follows where the cancellation comes out."""
        if self.refusal is None and self._task is not None:
            self.refusal = refusal
            self._task.cancel(refusal.word)

    async def end(self) -> None:
        """The app has come to its end: do what it left."""
        if self.refusal is not None and not self.is_sealed:
            if self._task is not None and self._task.cancelling():
                self._task.uncancel()  # `cut` has done its work
            await self.refuse(self.refusal)
        self.finish()

    def operation(self) -> str:
        """What the request is: `GET /items/{id}`."""
        scope = self.scope
        route = self._fairway.routes.of(scope, self._entry_root)
        return f"{scope['method']} {route}"

    async def refuse(self, refusal: Refusal, receive: Receive | None = None) -> None:
        """Answer in the app's stead, unless it has begun to; then only note how it ended.

        `receive` is given when the sender is still sending: it is listened to for a moment, or
        closing would destroy the answer before it is read.
        """
        self.refusal = refusal
        self.is_sealed = True
        if self.status:
            self.finish()
            return
        self.status = refusal.status
        headers = self._headers(is_closing=_CLOSE in refusal.headers)
        self.finish()
        await answer(refusal, headers, self.context.correlation_id, self._send)
        if receive is not None:
            await _listen_out(receive)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def finish(self) -> None:
        """Count and log the request: at its answer's last byte, or where it ended without."""
        if self.is_finished:
            return
        self.is_finished = True
        seconds = time.perf_counter() - self.began
        fairway, scope = self._fairway, self.scope
        status = self.status or 500
        route = fairway.routes.of(scope, self._entry_root)
        series = fairway.requests.series(scope["method"], route, status)
        series.observe(seconds)
        fairway.lines.access(
            self.context,
            operation=series.operation_json,
            method=series.method_json,
            path=scope["path"],
            status=status,
            duration_ms=seconds * 1000,
            success=status < 500 and (self.refusal is None or self.refusal.status < 500),
            refusal=None if self.refusal is None else self.refusal.word,
        )
        trace = self.context.trace
        if trace is not None and trace.is_sampled:
            ended = (series.method, series.route, status)
            record(fairway, scope, self.context, ended, (self.began, self.began + seconds))

    async def _release(self, start: Message, body: Message) -> None:
        """The end of Starlette's bare 500: a problem with the request's id in its stead (R188)."""
        self._held = None
        if body.get("body") != _STARLETTE_S_ERROR or body.get("more_body", False):
            await self._send(self._begin(start))
            await self.send(body)
            return
        refusal = refusal_of(sys.exc_info()[1])  # Starlette answers while it handles the error
        self.status = refusal.status
        headers = self._headers()
        self.finish()
        await answer(refusal, headers, self.context.correlation_id, self._send)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _begin(self, message: Message) -> Message:
        """The start of the answer with our headers; the app's message stays as it is."""
        self.status = message["status"]
        given = message.get("headers", ())
        names = self._fairway.security.names
        is_ours = names.isdisjoint(dict(given))
        if (
            is_ours
            and LINES in self.scope.get("extensions", ())
            and not self._fairway.lifecycle.is_draining
        ):
            return {**message, "lines": self._lines()}
        ours = self._headers()
        if not is_ours:
            ours = without_given(given, ours, names)
        return {**message, "headers": [*given, *ours]}

    def _lines(self) -> bytes:
        """`_headers` as they are written: a tenth of the work, for a server that takes them."""
        identity = (_ID_HEADER, self.context.correlation_id.encode())
        own = (*identity, *chain.from_iterable(self.said))
        return self.common.lines + b"%b: %b\r\n" * (len(own) // 2) % own

    def _headers(self, *, is_closing: bool = False) -> Headers:
        headers: Headers = [
            (_ID_HEADER, self.context.correlation_id.encode()),
            *self.common.pairs,
            *self.said,
        ]
        if self._fairway.lifecycle.is_draining and not is_closing and is_http_1(self.scope):
            headers.append(_CLOSE)
        return headers


class Limited:
    """`receive` for a body whose length nobody announced: counts it, and refuses beyond `most`."""

    __slots__ = ("_exchange", "_most", "_receive", "_refusal", "_taken")

    def __init__(self, exchange: Exchange, receive: Receive, most: int, refusal: Refusal) -> None:
        self._exchange = exchange
        self._receive = receive
        self._most = most
        self._refusal = refusal
        self._taken = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        self._taken += len(message.get("body", b""))
        if self._taken <= self._most:
            return message
        await self._exchange.refuse(self._refusal, self._receive)
        return {"type": "http.disconnect"}


def record(
    fairway: "Fairway",
    scope: Scope,
    context: RequestContext,
    ended: tuple[str, str, int],
    times: tuple[float, float],
) -> None:
    """The own span of a request or a WebSocket, as OpenTelemetry's conventions name its parts.

    `ended` is what it was (`GET`, `WEBSOCKET`), its route and its status. A trace that is not
    sampled has none.
    """
    trace = context.trace
    if trace is None or not trace.is_sampled:
        return
    what, route, status = ended
    attributes: dict[str, object] = {
        "http.request.method": scope.get("method", "GET"),  # a WebSocket begins with one
        "http.route": route,
        "http.response.status_code": status,
        "url.path": fairway.lines.path(scope["path"]),
        "url.scheme": scope.get("scheme", "http"),
        "correlation_id": context.correlation_id,
    }
    if context.user_id is not None:
        attributes["user.id"] = context.user_id
    trace.record(
        f"{what} {route}",
        (trace.span_id, trace.parent_id),
        times,
        attributes,
        error=str(status) if status >= 500 else "",
        is_server=True,
    )


def is_http_1(scope: Scope) -> bool:
    """HTTP/2 knows no `connection` header, and always announces its bodies' ends itself."""
    return scope.get("http_version", "1.1") in _HTTP_1


def refusal_of(error: BaseException | None) -> Refusal:
    """How an error that nobody handled is answered."""
    timeouts = sys.modules.get("fairway_runtime.timeouts")  # not there: nobody raised its error
    if timeouts is not None and isinstance(error, timeouts.TimedOut):
        return TIMED_OUT
    return BROKEN


def _may_be_starlette_s(start: Message) -> bool:
    """Whether this looks like the start of what Starlette answers to an unhandled error."""
    headers = dict(start.get("headers", ()))
    length = b"%d" % len(_STARLETTE_S_ERROR)
    kind: bytes = headers.get(b"content-type", b"")
    return headers.get(b"content-length") == length and kind.startswith(b"text/plain")


async def _listen_out(receive: Receive) -> None:
    """Take what still arrives, and forget it."""
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
