"""WebSockets: passed through with a request id, counted, and logged when they end.

No timeout and no body limit: they are meant to stay open. The server closes what is left at the
end of the drain with 1012, "service restart". Its span ends with it; those of the operations inside
are told as they end.
"""

import time
from typing import TYPE_CHECKING

from fairway_runtime import contract
from fairway_runtime.asgi import Headers, Message, Receive, Scope, Send
from fairway_runtime.context import enter
from fairway_runtime.exchange import record
from fairway_runtime.granian_worker import goodbyes

if TYPE_CHECKING:
    from fairway_runtime.middleware import Fairway

__all__ = ["serve_websocket"]

_ID_HEADER = contract.CORRELATION_HEADER.encode()
_RESTART = 1012


async def serve_websocket(fairway: "Fairway", scope: Scope, receive: Receive, send: Send) -> None:
    """One WebSocket, from handshake to log line.

    The id is put into the scope's headers as well, for apps whose code runs where context
    variables do not reach (Streamlit's script threads).
    """
    if fairway.believe is not None:
        await fairway.believe(scope, receive, send)
    context = fairway.context_of(dict(scope["headers"]))
    enter(context)
    identity = (_ID_HEADER, context.correlation_id.encode())
    scope = {**scope, "headers": _with(identity, scope["headers"])}
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
        ended = time.perf_counter()
        fairway.lines.access(
            context,
            operation='"WEBSOCKET"',
            method='"GET"',
            path=scope["path"],
            status=status,
            duration_ms=(ended - began) * 1000,
            success=status < 500,
        )
        if context.trace is not None:
            what = ("WEBSOCKET", fairway.routes.of(scope, root), status)
            record(fairway, scope, context, what, (began, ended))


def _with(identity: tuple[bytes, bytes], headers: Headers) -> Headers:
    return [*(header for header in headers if header[0] != _ID_HEADER), identity]
