"""What Envoy's statistics mean, read from text that Envoy 1.40 gave."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.local.balancer.stats import (
    Reading,
    endpoint_states,
    percentile,
    rates,
    readings,
    values,
)

STATS = json.dumps(
    {
        "stats": [
            {"name": "cluster.api.version_text", "value": "9abe8f42b4c530f7"},
            {"name": "cluster.api.membership_healthy", "value": 2},
            {"name": "cluster.api.membership_total", "value": 3},
            {"name": "cluster.api.upstream_rq_pending_active", "value": 7},
            {"name": "cluster.api.upstream_rq_pending_overflow", "value": 4},
            {"name": "cluster.api.upstream_rq_retry", "value": 5},
            {"name": "cluster.web.membership_healthy", "value": 0},
            {"name": "http.api.downstream_cx_upgrades_active", "value": 2},
            {"name": "http.api.downstream_rq_5xx", "value": 11},
            {"name": "http.api.downstream_rq_active", "value": 12},
            {"name": "http.api.downstream_rq_completed", "value": 1000},
            {
                "histograms": [
                    {
                        "name": "http.api.downstream_rq_time",
                        "buckets": [
                            {"upper_bound": 0.5, "interval": 0, "cumulative": 0},
                            {"upper_bound": 1, "interval": 1, "cumulative": 900},
                            {"upper_bound": 5, "interval": 2, "cumulative": 1000},
                        ],
                    }
                ]
            },
        ]
    }
)

CLUSTERS = json.dumps(
    {
        "cluster_statuses": [
            {
                "name": "api",
                "host_statuses": [
                    {
                        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                        "stats": [
                            {"name": "rq_error"},
                            {"name": "rq_total", "value": "42"},
                            {"name": "rq_error", "value": "5"},
                            {"name": "rq_active", "type": "GAUGE", "value": "3"},
                        ],
                        "health_status": health,
                        "weight": 9,
                        "locality": {},
                    }
                    for port, health in (
                        (5, {"eds_health_status": "HEALTHY", "failed_outlier_check": True}),
                        (1, {"eds_health_status": "HEALTHY"}),
                        (2, {"eds_health_status": "DRAINING"}),
                        (
                            3,
                            {"eds_health_status": "HEALTHY", "failed_active_health_check": True},
                        ),
                        (
                            4,
                            {
                                "eds_health_status": "HEALTHY",
                                "failed_active_health_check": True,
                                "pending_active_hc": True,
                            },
                        ),
                    )
                ],
            },
            {"name": "web"},
        ]
    }
)


@pytest.mark.requirement("R239")
def test_a_reading_tells_totals_requests_in_flight_and_the_queue() -> None:
    assert readings(STATS)["api"] == Reading(
        requests_total=1000,
        errors_5xx_total=11,
        retries_total=5,
        refused_total=4,
        in_flight=10,
        websockets=2,
        pending=7,
        healthy=2,
        endpoints=3,
        latency=((0.5, 0), (1.0, 900), (5.0, 1000)),
    )


def test_a_service_that_had_no_request_yet_reads_as_zeros() -> None:
    assert readings(STATS)["web"] == Reading()


def test_texts_and_numbers_are_found_by_name() -> None:
    assert values(STATS)["cluster.api.version_text"] == "9abe8f42b4c530f7"
    assert values('{"stats": []}') == {}


def test_endpoints_say_what_keeps_traffic_from_them() -> None:
    states = endpoint_states(CLUSTERS)
    assert [(state.port, state.why) for state in states["api"]] == [
        (1, ""),
        (2, "draining"),
        (3, "fails its ready check"),
        (4, "not checked yet"),
        (5, "refuses connections"),
    ]
    counted = {(one.in_flight, one.requests_total, one.errors_total) for one in states["api"]}
    assert counted == {(3, 42, 5)}
    assert states["web"] == ()


# -- Between two readings ------------------------------------------------------------------------


@pytest.mark.requirement("R167", "R168", "R169")
def test_rates_tell_requests_errors_and_percentiles_between_two_readings() -> None:
    before = Reading(requests_total=100, errors_5xx_total=2, latency=((10, 50), (20, 100)))
    after = Reading(
        requests_total=300,
        errors_5xx_total=12,
        in_flight=3,
        pending=1,
        healthy=2,
        latency=((10, 50), (20, 300)),
    )
    figures = rates(before, after, 4.0)
    assert figures.requests_per_second == 50
    assert figures.error_percent == 5
    assert (figures.p50_ms, figures.p95_ms, figures.p99_ms) == (15, 19.5, 19.9)
    assert (figures.in_flight, figures.queued, figures.healthy) == (3, 1, 2)
    assert (figures.requests_total, figures.errors_total) == (300, 12)


def test_where_envoy_was_started_anew_everything_since_counts() -> None:
    before = Reading(requests_total=1000, errors_5xx_total=9, latency=((10, 1000),))
    after = Reading(requests_total=40, errors_5xx_total=4, latency=((10, 40),))
    figures = rates(before, after, 2.0)
    assert figures.requests_per_second == 20
    assert figures.error_percent == 10
    assert figures.p50_ms == 5


def test_no_requests_have_no_percentiles_and_no_errors() -> None:
    same = Reading(requests_total=5, latency=((10, 5),))
    figures = rates(same, same, 1.0)
    assert (figures.requests_per_second, figures.error_percent) == (0, 0)
    assert (figures.p50_ms, figures.p95_ms, figures.p99_ms) == (None, None, None)


bounds = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0)


@given(
    st.lists(st.floats(0, 99.99), min_size=1),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_a_percentile_lies_in_the_bucket_of_the_true_one(times: list[float], share: float) -> None:
    cumulative = [(bound, sum(time <= bound for time in times)) for bound in bounds]
    found = percentile(cumulative, share)
    assert found is not None
    rank = max(1, -int(-share * len(times) // 1))
    true = sorted(times)[rank - 1]
    upper = next(bound for bound in bounds if true <= bound)
    lower = max((bound for bound in bounds if bound < upper), default=0.0)
    assert lower <= found <= upper
