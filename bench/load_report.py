"""From the load generator's records to figures: percentiles and failures by second and phase.

Pure. A latency counts from the moment at which the request was *meant* to be sent, so a server
that stalls cannot hide the requests that it held up (no coordinated omission). Percentiles are
of the requests that succeeded, by nearest rank; failures are counted by kind, never averaged in.
"""

import json
import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["KINDS", "OK", "Mark", "Records", "Report", "Window", "percentile", "report"]

# What became of a request; the number is what the records hold.
KINDS = (
    "ok",  # a status below 400, complete, with the expected body
    "refused",  # no connection: refused
    "unreachable",  # no connection: anything else
    "reset",  # the connection was reset before the response was complete
    "closed",  # the connection was closed before any of the response came
    "timeout",  # not complete in time, counted from when it was meant to be sent
    "short_body",  # the connection was closed inside the response
    "wrong_body",  # complete, without the bytes that it had to hold
    "malformed",  # not HTTP
    "status_4xx",
    "status_5xx",
)
OK = 0


@dataclass(frozen=True, slots=True)
class Records:
    """One entry a request, in the order of their ends; times in seconds, `start` monotonic."""

    start: float
    cpu_seconds: float
    intended: "array[float]" = field(default_factory=lambda: array("d"))  # after `start`
    latency: "array[float]" = field(default_factory=lambda: array("d"))
    lag: "array[float]" = field(default_factory=lambda: array("d"))  # how late we sent it
    kinds: bytearray = field(default_factory=bytearray)

    def to_bytes(self) -> bytes:
        """A line of JSON, then the arrays."""
        head = {"start": self.start, "cpu_seconds": self.cpu_seconds, "count": len(self.kinds)}
        columns = (self.intended.tobytes(), self.latency.tobytes(), self.lag.tobytes())
        return json.dumps(head).encode() + b"\n" + b"".join(columns) + bytes(self.kinds)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Records":
        """The inverse of `to_bytes`; raises ValueError where bytes are missing."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        count = int(head["count"])
        if len(rest) != count * 25:
            raise ValueError("the records are cut short")
        columns = [array("d"), array("d"), array("d")]
        for place, column in enumerate(columns):
            column.frombytes(rest[place * count * 8 : (place + 1) * count * 8])
        kinds = bytearray(rest[count * 24 :])
        return cls(head["start"], head["cpu_seconds"], columns[0], columns[1], columns[2], kinds)


@dataclass(frozen=True, slots=True)
class Mark:
    """From `at_seconds` (monotonic) on, requests belong to the phase `name`."""

    name: str
    at_seconds: float


@dataclass(frozen=True, slots=True)
class Window:
    """The requests that were meant to be sent in one stretch of time, or in several of one name.

    Percentiles are milliseconds, NaN where no request succeeded.
    """

    name: str
    start_seconds: float  # after the load's start
    seconds: float
    sent: int
    failures: Mapping[str, int]
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def rate(self) -> float:
        """Requests a second that succeeded."""
        return (self.sent - self.failed) / self.seconds if self.seconds > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Report:
    """A whole load. `lag_p99_ms` and the CPU say whether the generator itself kept up.

    `websocket` tells what happened to the held WebSocket: seconds after the start, and what.
    """

    total: Window
    phases: tuple[Window, ...]
    seconds: tuple[Window, ...]
    lag_p99_ms: float
    cpu_microseconds_per_request: float
    websocket: tuple[tuple[float, str], ...] = ()

    def phase(self, name: str) -> Window:
        """The phase of that name; KeyError where there was none."""
        for window in self.phases:
            if window.name == name:
                return window
        raise KeyError(name)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values: NaN of none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def report(
    records: Records,
    marks: Sequence[Mark] = (),
    websocket: tuple[tuple[float, str], ...] = (),
) -> Report:
    """The figures. What is sent before the first mark is the phase `before`.

    Marks of one name make one phase, of all that was sent while it lasted.
    """
    order = sorted(range(len(records.kinds)), key=records.intended.__getitem__)
    end = records.intended[order[-1]] if order else 0.0
    bounds = [("before", 0.0)]
    bounds += [(mark.name, max(0.0, mark.at_seconds - records.start)) for mark in marks]
    seconds = [
        (str(second), float(second)) for second in range(math.floor(end) + 1 if order else 0)
    ]
    sent = max(1, len(order))
    return Report(
        total=_windows(records, order, [("total", 0.0)], end)[0],
        phases=tuple(_windows(records, order, bounds, end)),
        seconds=tuple(_windows(records, order, seconds, end)),
        lag_p99_ms=1000 * percentile(sorted(records.lag), 0.99),
        cpu_microseconds_per_request=1e6 * records.cpu_seconds / sent,
        websocket=websocket,
    )


def _windows(
    records: Records, order: Sequence[int], bounds: Sequence[tuple[str, float]], end: float
) -> list[Window]:
    """One window a name, of its bounds up to the next ones; `order` sorts by intended time."""
    members: dict[str, list[int]] = {}
    starts: dict[str, float] = {}
    lasted: dict[str, float] = {}
    at = 0
    for place, (name, start) in enumerate(bounds):
        is_last = place + 1 == len(bounds)
        stop = max(start, end) if is_last else bounds[place + 1][1]
        first = at
        while at < len(order) and (is_last or records.intended[order[at]] < stop):
            at += 1
        members.setdefault(name, []).extend(order[first:at])
        starts.setdefault(name, start)
        lasted[name] = lasted.get(name, 0.0) + stop - start
    return [_window(records, members[name], name, starts[name], lasted[name]) for name in members]


def _window(
    records: Records, members: Sequence[int], name: str, start: float, seconds: float
) -> Window:
    latencies = sorted(records.latency[i] for i in members if records.kinds[i] == OK)
    failures = Counter(KINDS[records.kinds[i]] for i in members if records.kinds[i] != OK)

    def milliseconds(share: float) -> float:
        return 1000 * percentile(latencies, share)

    return Window(
        name=name,
        start_seconds=start,
        seconds=seconds,
        sent=len(members),
        failures=dict(sorted(failures.items())),
        p50_ms=milliseconds(0.50),
        p90_ms=milliseconds(0.90),
        p95_ms=milliseconds(0.95),
        p99_ms=milliseconds(0.99),
        p999_ms=milliseconds(0.999),
        max_ms=milliseconds(1.0),
    )
