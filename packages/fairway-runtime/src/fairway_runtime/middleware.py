"""`Fairway(app)`: one ASGI layer that gives an app production behaviour, without a change to it.

The place where probes, request ids, logs, metrics, limits and drain meet; each lives in a module
of its own. It passes the app's messages through untouched and unbuffered, and it raises what the
app raised.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fairway_runtime import contract, logs, traces
from fairway_runtime.asgi import App, Headers, Message, Receive, Scope, Send
from fairway_runtime.business import business
from fairway_runtime.context import RequestContext, enter, new_id, sane_id
from fairway_runtime.errors import Reporter
from fairway_runtime.exchange import Exchange, Limited, is_http_1, refusal_of
from fairway_runtime.figures import roll
from fairway_runtime.lifecycle import Lifecycle, Phase
from fairway_runtime.lines import Lines
from fairway_runtime.metrics import Registry, RequestMetrics, family
from fairway_runtime.probes import Probes, Readiness
from fairway_runtime.process import LoopLag, process_metrics
from fairway_runtime.refusals import NOT_STARTED, TOO_LARGE, Refusal
from fairway_runtime.routes import RouteNames
from fairway_runtime.security import PREFLIGHT, Cors, Security
from fairway_runtime.settings import Settings
from fairway_runtime.sockets import serve_websocket

if TYPE_CHECKING:
    from fairway_runtime.limits import Limiter

__all__ = ["Fairway"]

_TICK_SECONDS = 0.1
_FOREVER = 1e9
_INSIDE = "fairway.runtime"
_ID_HEADER = contract.CORRELATION_HEADER.encode()
_PREFLIGHT = {b"origin", b"access-control-request-method"}
_READ = frozenset(
    (
        *(_ID_HEADER, b"content-length", b"transfer-encoding", b"traceparent", b"tracestate"),
        *(b"x-forwarded-proto", b"x-forwarded-for"),
        *(b"access-control-request-headers", *_PREFLIGHT),
    )
)
_UPLOADS = "/_stcore/upload_file"


class Fairway:
    """Wraps any ASGI app; `settings` come from the environment unless given.

        app = Fairway(app)

    `limiter` replaces the one that the settings ask for: one that knows the app's users, say.

    Lifespan, HTTP and WebSocket scopes pass through. `lines` and `lifecycle` are for servers and
    tests; an app needs neither.
    """

    def __init__(
        self,
        app: App,
        settings: Settings | None = None,
        lines: Lines | None = None,
        *,
        limiter: "Limiter | None" = None,
    ) -> None:
        self.app = app
        self.settings = settings or Settings.from_environment(os.environ)
        self.lines = lines or logs.lines_for(self.settings)
        self.errors = Reporter(self.settings, self.lines)
        self.lifecycle = Lifecycle()
        self.registry = Registry()
        self.requests = RequestMetrics()
        self.routes = RouteNames()
        self.request_seconds = self.settings.request_seconds or _FOREVER
        replica: Headers = []
        if self.settings.replica:
            name = contract.REPLICA_HEADER.encode()
            replica = [(name, self.settings.replica.encode("ascii", "replace"))]
        self.security = Security(self.settings, replica)
        self._cors: Cors | None = None
        if self.settings.cors_origins:
            self._cors = Cors(
                self.settings.cors_origins,
                allows_credentials=self.settings.allows_cors_credentials,
            )
        if limiter is None and self.settings.rate_limit is not None:
            from fairway_runtime.limits import limiter_of

            limiter = limiter_of(self.settings)
        self._limiter = limiter
        # One that asks nobody is asked without waiting.
        self._local = limiter if limiter is not None and limiter.link is None else None
        self._shared = limiter if limiter is not None and limiter.link is not None else None
        self.tracer = traces.tracer_of(self.settings)
        traces.install(self.tracer)
        self._body_bytes = self.settings.body_bytes
        self._lag = LoopLag(time.perf_counter())
        self._loop: asyncio.AbstractEventLoop | None = None
        self.registry.register(self.requests.collect)
        self.registry.register(self._collect)
        self.registry.register(self._lag.collect)
        self.registry.register(process_metrics)
        self.registry.register(roll.collect)
        self.registry.register(business.collect)
        readiness = Readiness(self.settings)
        self._probes = Probes(self.settings, self.lifecycle, readiness, self.registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._attach(loop)
        kind: str = scope["type"]
        if (
            _INSIDE in scope
        ):  # of another Fairway, which has done it all: installed, and run by ours
            await self.app(scope, receive, send)
            return
        scope[_INSIDE] = True
        if kind == "http":
            path: str = scope["path"]
            if scope.get("root_path"):
                path = path.removeprefix(scope["root_path"])
            if path in Probes.paths:
                await self._probes.answer(path, scope, send)
            else:
                await self._serve(scope, receive, send)
        elif kind == "websocket":
            await serve_websocket(self, scope, receive, send)
        elif kind == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, from its id to its log line."""
        found: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _READ:  # one that comes twice is one with a comma, as HTTP says
                found[name] = b"%b,%b" % (found[name], value) if name in found else value
        identity = found.get(_ID_HEADER)
        context = RequestContext((identity and sane_id(identity)) or new_id())
        if self.tracer.sink is not None or b"traceparent" in found:
            given = found.get(b"traceparent", b""), found.get(b"tracestate", b"")
            context.trace = self.tracer.begin(*given)
        enter(context)
        exchange = Exchange(self, scope, send, context, asyncio.current_task(self._loop))
        refusal = self._judge(exchange, found)
        if refusal is None and self._shared is not None and self._shared.counts(scope):
            taken = await self._shared.take(scope)
            exchange.headers = [*exchange.headers, *self._shared.headers(taken)]
            refusal = None if taken.is_allowed else self._shared.refusal(taken)
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        most = self._body_bytes
        length = found.get(b"content-length", b"")
        if length.isdigit():  # the server holds the body to what it announced
            if most and int(length) > most and not _is_upload(scope):
                await exchange.refuse(TOO_LARGE, receive)
                return
        elif (
            most
            and (b"transfer-encoding" in found or not is_http_1(scope))
            and not _is_upload(scope)
        ):
            receive = Limited(exchange, receive, most, TOO_LARGE)
        await self._run(exchange, receive)

    def _judge(self, exchange: Exchange, found: dict[bytes, bytes]) -> Refusal | None:
        """Whether the request may pass, as far as this process knows; its answer's headers."""
        scope = exchange.scope
        headers = self.security.headers(scope, found)
        cors = self._cors
        if cors is not None:
            if scope["method"] == "OPTIONS" and found.keys() >= _PREFLIGHT:
                exchange.headers = [*headers, *cors.preflight(found)]
                return PREFLIGHT
            headers = [*headers, *cors.headers(found.get(b"origin"))]
        refusal = None if self.lifecycle.has_started else NOT_STARTED
        limiter = self._local
        if refusal is None and limiter is not None and limiter.counts(scope):
            said, refusal = limiter.judge(scope, found.get(b"x-forwarded-for", b""))
            headers = [*headers, *said]
        exchange.headers = headers
        return refusal

    async def _run(self, exchange: Exchange, receive: Receive) -> None:
        """The app's part; whatever becomes of it, the request is answered, counted and logged."""
        lifecycle = self.lifecycle
        lifecycle.in_flight[exchange] = None
        try:
            await self.app(exchange.scope, receive, exchange.send)
        except asyncio.CancelledError:
            if exchange.refusal is None:  # the server's own doing: its client went away
                exchange.status = exchange.status or 499
                raise
        except Exception as error:
            if exchange.refusal is None:
                self.errors.report(error, exchange.context, exchange.scope, exchange.operation())
                exchange.refusal = refusal_of(error)
                raise
        finally:
            del lifecycle.in_flight[exchange]
            if exchange.refusal is not None and not exchange.is_sealed:
                exchange.uncancel()
                await exchange.refuse(exchange.refusal)
            if not exchange.is_finished:
                exchange.finish()

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the lifespan through, and note how far it came."""
        lifecycle = self.lifecycle
        lifecycle.phase = Phase.STARTING

        async def noting_send(message: Message) -> None:
            match message["type"]:
                case "lifespan.startup.complete":
                    if self.settings.is_logging:  # the app may have set up logging of its own
                        logs.install(self.settings, self.lines)
                    await self._warm_up(scope)
                    lifecycle.phase = Phase.STARTED
                case "lifespan.startup.failed":
                    lifecycle.phase = Phase.FAILED
                case "lifespan.shutdown.complete" | "lifespan.shutdown.failed":
                    lifecycle.phase = Phase.UNSEEN
                case _:
                    pass
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        finally:
            if lifecycle.phase is Phase.STARTING:  # the app knows no lifespan: it has started
                await self._warm_up(scope)
                lifecycle.phase = Phase.STARTED
            if self._limiter is not None:
                await self._limiter.close()
            if self.tracer.sink is not None:  # R224
                await asyncio.to_thread(self.tracer.sink.flush)
            await asyncio.to_thread(self.errors.flush)

    async def _warm_up(self, scope: Scope) -> None:
        if self.settings.warmup:
            from fairway_runtime.warmup import warm_up

            await warm_up(self.app, self.settings.warmup, scope, self.lines)

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """The first request on a loop: begin to watch it."""
        if self._loop is None:
            self._open()
        self._loop = loop
        if self.settings.is_logging:
            logs.install(self.settings, self.lines)
        loop.call_later(_TICK_SECONDS, self._tick, loop, time.perf_counter() + _TICK_SECONDS)

    def _open(self) -> None:
        """In the process that serves: meet the other workers, and answer on the second port."""
        from fairway_runtime.workers import folder_for

        settings = self.settings
        try:
            folder = folder_for(settings.metrics_folder)
            if folder is not None:
                from fairway_runtime.workers import Workers

                workers = Workers(folder, self.registry.render)
                workers.start()
                self.registry.together = workers.render
            if settings.probe_port:
                from fairway_runtime.probe_port import ProbePort

                readiness = Readiness(settings)
                probes = Probes(settings, self.lifecycle, readiness, self.registry)
                ProbePort(probes, self.lifecycle, settings.host, settings.probe_port).start()
        except OSError as error:  # the app is worth more than what watches it
            fields = {"operation": "start", "success": False, "error": str(error)}
            self.lines.write("ERROR", None, fields)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Ten times a second: how late is the loop, and which requests have run out of time."""
        if loop is not self._loop:
            return
        now = time.perf_counter()
        self.lifecycle.ticked_at = now
        self._lag.observe(now, due)
        self.lifecycle.expire(now)
        loop.call_later(_TICK_SECONDS, self._tick, loop, now + _TICK_SECONDS)

    def _collect(self) -> Iterator[str]:
        lifecycle = self.lifecycle
        in_flight, open_sockets = len(lifecycle.in_flight), len(lifecycle.websockets)
        yield from family(
            contract.IN_FLIGHT_METRIC, "gauge", "Requests being answered.", [((), in_flight)]
        )
        yield from family(
            contract.WEBSOCKETS_METRIC, "gauge", "WebSockets open.", [((), open_sockets)]
        )
        lost = self.lines.writer.lost
        yield from family(
            contract.LOST_LINES_METRIC, "counter", "Log lines that nobody read.", [((), lost)]
        )


def _is_upload(scope: Scope) -> bool:
    """Whether Streamlit takes this body, which has a limit of its own (server.maxUploadSize)."""
    path: str = scope["path"]
    return path.startswith(_UPLOADS)
