"""ASGI's shapes, as its specification gives them.

Scopes and messages are open dictionaries by definition: this is the one module where `Any` says
so, and every other module reads them through these names.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["App", "Headers", "Message", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
