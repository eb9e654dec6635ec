"""`Fairway(app)`: one ASGI layer that gives an app production behaviour, without a change to it.

The place where probes, request ids, logs, metrics, limits and drain meet; each lives in a module
of its own. It passes the app's messages through untouched and unbuffered, and it raises what the
app raised.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator, Mapping
from functools import lru_cache
from threading import get_ident
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
from fairway_runtime.security import PREFLIGHT, Common, Cors, Security, origin_in
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
_FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))
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
        self._common = lru_cache(1024)(self._common_of)  # strangers may invent origins
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
        # A server's: puts into a scope what a proxy that it trusts has said of the client.
        self.believe: App | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0  # that runs it
        self.registry.register(self.requests.collect)
        self.registry.register(self._collect)
        self.registry.register(self._lag.collect)
        self.registry.register(process_metrics)
        self.registry.register(roll.collect)
        self.registry.register(business.collect)
        readiness = Readiness(self.settings)
        self._probes = Probes(self.settings, self.lifecycle, readiness, self.registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.dispatch(scope, receive, send)

    def dispatch(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """What the app is, without a coroutine around it: for a server that needs none."""
        # The task is asked of the loop that is known already: to ask which one runs is, before
        # Python 3.12, a system call. Another thread has a loop of its own.
        task = asyncio.current_task(self._loop) if get_ident() == self._thread else None
        if task is None:
            task = self._meet()
        if _INSIDE in scope:  # of another Fairway, which does it all: installed, and run by ours
            return self.app(scope, receive, send)
        scope[_INSIDE] = True
        kind: str = scope["type"]
        if kind == "http":
            path: str = scope["path"]
            root: str = scope.get("root_path", "")
            if root:
                path = path.removeprefix(root)
            if path in Probes.paths:
                return self._probes.answer(path, scope, send)
            return self._serve(scope, receive, send, task)
        if kind == "websocket":
            return serve_websocket(self, scope, receive, send)
        if kind == "lifespan":
            return self._live(scope, receive, send)
        return self.app(scope, receive, send)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, task: "asyncio.Task[object] | None"
    ) -> None:
        """One request, from its id to its log line."""
        found = _by_name(scope["headers"])
        if self.believe is not None and not _FORWARDED.isdisjoint(found):
            await self.believe(scope, receive, send)
        context = self.context_of(found)
        enter(context)
        exchange = Exchange(self, scope, send, context, task)
        refusal = self._judge(exchange, found)
        if refusal is None and self._shared is not None:
            refusal = await _asked(self._shared, exchange)
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        bounded = self._bounded(exchange, receive, found)
        if bounded is None:
            await exchange.refuse(TOO_LARGE, receive)
            return
        # Whatever becomes of the app's part, the request is answered, counted and logged.
        in_flight = self.lifecycle.in_flight
        in_flight[exchange] = None
        try:
            await self.app(scope, bounded, exchange.send)
        except asyncio.CancelledError:
            if exchange.refusal is None:  # the server's own doing: its client went away
                exchange.status = exchange.status or 499
                raise
        except Exception as error:
            if exchange.refusal is None:
                self.errors.report(error, context, scope, exchange.operation())
                exchange.refusal = refusal_of(error)
                raise
        finally:
            del in_flight[exchange]
            if exchange.refusal is not None or not exchange.is_finished:
                await exchange.end()

    def context_of(self, found: Mapping[bytes, bytes]) -> RequestContext:
        """The id and the trace that came among the headers; new ones where none came."""
        identity = found.get(_ID_HEADER)
        context = RequestContext((identity and sane_id(identity)) or new_id())
        if self.tracer.sink is not None or b"traceparent" in found:
            given = found.get(b"traceparent", b""), found.get(b"tracestate", b"")
            context.trace = self.tracer.begin(*given)
        return context

    def _bounded(
        self, exchange: Exchange, receive: Receive, found: dict[bytes, bytes]
    ) -> Receive | None:
        """`receive` for a body within the limit; None where it is announced to be beyond it."""
        most, scope = self._body_bytes, exchange.scope
        length = found.get(b"content-length")
        if length is not None and length.isdigit():  # the server holds the body to it
            return None if most and int(length) > most and not _is_upload(scope) else receive
        if most and (b"transfer-encoding" in found or not is_http_1(scope)):
            return receive if _is_upload(scope) else Limited(exchange, receive, most, TOO_LARGE)
        return receive

    def _judge(self, exchange: Exchange, found: dict[bytes, bytes]) -> Refusal | None:
        """Whether the request may pass, as far as this process knows; its answer's headers."""
        scope = exchange.scope
        # `x-forwarded-proto` may be anybody's invention: browsers ignore HSTS on plain HTTP.
        is_secure = scope.get("scheme") == "https" or found.get(b"x-forwarded-proto") == b"https"
        origin = None if self._cors is None else origin_in(found)
        exchange.common = self._common(is_secure, origin)
        if self._cors is not None and scope["method"] == "OPTIONS" and found.keys() >= _PREFLIGHT:
            answer = [*self.security.headers(is_secure), *self._cors.preflight(found)]
            exchange.common = Common(answer, b"")  # no app begins it: nobody asks for its lines
            return PREFLIGHT
        if not self.lifecycle.has_started:
            return NOT_STARTED
        limiter = self._local
        if limiter is None:
            return None
        exchange.said, refusal = limiter.judge(scope, found.get(b"x-forwarded-for", b""))
        return refusal

    def _common_of(self, is_secure: bool, origin: bytes | None) -> Common:  # noqa: FBT001 (a key)
        """Of all answers to an origin's pages, or to no page (None)."""
        headers = self.security.headers(is_secure)
        return Common.of(headers if self._cors is None else [*headers, *self._cors.headers(origin)])

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

    def _meet(self) -> "asyncio.Task[object] | None":
        """The task that runs, on a loop that may be new; a server may do without tasks."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._attach(loop)
        return asyncio.current_task(loop)

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """The first request on a loop: begin to watch it."""
        if self._loop is None:
            self._open()
        self._loop = loop
        self._thread = get_ident()
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


async def _asked(limiter: "Limiter", exchange: Exchange) -> Refusal | None:
    """What a limiter says that all replicas share."""
    if not limiter.counts(exchange.scope):
        return None
    taken = await limiter.take(exchange.scope)
    exchange.said = limiter.headers(taken)
    return None if taken.is_allowed else limiter.refusal(taken)


def _by_name(headers: Headers) -> dict[bytes, bytes]:
    """One that comes twice is one with a comma, as HTTP says."""
    found = dict(headers)
    if len(found) < len(headers):
        found.clear()
        for name, value in headers:
            found[name] = b"%b,%b" % (found[name], value) if name in found else value
    return found


def _is_upload(scope: Scope) -> bool:
    """Whether Streamlit takes this body, which has a limit of its own (server.maxUploadSize)."""
    path: str = scope["path"]
    return path.startswith(_UPLOADS)
