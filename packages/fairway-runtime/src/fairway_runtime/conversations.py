"""When each WebSocket last said something, so that a drain waits only for those that talk.

A socket has no end of its own: a page keeps it open for hours, and a drain that waited for it
would always take all of its time. One that is silent has nothing to finish, so it is told to come
again (1012) and its client goes to a replica that stays; one that talks may finish first.

Place in the flow: between the server and the app; the server asks at its end.
"""

import time
from collections.abc import Awaitable, Iterable
from typing import Protocol

from fairway_runtime.asgi import App, Message, Receive, Scope, Send

__all__ = ["Connection", "Conversations"]

_SILENT_SECONDS = 1.0


class Connection(Protocol):
    """A connection of uvicorn's; `scope` is there once a WebSocket's handshake has come."""

    scope: Scope

    def shutdown(self) -> None: ...


class Conversations:
    """An ASGI app around an app; notes when a message of a WebSocket last came or went."""

    __slots__ = ("_app", "_closed", "_spoke_at")

    def __init__(self, app: App) -> None:
        self._app = app
        self._spoke_at: dict[int, float] = {}  # by the identity of the scope
        self._closed: set[int] = set()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "websocket":
            return self._app(scope, receive, send)
        return self._converse(scope, receive, send)

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = id(scope)

        async def noting_receive() -> Message:
            message = await receive()
            self._spoke_at[key] = time.monotonic()
            return message

        async def noting_send(message: Message) -> None:
            self._spoke_at[key] = time.monotonic()
            await send(message)

        self._spoke_at[key] = time.monotonic()
        try:
            await self._app(scope, noting_receive, noting_send)
        finally:
            self._spoke_at.pop(key, None)
            self._closed.discard(key)

    def close_silent(self, connections: Iterable[Connection]) -> int:
        """Close, with 1012, each WebSocket that said nothing for a second; how many there were."""
        now = time.monotonic()
        count = 0
        for connection in connections:
            key = id(getattr(connection, "scope", None))
            spoke_at = self._spoke_at.get(key)
            if spoke_at is None or key in self._closed or now - spoke_at < _SILENT_SECONDS:
                continue
            self._closed.add(key)
            connection.shutdown()
            count += 1
        return count
