"""What one side of a release answered since a step began: counts, and how long they took.

Place in the flow: the engine reads the balancer's counters, takes away those of the step's begin
(`since`), and gives the canary's and the baseline's sample to `analysis.py`. Pure.
"""

from bisect import bisect_left
from dataclasses import dataclass

__all__ = ["Sample", "Share", "added", "since"]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def rate(self) -> float:
        """Between 0 and 1; 0 of nothing is 0."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Requests of one revision. An error is an answer 5xx, or none.

    `latency`: `(upper_ms, count)` with ascending bounds and *cumulative* counts, as Envoy and
    Prometheus give them; the last count is that of all that were timed. Times over the last bound
    belong under `(math.inf, count)`. Empty: nothing was timed.
    """

    requests: int
    errors: int
    latency: tuple[tuple[float, int], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.requests:
            raise ValueError(f"{self.errors} errors of {self.requests} requests")
        for (lower, before), (upper, count) in zip(self.latency, self.latency[1:], strict=False):
            if not (lower < upper and 0 <= before <= count):
                raise ValueError(f"not cumulative buckets with ascending bounds: {self.latency}")

    @property
    def timed(self) -> int:
        """How many the histogram holds."""
        return self.latency[-1][1] if self.latency else 0

    @property
    def failed(self) -> Share:
        """Errors among all requests."""
        return Share(self.errors, self.requests)

    def slower(self, bound_ms: float) -> Share:
        """How many surely took longer than `bound_ms`: those above the first bound from there."""
        at = bisect_left(self.latency, (bound_ms,))
        within = self.latency[at][1] if at < len(self.latency) else self.timed
        return Share(self.timed - within, self.timed)

    def percentile_ms(self, share: float) -> float | None:
        """The time within which `share` of the requests were answered; None where none was timed.

        Linear inside a bucket, so wrong by less than its width; the last bound that is finite for
        what lies over it.
        """
        wanted = share * self.timed
        lower, below = 0.0, 0
        for upper, count in self.latency:
            if count >= wanted and count > below:
                width = upper - lower if upper < float("inf") else 0.0
                return lower + width * (wanted - below) / (count - below)
            lower, below = upper, count
        return None


def since(begin: Sample, now: Sample) -> Sample:
    """What came between two readings of counters that only grow.

    Where they were set back in between (the balancer was started anew), everything since counts.
    Counters that were read at slightly different moments never make more errors than requests.
    """
    if was_set_back(begin, now):
        begin = Sample(0, 0)
    requests = now.requests - begin.requests
    earlier = dict(begin.latency)
    kept = tuple((upper, count - earlier.get(upper, 0)) for upper, count in now.latency)
    return Sample(requests, min(requests, now.errors - begin.errors), kept)


def was_set_back(begin: Sample, now: Sample) -> bool:
    if now.requests < begin.requests or now.errors < begin.errors:
        return True
    earlier = dict(begin.latency)
    grown = [count - earlier.get(upper, 0) for upper, count in now.latency]
    return grown != sorted(grown) or any(each < 0 for each in grown) or now.timed < begin.timed


def added(one: Sample, other: Sample) -> Sample:
    """Both together; their histograms have the same bounds, or one has none."""
    if not one.latency or not other.latency:
        latency = one.latency or other.latency
    else:
        pairs = zip(one.latency, other.latency, strict=True)
        latency = tuple((upper, count + more) for (upper, count), (_, more) in pairs)
    return Sample(one.requests + other.requests, one.errors + other.errors, latency)
