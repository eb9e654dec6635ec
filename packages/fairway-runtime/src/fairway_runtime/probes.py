"""The four paths that a platform asks: /health, /ready, /startup, /metrics (R155-R158, R166).

They are answered before the app sees the request, so no catch-all page of it can shadow them and
no error of it can break them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from fairway_runtime import contract
from fairway_runtime.asgi import Message, Scope, Send
from fairway_runtime.checks import Outcome, check
from fairway_runtime.clients import header
from fairway_runtime.lifecycle import Lifecycle, Phase
from fairway_runtime.lines import encode
from fairway_runtime.metrics import Registry
from fairway_runtime.settings import Dependency, Settings

__all__ = ["Probes", "Readiness"]

_FRESH_SECONDS = 1.0
_MISSING_SECONDS = 0.1  # one that does not answer may be back at any moment, or just start
_JSON = b"application/json"

Check = Callable[[Dependency, float], Awaitable[Outcome]]


class Readiness:
    """What the dependencies said, asked in parallel, at most once a second, by one asker.

    Probes that arrive while one is asking wait for its answer: a crowd of them costs a dependency
    one conversation.
    """

    def __init__(self, settings: Settings, ask: Check = check) -> None:
        self._dependencies = settings.dependencies
        self._seconds = settings.check_seconds
        self._ask = ask
        self._asking: asyncio.Task[Mapping[str, Outcome]] | None = None
        self._said: Mapping[str, Outcome] = {}
        self._fresh_until = 0.0
        self._optional = {each.name for each in settings.dependencies if each.is_optional}
        self._was_ready = False

    def is_enough(self, outcomes: Mapping[str, Outcome]) -> bool:
        """Whether the app can serve: everything at first, later without what is optional."""
        if all(outcome.is_ready for outcome in outcomes.values()):
            self._was_ready = True
            return True
        missing = {name for name, outcome in outcomes.items() if not outcome.is_ready}
        return self._was_ready and missing <= self._optional

    async def outcomes(self) -> Mapping[str, Outcome]:
        """Each dependency's state, no older than a second, within the checks' own deadline.

        One that was missing is asked again after a tenth of that.
        """
        if not self._dependencies or time.perf_counter() < self._fresh_until:
            return self._said
        asking = self._asking
        if asking is None or asking.done() or asking.get_loop() is not asyncio.get_running_loop():
            asking = self._asking = asyncio.create_task(self._ask_all())
        return await asyncio.shield(asking)  # a prober that hangs up takes nobody's answer away

    async def _ask_all(self) -> Mapping[str, Outcome]:
        outcomes = await asyncio.gather(
            *(self._ask(dependency, self._seconds) for dependency in self._dependencies)
        )
        names = (dependency.name for dependency in self._dependencies)
        self._said = dict(zip(names, outcomes, strict=True))
        are_ready = all(each.is_ready for each in outcomes)
        seconds = _FRESH_SECONDS if are_ready else _MISSING_SECONDS
        self._fresh_until = time.perf_counter() + seconds
        return self._said


class Probes:
    """Answers the four paths; `paths` says which they are."""

    paths = frozenset(
        (contract.HEALTH_PATH, contract.READY_PATH, contract.STARTUP_PATH, contract.METRICS_PATH)
    )

    def __init__(
        self, settings: Settings, lifecycle: Lifecycle, readiness: Readiness, registry: Registry
    ) -> None:
        who = {
            "service": settings.service,
            "revision": settings.revision,
            "replica": settings.replica,
        }
        known = {name: value for name, value in who.items() if value}
        self._alive = encode({"status": "alive", **known})
        self._lifecycle = lifecycle
        self._readiness = readiness
        self._registry = registry

    async def answer(self, path: str, scope: Scope, send: Send) -> None:
        """Answer `path`, which is one of `paths`."""
        if scope["method"] not in ("GET", "HEAD"):
            await _send(scope, send, 405, b'{"status":"method not allowed"}', _JSON)
        elif path == contract.HEALTH_PATH:
            await _send(scope, send, 200, self._alive, _JSON)
        elif path == contract.READY_PATH:
            await self._ready(scope, send)
        elif path == contract.STARTUP_PATH:
            await self._startup(scope, send)
        else:
            text, kind = self._registry.answer(header(scope, b"accept").decode("latin-1"))
            await _send(scope, send, 200, text, kind)

    async def _ready(self, scope: Scope, send: Send) -> None:
        """200 when dependencies answer, startup is complete, and no drain has begun."""
        reason = self._reason()
        if reason:
            body = encode({"status": "not ready", "reason": reason})
            await _send(scope, send, 503, body, _JSON)
            return
        outcomes = await self._readiness.outcomes()
        reason = self._reason()  # the drain may have begun while the dependencies were asked
        is_ready = not reason and self._readiness.is_enough(outcomes)
        shown: dict[str, object] = {"status": "ready" if is_ready else "not ready"}
        if reason:
            shown["reason"] = reason
        shown["checks"] = {name: outcome.as_json() for name, outcome in outcomes.items()}
        await _send(scope, send, 200 if is_ready else 503, encode(shown), _JSON)

    async def _startup(self, scope: Scope, send: Send) -> None:
        """200 once startup is complete, and from then on (R157)."""
        phase = self._lifecycle.phase
        if phase in (Phase.STARTING, Phase.FAILED):
            await _send(scope, send, 503, encode({"status": phase.value}), _JSON)
        else:
            await _send(scope, send, 200, b'{"status":"started"}', _JSON)

    def _reason(self) -> str:
        if self._lifecycle.is_draining:
            return "draining"
        return "" if self._lifecycle.has_started else self._lifecycle.phase.value


async def _send(scope: Scope, send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
