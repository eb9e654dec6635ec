"""Sends spans to an OpenTelemetry collector: OTLP over HTTP, as JSON, from a thread of its own.

Nothing waits for it and nothing fails because of it. Spans wait in a bounded queue; what does not
fit, and what the collector does not take, is dropped and counted. The thread starts with the first
span. Written here rather than taken from `opentelemetry-exporter-otlp-proto-http` because that
brings a dozen packages into the app: docs/runtime/traces.md has the measured cost of both.
"""

import atexit
import http.client
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fairway_runtime import __version__
from fairway_runtime.figures import Figure, roll
from fairway_runtime.lines import encode
from fairway_runtime.traces import Span

if TYPE_CHECKING:
    from fairway_runtime.settings import Settings

__all__ = ["Exporter", "document"]

_MOST_WAITING = 8192  # spans: about 4 MB
_BATCH = 512
_EVERY_SECONDS = 1.0
_SEND_SECONDS = 5.0
_FLUSH_SECONDS = 2.0
_ATTEMPTS = 3
_AGAIN = frozenset((429, 502, 503, 504))  # what OTLP says may be sent again
_SERVER, _INTERNAL, _ERROR = 2, 1, 2  # numbers of span kinds and of the status, in OTLP


class Exporter:
    """A bounded queue and its thread. `add` takes about a microsecond, whatever the collector does.

    `resource` says who sends: `service.name` and the like.
    """

    def __init__(
        self,
        url: str,
        resource: Mapping[str, str],
        headers: Sequence[tuple[str, str]] = (),
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._url = urlsplit(url)
        self._resource = dict(resource)
        self._headers = {"content-type": "application/json", **dict(headers)}
        self._most_waiting = most_waiting
        self._connection: http.client.HTTPConnection | None = None
        self.sent = 0
        self.dropped = 0
        self._begin()
        roll.add(self)
        _exporters.add(self)

    @classmethod
    def of(cls, settings: "Settings") -> "Exporter":
        """The exporter that `settings` ask for."""
        resource = {
            "service.name": settings.service or "unknown_service",
            "service.version": settings.revision,
            "service.instance.id": settings.replica,
            "deployment.environment.name": settings.environment,
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "fairway-runtime",
            "telemetry.sdk.version": __version__,
        }
        known = {name: value for name, value in resource.items() if value}
        return cls(settings.traces_url, known, settings.traces_headers)

    def add(self, span: Span) -> None:
        """Queue `span`, or count it as dropped."""
        waiting = self._waiting
        if len(waiting) >= self._most_waiting:
            self.dropped += 1
            return
        waiting.append(span)
        if self._thread is None:
            self._start()
        elif len(waiting) >= _BATCH and not self._wake.is_set():
            self._wake.set()

    def flush(self, seconds: float = _FLUSH_SECONDS) -> bool:
        """Send what waits, for so many seconds at most; whether all is sent or dropped."""
        deadline = time.monotonic() + seconds
        while (self._waiting or self._is_busy) and self._thread is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._wake.set()
            self._idle.wait(min(left, 0.02))
        return True

    def figures(self) -> Iterator[Figure]:
        yield Figure("trace_spans_sent_total", "counter", "Spans delivered.", (), self.sent)
        yield Figure(
            "trace_spans_dropped_total",
            "counter",
            "Spans that the queue or the collector did not take.",
            (),
            self.dropped,
        )

    def _begin(self) -> None:
        """An empty queue without a thread: at first, and in a forked child."""
        self._waiting: deque[Span] = deque()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_busy = False
        self._connection = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="fairway-traces", daemon=True
                )
                self._thread.start()

    def _work(self) -> None:
        while True:
            self._wake.wait(_EVERY_SECONDS)
            self._wake.clear()
            self._is_busy = True
            while batch := self._take():
                try:
                    is_taken = self._deliver(encode(document(self._resource, batch)))
                except Exception:  # a fault of ours must not end the thread
                    is_taken = False
                if is_taken:
                    self.sent += len(batch)
                else:
                    self.dropped += len(batch)
            self._is_busy = False
            self._idle.set()

    def _take(self) -> list[Span]:
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(len(waiting), _BATCH))]

    def _deliver(self, body: bytes) -> bool:
        """Whether the collector took it; tried up to three times where that may help."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(0.1 * 2**attempt)
            try:
                status = self._post(body)
            except (OSError, http.client.HTTPException):
                self._hang_up()
                continue
            if status not in _AGAIN:
                return 200 <= status < 300
        return False

    def _post(self, body: bytes) -> int:
        connection = self._connection
        if connection is None:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else _PLAIN
            host, port = self._url.hostname or "", self._url.port
            connection = self._connection = kind(host, port, timeout=_SEND_SECONDS)
        path = self._url.path or "/"
        path += f"?{self._url.query}" if self._url.query else ""
        connection.request("POST", path, body, self._headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_PLAIN = http.client.HTTPConnection


def document(resource: Mapping[str, str], spans: Sequence[Span]) -> dict[str, object]:
    """`spans` as an ExportTraceServiceRequest in OTLP's JSON encoding (protocol 1.x)."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "fairway-runtime", "version": __version__},
                        "spans": [_span(one) for one in spans],
                    }
                ],
            }
        ]
    }


def _span(span: Span) -> dict[str, object]:
    written: dict[str, object] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": _SERVER if span.is_server else _INTERNAL,
        "startTimeUnixNano": str(span.began_ns),
        "endTimeUnixNano": str(span.ended_ns),
        "attributes": _attributes(span.attributes),
    }
    if span.parent_id:
        written["parentSpanId"] = span.parent_id
    if span.state:
        written["traceState"] = span.state
    if span.error:
        written["status"] = {"code": _ERROR, "message": span.error}
    return written


def _attributes(values: Mapping[str, object]) -> list[dict[str, object]]:
    return [
        {"key": name, "value": _value(value)} for name, value in values.items() if value is not None
    ]


def _value(value: object) -> dict[str, object]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}  # 64 bits do not fit JSON's numbers
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"stringValue": encode(value).decode()}


_exporters: "weakref.WeakSet[Exporter]" = weakref.WeakSet()


def _forget_parent() -> None:
    """A forked child has its parent's spans and no thread: it begins anew."""
    for one in list(_exporters):
        one._begin()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (the same module)


def _flush_all() -> None:
    for one in list(_exporters):
        one.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
atexit.register(_flush_all)
