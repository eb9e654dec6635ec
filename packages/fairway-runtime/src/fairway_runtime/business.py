"""The app's own metrics, one line each (R112, R170-R180).

    count("pdf_downloads_total")
    count("scenarios_total", 1000, model="normal")
    level("queue_length", 12)
    observe("simulation_seconds", 0.051)

They appear in `/metrics` beside the runtime's. Thread-safe. Each name keeps the kind of its first
use, and 100 combinations of labels; those beyond are told as `other`.
"""

import re
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator

from fairway_runtime.metrics import BOUNDS, Labels, family, histogram

__all__ = ["Business", "business", "count", "level", "observe"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_MOST_SERIES = 100
_MOST_NAMES = 500
_MOST_USERS = 100_000
_ACTIVE_SECONDS = 300.0  # who was seen in the last five minutes is active (R176)


class Business:
    """The app's numbers in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, str] = {}
        self._values: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, tuple[list[int], list[float]]]] = {}
        self._users: OrderedDict[str, float] = OrderedDict()

    def count(self, name: str, amount: float = 1, **labels: object) -> None:
        """Add to a counter, whose name ends in `_total`."""
        if not name.endswith("_total"):
            raise ValueError(f"{name!r}: a counter's name ends in _total")
        if not amount >= 0:
            raise ValueError(f"{name!r} only counts up, not by {amount}")
        with self._lock:
            values, key = self._series(name, "counter", labels)
            values[key] = values.get(key, 0) + amount

    def level(self, name: str, value: float, **labels: object) -> None:
        """Set a gauge."""
        with self._lock:
            values, key = self._series(name, "gauge", labels)
            values[key] = value

    def observe(self, name: str, value: float, **labels: object) -> None:
        """Add to a histogram, whose bounds are those of the requests: seconds, 1 ms to 60 s."""
        with self._lock:
            values, key = self._series(name, "histogram", labels)
            values.setdefault(key, 0)
            found = self._histograms.setdefault(name, {})
            buckets, total = found.setdefault(key, ([0] * (len(BOUNDS) + 1), [0.0]))
            buckets[bisect_left(BOUNDS, value)] += 1
            total[0] += value

    def saw(self, user: str) -> None:
        """A user did something just now."""
        users = self._users
        with self._lock:
            users[user] = time.monotonic()
            users.move_to_end(user)
            if len(users) > _MOST_USERS:
                users.popitem(last=False)

    def collect(self) -> Iterator[str]:
        """Everything as Prometheus text, sorted by name."""
        with self._lock:
            values = {name: sorted(of.items()) for name, of in sorted(self._values.items())}
            kinds = dict(self._kinds)
            long = {
                name: {key: (tuple(counts), total[0]) for key, (counts, total) in of.items()}
                for name, of in self._histograms.items()
            }
            active = self._active()
        for name, samples in values.items():
            if kinds[name] == "histogram":
                yield from histogram(name, "From the app.", long[name])
            else:
                yield from family(name, kinds[name], "From the app.", samples)
        if active:
            yield from family(
                "active_users", "gauge", "Users seen in the last five minutes.", [((), active)]
            )

    def _series(
        self, name: str, kind: str, labels: dict[str, object]
    ) -> tuple[dict[Labels, float], Labels]:
        known = self._kinds.get(name)
        if known is None:
            if not _NAME.match(name) or len(self._kinds) >= _MOST_NAMES:
                raise ValueError(f"{name!r} is no name for a metric, or one too many")
            self._kinds[name] = known = kind
            self._values[name] = {}
        if known != kind:
            raise ValueError(f"{name!r} is a {known} already, not a {kind}")
        values = self._values[name]
        key: Labels = tuple(sorted((label, str(value)) for label, value in labels.items()))
        if key not in values and len(values) >= _MOST_SERIES:
            key = tuple((label, "other") for label, _ in key)
        return values, key

    def _active(self) -> int:
        """How many were seen lately; those who were not are forgotten."""
        since = time.monotonic() - _ACTIVE_SECONDS
        while self._users and next(iter(self._users.values())) < since:
            self._users.popitem(last=False)
        return len(self._users)


business = Business()  # one a process, as `figures.roll`
count = business.count
level = business.level
observe = business.observe
