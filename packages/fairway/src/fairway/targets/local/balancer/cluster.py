"""One service's cluster in Envoy's words: balancing, health, limits. Pure.

Part of `config.py`, apart because it is long. What keeps requests whole here:

- A ready check that says 503 takes a replica out at once; one that isn't answered, after three.
- A replica that refuses or resets connections is out after two such requests, for ten seconds
  or until a ready check passes, so that retries end before they run out.
- Where nobody is healthy, the answer is 503 at once.
"""

from fairway.targets.local.balancer.model import LOOPBACK, Front

__all__ = ["cluster", "file_source"]

CHECK_INTERVAL = "1s"
RETURN_INTERVAL = "0.25s"  # how soon a replica that fails its check is asked again
HUNG_CHECKS = 3  # unanswered checks until a replica counts as gone; a 503 counts at once
# Below the keep-alive of app servers (uvicorn 5 s, gunicorn 2 s): Envoy closes idle connections
# first, so that no request meets one that its replica is closing.
KEEP_IDLE = "1s"


def cluster(front: Front, endpoints: dict[str, object]) -> dict[str, object]:
    """The cluster of one service, whose endpoints are in the file that `endpoints` names."""
    return {
        "name": front.service,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": endpoints},
        "connect_timeout": "1s",
        # Equal weights: the less busy of two. Unequal ones, a canary: exact shares (bias 0).
        "load_balancing_policy": {"policies": [{"typed_extension_config": _least_request()}]},
        "common_lb_config": {
            # With nobody healthy, say 503 at once. (The default sends requests to replicas that
            # have just said that they can't answer.)
            "healthy_panic_threshold": {"value": 0},
            # Workers learn of health and weights at once. (The default lets them wait a second.)
            "update_merge_window": "0s",
        },
        # Removed is removed, whatever its health check says.
        "ignore_health_on_host_removal": True,
        "health_checks": [_health_check(front)],
        "outlier_detection": _outlier_detection(),
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 1_000_000,
                    "max_pending_requests": front.max_pending,
                    "max_requests": 1_000_000,
                    # Only what no replica has answered is sent again, so retries can't multiply
                    # the load of a struggling app; a killed replica needs many at once.
                    "max_retries": 1024,
                }
            ],
            "per_host_thresholds": [{"max_connections": front.max_connections}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _extension("upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": {"http_protocol_options": {}},
                "common_http_protocol_options": {"idle_timeout": KEEP_IDLE},
            }
        },
    }


def _least_request() -> dict[str, object]:
    return {
        "name": "envoy.load_balancing_policies.least_request",
        "typed_config": {
            "@type": _extension("load_balancing_policies.least_request.v3.LeastRequest"),
            "active_request_bias": {"default_value": 0, "runtime_key": "unused"},
            "choice_count": 2,
        },
    }


def _health_check(front: Front) -> dict[str, object]:
    if front.ready_path is None:
        asked: dict[str, object] = {"tcp_health_check": {}}
    else:
        # A host that apps with a list of allowed hosts, Django's for one, know.
        asked = {
            "http_health_check": {
                "path": front.ready_path,
                "host": LOOPBACK,
                "expected_statuses": [{"start": 200, "end": 300}],
            }
        }
    return {
        **asked,
        "timeout": f"{front.check_seconds:g}s",
        "interval": CHECK_INTERVAL,
        "interval_jitter": "0.1s",  # replicas aren't all asked in the same millisecond
        "no_traffic_interval": RETURN_INTERVAL,
        "no_traffic_healthy_interval": CHECK_INTERVAL,
        "unhealthy_interval": RETURN_INTERVAL,
        "unhealthy_threshold": HUNG_CHECKS,
        "healthy_threshold": 1,
    }


def _outlier_detection() -> dict[str, object]:
    """Eject a replica that refuses, resets or ignores connections; never for an app's own 5xx."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 2,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "interval": "0.5s",
        "base_ejection_time": "10s",  # a ready check that passes ends it at once
        "max_ejection_time": "10s",
        "max_ejection_percent": 50,
    }


def file_source(path: str) -> dict[str, object]:
    """Where Envoy reads a kind of resource from: a file that is renamed into place."""
    return {"path_config_source": {"path": f"./{path}"}, "resource_api_version": "V3"}


def _extension(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.{name}"
