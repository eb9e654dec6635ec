"""Prometheus metrics of requests and of the process (R166), in a registry of our own.

Requests are counted by method, route template and status; both names are bounded, so that
whatever a stranger asks for, the number of series stays small. Thread-safe.
"""

import re
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from fairway_runtime import contract
from fairway_runtime.lines import encode

__all__ = [
    "BOUNDS",
    "CONTENT_TYPE",
    "OPENMETRICS_TYPE",
    "Labels",
    "Registry",
    "RequestMetrics",
    "Series",
    "family",
    "histogram",
    "openmetrics",
]

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
_WHOLE_BOUND = re.compile(r'\ble="(\d+)"')

# Steps of two at most up to 3 s, so that a release is judged by where its answers really lie.
BOUNDS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15),
    *(0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0),
)
_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)
_MOST_ROUTES = 500
_TOGETHER = 64

Labels = tuple[tuple[str, str], ...]


class Registry:
    """Who has metrics to tell: functions that give lines of Prometheus text.

    `together` replaces what `render` gives where several workers have to be asked.
    """

    def __init__(self) -> None:
        self._collectors: list[Callable[[], Iterable[str]]] = []
        self.together: Callable[[], bytes] | None = None

    def register(self, collector: Callable[[], Iterable[str]]) -> None:
        self._collectors.append(collector)

    def answer(self, accept: str) -> tuple[bytes, bytes]:
        """The metrics and their content type, for a request that accepts `accept`."""
        text = (self.together or self.render)()
        if "application/openmetrics-text" in accept.lower():
            return openmetrics(text), OPENMETRICS_TYPE
        return text, CONTENT_TYPE

    def render(self) -> bytes:
        """Everything this process has to tell, in Prometheus's text format 0.0.4."""
        lines = [line for collector in tuple(self._collectors) for line in collector()]
        return "\n".join([*lines, ""]).encode()


def family(
    name: str, kind: str, about: str, samples: Iterable[tuple[Labels, float]]
) -> Iterator[str]:
    """One metric with its samples as Prometheus text; `kind` is `counter` or `gauge`."""
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield sample(name, labels, value)


def openmetrics(text: bytes) -> bytes:
    """Prometheus text as OpenMetrics 1.0.

    Its counters are families without `_total`, its bounds are floats, and it has an end.
    """
    lines: list[str] = []
    for line in text.decode().splitlines():
        if line.startswith("# "):
            mark, name, rest = line[2:].split(" ", 2)
            lines.append(f"# {mark} {name.removesuffix('_total')} {rest}")
        elif 'le="' in line:
            lines.append(_WHOLE_BOUND.sub(r'le="\1.0"', line, count=1))
        else:
            lines.append(line)
    return "\n".join([*lines, "# EOF", ""]).encode()


def sample(name: str, labels: Labels, value: float) -> str:
    """One line of Prometheus text."""
    text = str(value) if isinstance(value, int) else repr(float(value))
    if not labels:
        return f"{name} {text}"
    inside = ",".join(f'{label}="{_escaped(of)}"' for label, of in labels)
    return f"{name}{{{inside}}} {text}"


class Series:
    """Requests of one method, route and status: how many, and how long they took.

    Latencies wait for each other: counted `_TOGETHER` at a time they cost a request a third.
    """

    __slots__ = (
        "_lock",
        "_waiting",
        "buckets",
        "method",
        "method_json",
        "operation_json",
        "route",
        "seconds",
    )

    def __init__(self, method: str, route: str, lock: threading.Lock) -> None:
        self._lock = lock
        self._waiting: deque[float] = deque()
        self.method = method
        self.route = route
        self.method_json = encode(method).decode()
        self.operation_json = encode(f"{method} {route}").decode()
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        waiting = self._waiting
        waiting.append(seconds)
        if len(waiting) >= _TOGETHER:
            with self._lock:
                self.settle()

    def settle(self) -> None:
        """Count what waits; whoever calls holds the lock."""
        waiting, buckets = self._waiting, self.buckets
        while waiting:
            seconds = waiting.popleft()
            buckets[bisect_left(BOUNDS, seconds)] += 1
            self.seconds += seconds


class RequestMetrics:
    """Counts requests; `series` finds where one belongs, `observe` on it counts it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[tuple[str, str, int], Series] = {}
        self._routes: set[str] = set()

    def series(self, method: str, route: str, status: int) -> Series:
        """Where a request is counted: unknown methods and routes beyond the bound are `other`."""
        found = self._series.get((method, route, status))
        return self._add(method, route, status) if found is None else found

    def collect(self) -> Iterator[str]:
        """Requests by status, errors and latency by route."""
        with self._lock:
            for series in self._series.values():
                series.settle()
            rows = [
                (method, route, status, tuple(series.buckets), series.seconds)
                for (method, route, status), series in sorted(self._series.items())
            ]
        requests: list[tuple[Labels, float]] = []
        errors: dict[Labels, int] = {}
        latency: dict[Labels, tuple[tuple[int, ...], float]] = {}
        for method, route, status, buckets, seconds in rows:
            labels: Labels = (("method", method), ("route", route))
            requests.append(((*labels, ("status", str(status))), sum(buckets)))
            errors[labels] = errors.get(labels, 0) + (sum(buckets) if status >= 500 else 0)
            before, total = latency.get(labels, ((0,) * len(buckets), 0.0))
            summed = tuple(one + other for one, other in zip(before, buckets, strict=True))
            latency[labels] = (summed, total + seconds)
        yield from family(contract.REQUESTS_METRIC, "counter", "Requests answered.", requests)
        yield from family(
            contract.ERRORS_METRIC, "counter", "Answers of 500 and above.", errors.items()
        )
        about = "Seconds from a request's first byte to its answer's last."
        yield from histogram(contract.DURATION_METRIC, about, latency)

    def _add(self, method: str, route: str, status: int) -> Series:
        method = method if method in _METHODS else contract.OTHER_LABEL
        status = status if 100 <= status <= 599 else 500
        with self._lock:
            if route not in self._routes:
                if len(self._routes) >= _MOST_ROUTES:
                    route = contract.OTHER_LABEL
                self._routes.add(route)
            key = (method, route, status)
            return self._series.setdefault(key, Series(method, route, self._lock))


def histogram(
    name: str, about: str, latency: Mapping[Labels, tuple[tuple[int, ...], float]]
) -> Iterator[str]:
    """One histogram as Prometheus text: counts for each of `BOUNDS` and beyond, and their sum."""
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} histogram"
    for labels, (buckets, seconds) in latency.items():
        reached = 0
        for bound, count in zip((*BOUNDS, float("inf")), buckets, strict=True):
            reached += count
            least = "+Inf" if bound == float("inf") else f"{bound:g}"
            yield sample(f"{name}_bucket", (*labels, ("le", least)), reached)
        yield sample(f"{name}_sum", labels, seconds)
        yield sample(f"{name}_count", labels, reached)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
