"""Under granian: WebSockets are told 1012 before the worker ends, which granian itself does not.

granian's worker ends in the same way at SIGINT and at SIGTERM. So once there is a WebSocket,
SIGTERM comes to us first; when all have been told, the worker is sent SIGINT.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from fairway_runtime.asgi import Message, Send
from fairway_runtime.lifecycle import Lifecycle

__all__ = ["Goodbyes", "goodbyes"]

_RESTART = 1012
_TELL_SECONDS = 0.5  # for all of them together


class Goodbyes:
    """The WebSockets of this worker that have to be told."""

    def __init__(self) -> None:
        self._sends: set[Send] = set()
        self._told: set[Send] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lifecycle: Lifecycle | None = None
        self._telling: asyncio.Task[None] | None = None

    @contextmanager
    def owed(self, lifecycle: Lifecycle, send: Send) -> Generator[Send]:
        """A `send` for the app, on a WebSocket that is told when the worker ends."""
        if "granian" not in sys.modules:
            yield send
            return
        self._attach(lifecycle)
        self._sends.add(send)

        async def send_unless_told(message: Message) -> None:
            if send not in self._told:
                await send(message)

        try:
            yield send_unless_told
        finally:
            self._sends.discard(send)
            self._told.discard(send)

    def _attach(self, lifecycle: Lifecycle) -> None:
        loop = asyncio.get_running_loop()
        self._lifecycle = lifecycle
        if loop is self._loop or threading.current_thread() is not threading.main_thread():
            return
        self._loop = loop
        loop.add_signal_handler(signal.SIGTERM, self._leave, loop)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """SIGTERM: the first begins to tell, others change nothing."""
        if self._telling is None:
            if self._lifecycle is not None:
                self._lifecycle.begin_drain()
            self._telling = loop.create_task(self._tell())

    async def _tell(self) -> None:
        """Tell all at once, then let granian end the worker."""
        sends = list(self._sends)
        self._told.update(sends)
        close = {"type": "websocket.close", "code": _RESTART, "reason": "service restart"}
        telling = [asyncio.ensure_future(send(close)) for send in sends]
        if telling:
            await asyncio.wait(telling, timeout=_TELL_SECONDS)
        for one in telling:
            if one.done() and not one.cancelled():
                one.exception()  # one that went away in the meantime is no fault
        await asyncio.sleep(0.05)  # for what was handed to granian to leave
        os.kill(os.getpid(), signal.SIGINT)


goodbyes = Goodbyes()  # a worker has one event loop, and its signals are the process's
