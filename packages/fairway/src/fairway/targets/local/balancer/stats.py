"""Envoy's statistics, as readings of each service and as figures between two readings.

Pure: text and values in, values out; `server.py` fetches the text. Envoy counts durations in
whole milliseconds, and WebSockets not at all: their length says nothing about latency.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from fairway.core.target import Figures

__all__ = [
    "READING_FILTER",
    "EndpointState",
    "Reading",
    "endpoint_states",
    "percentile",
    "rates",
    "readings",
    "values",
]

READING_FILTER = (
    r"^(http\.[a-z0-9-]+\.(downstream_rq_(active|completed|5xx|time)|downstream_cx_upgrades_active)"
    r"|cluster\.[a-z0-9-]+\.(upstream_rq_(pending_active|pending_overflow|retry)"
    r"|membership_(healthy|total)))$"
)

Stat = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The counters and gauges of one service at one moment.

    Totals grow from the start of Envoy. `latency` holds `(upper bound in ms, requests so far at
    or below it)`, rising. `in_flight` leaves WebSockets out, `pending` are in the balancer's own
    queue, which a replica's connection limit feeds.
    """

    requests_total: int = 0
    errors_5xx_total: int = 0
    retries_total: int = 0
    refused_total: int = 0  # 503 at once, because the queue was full
    in_flight: int = 0
    websockets: int = 0
    pending: int = 0
    healthy: int = 0
    endpoints: int = 0
    latency: tuple[tuple[float, int], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointState:
    """One endpoint as Envoy sees it now. `why` says what keeps traffic away; empty: healthy.

    `errors_total`: answers 5xx, and requests that got none: refused, cut off, too late.
    """

    address: str
    port: int
    weight: int
    in_flight: int
    requests_total: int
    errors_total: int
    why: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """Where it listens, as `Endpoint.key`."""
        return (self.address, self.port)


def values(text: str) -> dict[str, Stat]:
    """Counters, gauges and texts of `/stats?format=json`, by name."""
    return {
        str(each["name"]): cast("Stat", each["value"]) for each in _listed(text) if "value" in each
    }


def readings(text: str) -> dict[str, Reading]:
    """What `/stats?format=json&histogram_buckets=cumulative` says of each service."""
    found = values(text)
    latency = _latency(text)
    services = {name.split(".")[1] for name in found if name.startswith("cluster.")}
    return {service: _reading(service, found, latency) for service in sorted(services)}


def rates(before: Reading, after: Reading, seconds: float) -> Figures:
    """What happened to one service between two readings that lie `seconds` apart.

    Where Envoy was started anew in between, everything since then counts.
    """
    if after.requests_total < before.requests_total:
        before = Reading()
    requests = after.requests_total - before.requests_total
    errors = after.errors_5xx_total - before.errors_5xx_total
    earlier = dict(before.latency)
    latency = [(upper, count - earlier.get(upper, 0)) for upper, count in after.latency]
    return Figures(
        requests_per_second=requests / seconds if seconds > 0 else 0.0,
        error_percent=min(100.0, 100 * errors / requests) if requests else 0.0,
        p50_ms=percentile(latency, 0.50),
        p95_ms=percentile(latency, 0.95),
        p99_ms=percentile(latency, 0.99),
        in_flight=after.in_flight,
        queued=after.pending,
        healthy=after.healthy,
        requests_total=after.requests_total,
        errors_total=after.errors_5xx_total,
    )


def percentile(cumulative: Sequence[tuple[float, int]], share: float) -> float | None:
    """The value below which `share` of the counted ones lie; None where nothing was counted.

    Linear inside a bucket, so wrong by less than the bucket's width.
    """
    total = cumulative[-1][1] if cumulative else 0
    if total <= 0:
        return None
    wanted = share * total
    lower, below = 0.0, 0
    for upper, count in cumulative:
        if count >= wanted and count > below:
            return lower + (upper - lower) * (wanted - below) / (count - below)
        lower, below = upper, max(below, count)
    return lower


def endpoint_states(text: str) -> dict[str, tuple[EndpointState, ...]]:
    """What `/clusters?format=json` says: service -> its endpoints by address and port."""
    clusters = cast("list[dict[str, object]]", json.loads(text).get("cluster_statuses", []))
    return {
        str(cluster["name"]): tuple(
            sorted(
                map(_state, cast("list[dict[str, object]]", cluster.get("host_statuses", []))),
                key=lambda state: state.key,
            )
        )
        for cluster in clusters
    }


def _listed(text: str) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", json.loads(text).get("stats", []))


def _reading(
    service: str,
    found: Mapping[str, Stat],
    latency: Mapping[str, tuple[tuple[float, int], ...]],
) -> Reading:
    def of(name: str) -> int:
        return int(found.get(name.format(service), 0))

    websockets = of("http.{}.downstream_cx_upgrades_active")
    return Reading(
        requests_total=of("http.{}.downstream_rq_completed"),
        errors_5xx_total=of("http.{}.downstream_rq_5xx"),
        retries_total=of("cluster.{}.upstream_rq_retry"),
        refused_total=of("cluster.{}.upstream_rq_pending_overflow"),
        in_flight=max(0, of("http.{}.downstream_rq_active") - websockets),
        websockets=websockets,
        pending=of("cluster.{}.upstream_rq_pending_active"),
        healthy=of("cluster.{}.membership_healthy"),
        endpoints=of("cluster.{}.membership_total"),
        latency=latency.get(service, ()),
    )


def _latency(text: str) -> dict[str, tuple[tuple[float, int], ...]]:
    """Service -> cumulative buckets of the time from a request's first byte to its last."""
    found: dict[str, tuple[tuple[float, int], ...]] = {}
    for each in _listed(text):
        for histogram in cast("list[dict[str, object]]", each.get("histograms", [])):
            prefix, service, name = str(histogram["name"]).split(".", 2)
            if (prefix, name) == ("http", "downstream_rq_time"):
                buckets = cast("list[dict[str, float]]", histogram["buckets"])
                found[service] = tuple(
                    (float(bucket["upper_bound"]), int(bucket["cumulative"])) for bucket in buckets
                )
    return found


def _state(host: Mapping[str, object]) -> EndpointState:
    outer = cast("dict[str, dict[str, object]]", host["address"])
    address = outer["socket_address"]
    counted = {
        each["name"]: int(each.get("value", 0))
        for each in cast("list[dict[str, str]]", host.get("stats", []))
    }
    return EndpointState(
        address=str(address["address"]),
        port=cast("int", address["port_value"]),
        weight=cast("int", host.get("weight", 1)),
        in_flight=counted.get("rq_active", 0),
        requests_total=counted.get("rq_total", 0),
        errors_total=counted.get("rq_error", 0),
        why=_why(cast("Mapping[str, object]", host.get("health_status", {}))),
    )


def _why(health: Mapping[str, object]) -> str:
    if health.get("eds_health_status", "HEALTHY") != "HEALTHY":
        return "draining"
    if health.get("pending_active_hc"):
        return "not checked yet"
    if health.get("failed_active_health_check"):
        return "fails its ready check"
    if health.get("failed_outlier_check"):
        return "refuses connections"
    return ""
