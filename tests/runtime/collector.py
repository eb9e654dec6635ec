"""A small OpenTelemetry collector: takes OTLP over HTTP on loopback, and checks what it takes.

It knows the protocol from its definition (opentelemetry-proto 1.x, trace.proto and the JSON rules
of the OTLP specification), not from our sender.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["Collector", "Received"]

_ID = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
_KINDS = {1: "internal", 2: "server"}


@dataclass(frozen=True, slots=True)
class Received:
    """One span, decoded."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, object]
    resource: Mapping[str, object]
    is_error: bool
    state: str

    @property
    def milliseconds(self) -> float:
        return (self.ended_ns - self.began_ns) / 1e6


@dataclass
class Collector:
    """`answers` are the statuses to give, in turn; then 200. Use as a context manager."""

    answers: list[int] = field(default_factory=list)
    spans: list[Received] = field(default_factory=list)
    requests: list[Mapping[str, str]] = field(default_factory=list)  # their headers
    faults: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = collector.take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as inherited)
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def named(self, name: str) -> Received:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        self.requests.append(headers)
        status = self.answers.pop(0) if self.answers else 200
        if status != 200:
            return status
        try:
            assert path == "/v1/traces", path
            assert headers["content-type"] == "application/json", headers
            for group in json.loads(body)["resourceSpans"]:
                resource = _attributes(group["resource"]["attributes"])
                for scope in group["scopeSpans"]:
                    self.spans += [_span(one, resource) for one in scope["spans"]]
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            self.faults.append(repr(error))
            return 400
        return 200


def _span(span: dict[str, Any], resource: Mapping[str, object]) -> Received:
    known = {"name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}
    assert span.keys() <= known | _ID.keys() | {"traceState"}, span.keys()
    for name, length in _ID.items():
        assert name not in span or re.fullmatch(f"[0-9a-f]{{{length}}}", span[name]), span[name]
    for name in ("startTimeUnixNano", "endTimeUnixNano"):
        assert isinstance(span[name], str)
        assert span[name].isdigit()
    return Received(
        name=span["name"],
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId", ""),
        kind=_KINDS[span["kind"]],
        began_ns=int(span["startTimeUnixNano"]),
        ended_ns=int(span["endTimeUnixNano"]),
        attributes=_attributes(span["attributes"]),
        resource=resource,
        is_error=span.get("status", {}).get("code") == 2,
        state=span.get("traceState", ""),
    )


def _attributes(pairs: list[dict[str, Any]]) -> dict[str, object]:
    return {pair["key"]: _value(pair["value"]) for pair in pairs}


def _value(value: dict[str, Any]) -> object:
    ((kind, inner),) = value.items()
    if kind == "intValue":
        assert isinstance(inner, str)
        return int(inner)
    assert isinstance(inner, {"stringValue": str, "boolValue": bool, "doubleValue": float}[kind])
    return inner
