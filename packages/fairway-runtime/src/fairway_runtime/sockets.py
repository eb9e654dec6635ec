"""WebSockets: passed through with a request id, counted, and logged when they end.

No timeout and no body limit: they are meant to stay open. The server closes what is left at the
end of the drain with 1012, "service restart". Its span ends with it; those of the operations inside
are told as they end.
"""

import time
from typing import TYPE_CHECKING

from fairway_runtime import contract
from fairway_runtime.asgi import Message, Receive, Scope, Send
from fairway_runtime.context import RequestContext, enter, new_id, sane_id
from fairway_runtime.exchange import attributes
from fairway_runtime.granian_worker import goodbyes

if TYPE_CHECKING:
    from fairway_runtime.middleware import Fairway

__all__ = ["serve_websocket"]

_ID_HEADER = contract.CORRELATION_HEADER.encode()
_READ = frozenset((_ID_HEADER, b"traceparent", b"tracestate"))
_RESTART = 1012


async def serve_websocket(fairway: "Fairway", scope: Scope, receive: Receive, send: Send) -> None:
    """One WebSocket, from handshake to log line.

    The id is put into the scope's headers as well, for apps whose code runs where context
    variables do not reach (Streamlit's script threads).
    """
    found: dict[bytes, bytes] = {name: value for name, value in scope["headers"] if name in _READ}
    context = RequestContext(sane_id(found.get(_ID_HEADER, b"")) or new_id())
    if fairway.tracer.sink is not None or b"traceparent" in found:
        given = found.get(b"traceparent", b""), found.get(b"tracestate", b"")
        context.trace = fairway.tracer.begin(*given)
    enter(context)
    identity = (_ID_HEADER, context.correlation_id.encode())
    others = [header for header in scope["headers"] if header[0] != _ID_HEADER]
    scope = {**scope, "headers": [*others, identity]}
    root: str = scope.get("root_path", "")
    began = time.perf_counter()
    status = 403  # what a server answers to a handshake that is not accepted

    async def noting_send(message: Message) -> None:
        nonlocal status
        match message["type"]:
            case "websocket.accept":
                status = 101
                message = {**message, "headers": [*message.get("headers", ()), identity]}
            case "websocket.http.response.start":
                status = message["status"]
            case _:
                pass
        await send(message)

    if not fairway.lifecycle.has_started:
        await receive()
        await noting_send({"type": "websocket.close", "code": _RESTART})
        return
    fairway.lifecycle.websockets.add(context)
    try:
        with goodbyes.owed(fairway.lifecycle, noting_send) as app_send:
            await fairway.app(scope, receive, app_send)
    except Exception as error:
        status = 500
        fairway.errors.report(error, context, scope, "WEBSOCKET")
        raise
    finally:
        fairway.lifecycle.websockets.discard(context)
        route = fairway.routes.of(scope, root)
        _tell(fairway, scope, context, (route, status), (began, time.perf_counter()))


def _tell(
    fairway: "Fairway",
    scope: Scope,
    context: RequestContext,
    ended: tuple[str, int],
    times: tuple[float, float],
) -> None:
    """The line and the span of a WebSocket that ended, with its route and its status."""
    route, status = ended
    fairway.lines.access(
        context,
        operation='"WEBSOCKET"',
        method='"GET"',
        path=scope["path"],
        status=status,
        duration_ms=(times[1] - times[0]) * 1000,
        success=status < 500,
    )
    trace = context.trace
    if trace is not None and trace.is_sampled:
        trace.record(
            f"WEBSOCKET {route}",
            (trace.span_id, trace.parent_id),
            times,
            attributes(fairway, scope, context, route, status),
            error=str(status) if status >= 500 else "",
            is_server=True,
        )
