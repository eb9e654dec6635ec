"""uvicorn, with a start that answers probes and an end that loses no request (R221-R226).

The order of the end is the contract: not ready at once; still accepting for the lame duck's
seconds, so that a balancer notices; then no new connections; in-flight requests finish, up to the
drain's seconds; what remains is cancelled and answered 503; WebSockets close with 1012, those that
are silent at once and the others when it is over; the app closes its connections in its lifespan;
exit code 0.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from importlib import import_module
from types import FrameType
from typing import Any, Literal, TypeVar, cast

import uvicorn
from uvicorn.lifespan.on import LifespanOn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from fairway_runtime.asgi import App, Receive, Scope, Send
from fairway_runtime.context import current
from fairway_runtime.conversations import Connection, Conversations
from fairway_runtime.middleware import Fairway
from fairway_runtime.versions import is_older

__all__ = ["serve"]

_CLOSE_SECONDS = 5  # for the app's own shutdown, and for what ignores its cancellation
_KEEP_ALIVE_SECONDS = 75  # longer than a balancer's (60 s), so that the balancer hangs up first
_POLL_SECONDS = 0.02
_ENDS_BY_ITSELF = not is_older(uvicorn.__version__, "0.22")  # without who ignores cancellation

Result = TypeVar("Result")


def serve(fairway: Fairway, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT, drain, and return the exit code.

    0 after a drain, whatever it had to cut; 1 when the app's startup failed. Never outlasts the
    drain by more than 5 s: what still hangs then is left behind, and the exit code is 1.
    """
    conversations = Conversations(fairway.dispatch)
    config = uvicorn.Config(
        conversations,
        interface="asgi3",
        http=_http(),
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # most requests have none: the middleware, which looks, asks for it
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    config.timeout_graceful_shutdown = 1  # an argument of it has not always been there
    fairway.believe = _believer(config.forwarded_allow_ips)
    config.load()
    config.lifespan_class = _Lifespan
    server = _Server(config, fairway, conversations)
    runner = asyncio.Runner(loop_factory=_loop_factory())
    with contextlib.suppress(KeyboardInterrupt):
        runner.run(server.serve(sockets=[listener]))
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if server.abandoned:  # threads of cancelled requests run on: nobody waits for them
        os._exit(server.exit_code)
    server.watchdog.is_clean = True
    runner.close()
    # The interpreter would look through every object once more, a tenth of a second of the
    # processor that the others share; it still runs what was registered with atexit.
    gc.freeze()
    return server.exit_code


def _believer(trusted: list[str] | str) -> App:
    """Puts the client and the scheme into a scope that a trusted proxy has written of."""

    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        """The scope is all that changes."""

    return cast("App", ProxyHeadersMiddleware(cast("Any", nothing), trusted))


def _http() -> "type[asyncio.Protocol] | Literal['auto']":
    """Our own HTTP/1.1 where there is httptools to read it, else uvicorn's by h11."""
    try:
        import_module("httptools")
    except ImportError:
        return "auto"
    from fairway_runtime.http_connection import HttpConnection

    return HttpConnection


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Threads(ThreadPoolExecutor):
    """asyncio's own threads, with the request's id in them (R162)."""

    def submit(  # pyright: ignore[reportIncompatibleMethodOverride] (the same, spelt with generics)
        self, fn: Callable[..., Result], /, *args: object, **kwargs: object
    ) -> "Future[Result]":
        if current() is None:
            return super().submit(fn, *args, **kwargs)
        return super().submit(copy_context().run, fn, *args, **kwargs)


class _Lifespan(LifespanOn):
    """Starts the app while the server already answers `/health` and `/startup` (R157)."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._starting: asyncio.Task[None] | None = None
        self._app: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        self._starting = asyncio.create_task(super().startup())
        self._starting.add_done_callback(_settle)

    async def main(self) -> None:
        self._app = cast("asyncio.Task[None] | None", asyncio.current_task())
        await super().main()

    async def shutdown(self) -> None:
        """Let the app close what it opened (R225), within 5 s."""
        if self._starting is not None and not self._starting.done() and self._app is not None:
            self._app.cancel()  # it never got to run: SIGTERM came first
            await self._starting
            return
        try:
            await asyncio.wait_for(super().shutdown(), _CLOSE_SECONDS - 1)
        except TimeoutError:  # its traceback would be ours
            self.logger.error(  # noqa: TRY400
                "The app's shutdown took longer than %d s.", _CLOSE_SECONDS - 1
            )


def _settle(_: "asyncio.Task[None]") -> None:
    """What an app made while it started stays: the collector need not look at it again.

    A full collection of the objects of a usual app (50,000) stops every request for 20 ms.
    """
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """uvicorn's server with our signals and our end."""

    def __init__(
        self, config: uvicorn.Config, fairway: Fairway, conversations: Conversations
    ) -> None:
        super().__init__(config)
        self._fairway = fairway
        self._conversations = conversations
        self._closed = 0  # WebSockets, by the drain
        self._asked_at = 0.0  # when the first signal came
        self.abandoned = 0
        self.exit_code = 0
        settings = fairway.settings
        self.watchdog = _Watchdog(
            settings.lame_duck_seconds + settings.drain_seconds + _CLOSE_SECONDS, fairway
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's)
        """The first signal begins the drain; a second SIGINT cuts it short; others change nothing.

        Runs as a signal handler: it sets flags, and takes no lock that the main thread may hold.
        """
        if not self._asked_at:
            self._asked_at = time.monotonic()
            self._fairway.lifecycle.begin_drain()
            self.watchdog.asked.set()
        elif sig == signal.SIGINT:
            self.force_exit = True

    def install_signal_handlers(self) -> None:
        """What uvicorn before 0.29 asks for: it had the event loop hear them, which may hang."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_default_executor(_Threads(thread_name_prefix="asyncio"))
        await super().startup(sockets=sockets)

    async def on_tick(self, counter: int) -> bool:
        if await super().on_tick(counter):
            return True
        if self.lifespan.should_exit:
            self.exit_code = 1
            return True
        asked = self._asked_at
        lame_duck = self._fairway.settings.lame_duck_seconds
        return bool(asked) and (time.monotonic() - asked >= lame_duck or self.force_exit)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """R222 to R225, in this order."""
        began = time.monotonic()
        lifecycle = self._fairway.lifecycle
        lifecycle.begin_drain()
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        websocket = self.config.ws_protocol_class
        for connection in self._connections():
            if websocket is None or not isinstance(connection, websocket):
                connection.shutdown()  # an idle one closes now, a busy one after its answer
        in_flight = len(lifecycle.in_flight)
        open_sockets = len(lifecycle.websockets)
        await self._finish_until(began + self._fairway.settings.drain_seconds)
        self.abandoned = lifecycle.cut_all()
        if self.abandoned:
            await self._finish_until(time.monotonic() + 1)
        self._closed += len(lifecycle.websockets)
        if self.abandoned and not _ENDS_BY_ITSELF:
            await self._leave_behind()
        await super().shutdown(sockets)
        self._fairway.lines.write(
            "INFO",
            None,
            {
                "operation": "drain",
                "duration_ms": (time.monotonic() - (self._asked_at or began)) * 1000,
                "success": self.abandoned == 0,
                "requests": in_flight,
                "requests_cut": self.abandoned,
                "websockets": open_sockets,
                "websockets_closed": self._closed,
            },
        )

    async def _leave_behind(self) -> None:
        """End what ignored its cancellation, as uvicorn itself does since it has a timeout."""
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.sleep(_POLL_SECONDS)
        self.server_state.connections.clear()
        self.server_state.tasks.clear()

    async def _finish_until(self, deadline: float) -> None:
        lifecycle = self._fairway.lifecycle
        while (lifecycle.in_flight or lifecycle.websockets) and not self.force_exit:
            if time.monotonic() >= deadline:
                return
            if lifecycle.websockets:
                self._closed += self._conversations.close_silent(self._connections())
            await asyncio.sleep(_POLL_SECONDS)

    def _connections(self) -> list[Connection]:
        return cast("list[Connection]", list(self.server_state.connections))


class _Watchdog:
    """Ends a process that outlasts its drain, even when its event loop hangs.

    `asked` starts the count of `seconds`. The thread waits from the beginning: a signal handler
    may set an event, but not start a thread.
    """

    def __init__(self, seconds: float, fairway: Fairway) -> None:
        self.asked = threading.Event()
        self.is_clean = False  # the drain is over, and only threads hold the process
        self._seconds = seconds
        self._lines = fairway.lines
        threading.Thread(target=self._watch, name="fairway-watchdog", daemon=True).start()

    def _watch(self) -> None:
        self.asked.wait()
        time.sleep(self._seconds)
        if not self.is_clean:
            message = f"still running {self._seconds:g} s after the signal: ended"
            fields = {"operation": "drain", "success": False, "message": message}
            self._lines.write("ERROR", None, fields)
        os._exit(0 if self.is_clean else 1)
