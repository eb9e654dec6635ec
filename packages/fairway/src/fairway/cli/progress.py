"""What the driver says while it works, told to everybody who listens to the engine.

Installing and building run in threads, and take the most of a first start: `fairway up --detach`
and `fairway deploy` show it as the engine's own terminal does. Not journalled.
"""

import asyncio
from collections.abc import Callable

from fairway.core.status import EventLine

__all__ = ["Progress"]

Listener = Callable[[EventLine], None]


class Progress:
    """`say` may be called from any thread; `listeners` hear of it in the loop's."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, now: Callable[[], float], first: Listener
    ) -> None:
        self.loop = loop
        self.now = now
        self.listeners: list[Listener] = [first]

    def say(self, node: str, text: str) -> None:
        """Tell that `node` is being worked on."""
        self.loop.call_soon_threadsafe(self.spread, EventLine(at=self.now(), node=node, text=text))

    def spread(self, event: EventLine) -> None:
        for listener in list(self.listeners):
            listener(event)
