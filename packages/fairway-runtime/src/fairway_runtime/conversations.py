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

__all__ = ["Connection", "Conversation", "Conversations"]

_SILENT_SECONDS = 1.0


class Connection(Protocol):
    """A connection of uvicorn's; `scope` is there once a WebSocket's handshake has come."""

    scope: Scope

    def shutdown(self) -> None: ...


class Conversation:
    """One WebSocket: when it last said something, and whether its app works on an answer.

    An app finds its own in the scope, at `fairway.conversation`, and may set `is_busy`.
    """

    __slots__ = ("is_busy", "is_closed", "spoke_at")

    def __init__(self, spoke_at: float) -> None:
        self.spoke_at = spoke_at
        self.is_busy = False
        self.is_closed = False


class Conversations:
    """An ASGI app around an app; notes when a message of a WebSocket last came or went."""

    __slots__ = ("_app", "_open")

    def __init__(self, app: App) -> None:
        self._app = app
        self._open: dict[int, Conversation] = {}  # by the identity of the scope

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "websocket":
            return self._app(scope, receive, send)
        return self._converse(scope, receive, send)

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = id(scope)
        conversation = self._open[key] = Conversation(time.monotonic())

        async def noting_receive() -> Message:
            message = await receive()
            conversation.spoke_at = time.monotonic()
            return message

        async def noting_send(message: Message) -> None:
            conversation.spoke_at = time.monotonic()
            await send(message)

        within = {**scope, "fairway.conversation": conversation}
        try:
            await self._app(within, noting_receive, noting_send)
        finally:
            self._open.pop(key, None)

    def close_silent(self, connections: Iterable[Connection]) -> int:
        """Close, with 1012, each that said nothing for a second and is not busy; how many."""
        now = time.monotonic()
        count = 0
        for connection in connections:
            found = self._open.get(id(getattr(connection, "scope", None)))
            if found is None or found.is_busy or found.is_closed:
                continue
            if now - found.spoke_at < _SILENT_SECONDS:
                continue
            found.is_closed = True
            connection.shutdown()
            count += 1
        return count
