"""Traces: W3C trace context in and out, and nested spans (R184-R186).

A request belongs to the trace that its `traceparent` names, or to a new one; `operation` makes
spans below it. A trace that is not sampled still has ids: they stand on its log lines and go out
with `outgoing_headers`. Finished spans are handed to a `Sink`; nothing here sends anything.
"""

import os
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from random import getrandbits
from typing import TYPE_CHECKING, NamedTuple, Protocol

from fairway_runtime import contract
from fairway_runtime.context import current

if TYPE_CHECKING:
    from fairway_runtime.settings import Settings

__all__ = [
    "Place",
    "Sink",
    "Span",
    "Trace",
    "Tracer",
    "install",
    "outgoing_headers",
    "parse_traceparent",
    "place",
    "tracer",
    "tracer_of",
]

# https://www.w3.org/TR/trace-context/#traceparent-header: lower case, neither id all zeros.
_TRACEPARENT = re.compile(
    rb"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z"
)
_STATE = re.compile(rb"[\x20-\x7e]{1,512}\Z")
_NOT_ZERO = 1 << 191 | 1 << 127  # neither the span's id, in front, nor the trace's, which is last
_RATIO_BITS = 56  # of the trace id that chance decides by: W3C level 2 says these are random


class Parent(NamedTuple):
    """What a `traceparent` says."""

    trace_id: str
    span_id: str
    is_sampled: bool


class Span(NamedTuple):
    """One finished piece of work; times are nanoseconds since the epoch.

    `error` is empty when it went well. `is_server` is true of a request's own span.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    state: str
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, object]
    error: str = ""
    is_server: bool = False


class Sink(Protocol):
    """Takes finished spans; `add` never blocks and never raises."""

    def add(self, span: Span) -> None: ...

    def flush(self) -> bool:
        """Let go of what waits, within bounds of its own; may block."""
        ...


class Trace:
    """One request's part of a trace: its ids, and where its spans go.

    `span_id` is the request's own span and `parent_id` the caller's, or "". All times of one trace
    come from one clock that never jumps, so a child never ends after its parent.
    """

    __slots__ = ("_offset", "id", "is_sampled", "parent_id", "sink", "span_id", "state")

    def __init__(
        self,
        ids: tuple[str, str],
        parent_id: str,
        state: str,
        *,
        is_sampled: bool,
        sink: Sink | None,
    ) -> None:
        self.id, self.span_id = ids
        self.parent_id = parent_id
        self.state = state
        self.is_sampled = is_sampled
        self.sink = sink
        self._offset = time.time() - time.perf_counter() if is_sampled else 0.0

    @property
    def is_recorded(self) -> bool:
        return self.is_sampled and self.sink is not None

    def record(
        self,
        name: str,
        ids: tuple[str, str],
        times: tuple[float, float],
        attributes: Mapping[str, object],
        *,
        error: str = "",
        is_server: bool = False,
    ) -> None:
        """Hand over a span: its own id and its parent's, its `time.perf_counter()`s."""
        if self.sink is not None and self.is_sampled:
            offset = self._offset
            self.sink.add(
                Span(
                    name,
                    self.id,
                    *ids,
                    self.state,
                    int((times[0] + offset) * 1e9),
                    int((times[1] + offset) * 1e9),
                    attributes,
                    error,
                    is_server,
                )
            )


class Place(NamedTuple):
    """Where in a trace the code that runs now is: inside of which operation."""

    trace: Trace
    span_id: str


class Tracer:
    """Begins traces. `ratio` of those that bring no decision are sampled; without a sink, none."""

    __slots__ = ("_bound", "sink")

    def __init__(self, ratio: float = 0.0, sink: Sink | None = None) -> None:
        self._bound = round(ratio * 2**_RATIO_BITS)
        self.sink = sink

    def begin(self, traceparent: bytes = b"", tracestate: bytes = b"") -> Trace:
        """The trace of a request that came with these headers."""
        parent = parse_traceparent(traceparent) if traceparent else None
        if parent is None:
            number = getrandbits(192) | _NOT_ZERO
            text = number.to_bytes(24, "big").hex()
            is_sampled = self.sink is not None and number % 2**_RATIO_BITS < self._bound
            ids = text[16:], text[:16]
            return Trace(ids, "", "", is_sampled=is_sampled, sink=self.sink)
        state = tracestate.decode() if _STATE.match(tracestate) else ""
        ids = parent.trace_id, (getrandbits(64) or 1).to_bytes(8, "big").hex()
        return Trace(ids, parent.span_id, state, is_sampled=parent.is_sampled, sink=self.sink)


def parse_traceparent(value: bytes) -> Parent | None:
    """What `value` says; None where it is not what the recommendation allows."""
    match = _TRACEPARENT.match(value)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == b"ff" or (more is not None and version == b"00"):
        return None
    return Parent(trace_id.decode(), span_id.decode(), int(flags, 16) & 1 == 1)


_place: ContextVar[Place | None] = ContextVar("fairway_place", default=None)


def place() -> Place | None:
    """Where the calling code is; None outside of every trace.

    A place that was inherited from another request (its connection's task, say) does not count.
    """
    context, inner = current(), _place.get()
    if context is None:
        return inner
    trace = context.trace
    if trace is None:
        return None
    return inner if inner is not None and inner.trace is trace else Place(trace, trace.span_id)


enter = _place.set
leave = _place.reset


def outgoing_headers() -> dict[str, str]:
    """What a call to another service should carry, so that its lines and spans join ours.

    `httpx.get(url, headers=outgoing_headers())`: the request's id and its trace context. A trace
    that we do not record is passed on as it came.
    """
    context, here = current(), place()
    headers = {} if context is None else {contract.CORRELATION_HEADER: context.correlation_id}
    if here is None:
        return headers
    trace, span_id = here
    if trace.sink is None and trace.parent_id:
        span_id = trace.parent_id
    flags = "01" if trace.is_sampled else "00"
    headers[contract.TRACEPARENT_HEADER] = f"00-{trace.id}-{span_id}-{flags}"
    if trace.state:
        headers[contract.TRACESTATE_HEADER] = trace.state
    return headers


def tracer_of(settings: "Settings") -> Tracer:
    """The tracer that `settings` ask for."""
    if not settings.traces_url:
        return Tracer()
    from fairway_runtime.otlp import Exporter

    return Tracer(settings.trace_ratio, Exporter.of(settings))


_installed: list[Tracer] = []  # one a process: `operation` outside of requests begins traces too


def install(one: Tracer) -> None:
    """Let operations outside of requests use `one`."""
    _installed[:] = [one]


def tracer() -> Tracer:
    """This process's tracer: the one installed, or such as the environment asks for."""
    if not _installed:
        from fairway_runtime.settings import Settings, SettingsError

        try:
            settings = Settings.from_environment(os.environ)
        except SettingsError:  # whoever serves the app tells; a line of work goes on
            settings = Settings()
        _installed.append(tracer_of(settings))
    return _installed[0]
