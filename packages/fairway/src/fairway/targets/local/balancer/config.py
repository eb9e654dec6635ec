"""Envoy's files, rendered from values. Pure: no files, no clock, no network.

The bootstrap never changes while Envoy runs. It points at three kinds of small files that
`server.py` renames into place, each of which Envoy takes over by itself:

    bootstrap.json             limits, statistics, where the other files are
    clusters.json              one cluster per service: health checks, limits (CDS)
    listeners.json             one listener per service: routes, timeouts, access log (LDS)
    endpoints/<service>.json   a service's replicas and their weights (EDS)

All paths are relative: Envoy runs in the folder that holds them, so the text is the same on
every machine. A file's version is the digest of its content, which Envoy repeats in its
statistics once it has applied the file.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fairway.targets.local.balancer.cluster import cluster, file_source
from fairway.targets.local.balancer.listener import listener
from fairway.targets.local.balancer.model import Endpoint, Front

__all__ = [
    "ADMIN_SOCKET",
    "BOOTSTRAP",
    "CLUSTERS",
    "LISTENERS",
    "bootstrap",
    "clusters",
    "digest",
    "endpoints",
    "endpoints_in",
    "endpoints_path",
    "listeners",
    "ports_in",
    "render",
    "subscription_of",
    "version_of",
    "with_clusters_of",
]

_Said = dict[str, Any]  # JSON that was made here

ADMIN_SOCKET = "admin.sock"
BOOTSTRAP = "bootstrap.json"
CLUSTERS = "clusters.json"
LISTENERS = "listeners.json"

# Milliseconds. Steps of at most 1.5 keep a percentile's error small where alarms and users look.
LATENCY_BUCKETS = (
    *(0.5, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700),
    *(1000, 1500, 2000, 2500, 3000, 4000, 5000, 7000, 10000, 15000, 20000, 30000, 45000, 60000),
    *(120000, 300000, 600000, 3600000),
)


def render(
    fronts: Sequence[Front], services: Mapping[str, Sequence[Endpoint]], *, max_clients: int = 8192
) -> dict[str, str]:
    """Every file of the balancer, path -> text, sorted by path."""
    texts = {
        BOOTSTRAP: bootstrap(max_clients=max_clients),
        CLUSTERS: clusters(fronts),
        LISTENERS: listeners(fronts),
    }
    for front in fronts:
        texts[endpoints_path(front.service)] = endpoints(
            front.service, services.get(front.service, ())
        )
    return dict(sorted(texts.items()))


def endpoints_path(service: str) -> str:
    """The file that holds the endpoints of `service`."""
    return f"endpoints/{service}.json"


def subscription_of(path: str) -> str:
    """The prefix of the statistics in which Envoy says what it made of a file."""
    names = {CLUSTERS: "cluster_manager.cds", LISTENERS: "listener_manager.lds"}
    return names.get(path) or f"cluster.{path.removeprefix('endpoints/').removesuffix('.json')}"


def version_of(text: str) -> str:
    """The version that Envoy shows once it has applied `text`, a file made here."""
    return str(json.loads(text)["version_info"])


def digest(text: str) -> str:
    """A short name for a content: the same text, the same digest."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def bootstrap(*, max_clients: int) -> str:
    """What Envoy is started with. `max_clients`: connections from clients, all services."""
    return _text(
        {
            "node": {"id": "fairway", "cluster": "fairway"},
            "admin": {"address": {"pipe": {"path": f"./{ADMIN_SOCKET}", "mode": 0o600}}},
            "dynamic_resources": {
                "cds_config": file_source(CLUSTERS),
                "lds_config": file_source(LISTENERS),
            },
            "overload_manager": _overload(max_clients),
            "stats_config": _stats(),
            "stats_flush_interval": "1s",  # how old latencies may be; counters are always live
        }
    )


def clusters(fronts: Sequence[Front]) -> str:
    """One cluster for each service, named like it."""
    return _discovery(
        [cluster(front, file_source(endpoints_path(front.service))) for front in _sorted(fronts)],
        "cluster.v3.Cluster",
    )


def listeners(fronts: Sequence[Front]) -> str:
    """One listener for each service, named like it."""
    return _discovery([listener(front) for front in _sorted(fronts)], "listener.v3.Listener")


def endpoints(service: str, replicas: Sequence[Endpoint]) -> str:
    """The endpoints of one service, in the order of their addresses."""
    assignment: dict[str, object] = {"cluster_name": service}
    if replicas:
        ordered = sorted(replicas, key=lambda endpoint: endpoint.key)
        assignment["endpoints"] = [{"lb_endpoints": [_endpoint(each) for each in ordered]}]
    return _discovery([assignment], "endpoint.v3.ClusterLoadAssignment")


def endpoints_in(text: str) -> tuple[Endpoint, ...]:
    """The endpoints that a file made by `endpoints` says; its inverse."""
    (assignment,) = _resources(text)
    localities = cast("list[dict[str, list[_Said]]]", assignment.get("endpoints", []))
    return tuple(_read_endpoint(each) for place in localities for each in place["lb_endpoints"])


def ports_in(text: str) -> dict[str, int]:
    """Service -> public port, from a file made by `listeners`."""
    return {
        str(each["name"]): cast(_Said, each["address"])["socket_address"]["port_value"]
        for each in _resources(text)
    }


def with_clusters_of(old: str, new: str) -> str:
    """`new` and the clusters that only `old` has: both files are made by `clusters`.

    For the moment in which listeners of `old` still route to clusters that `new` drops.
    """
    named = {str(each["name"]): each for each in (*_resources(old), *_resources(new))}
    return _versioned([named[name] for name in sorted(named)])


def _read_endpoint(said: _Said) -> Endpoint:
    address = said["endpoint"]["address"]["socket_address"]
    return Endpoint(
        address=address["address"],
        port=address["port_value"],
        weight=said["load_balancing_weight"],
        draining=said.get("health_status") == "DRAINING",
        replica=said.get("metadata", {})
        .get("filter_metadata", {})
        .get("fairway", {})
        .get("replica", ""),
    )


def _endpoint(endpoint: Endpoint) -> dict[str, object]:
    address = {"address": endpoint.address, "port_value": endpoint.port}
    said: dict[str, object] = {
        "endpoint": {"address": {"socket_address": address}},
        "load_balancing_weight": endpoint.weight,
    }
    if endpoint.draining:
        said["health_status"] = "DRAINING"
    if endpoint.replica:
        said["metadata"] = {"filter_metadata": {"fairway": {"replica": endpoint.replica}}}
    return said


def _overload(max_clients: int) -> dict[str, object]:
    """Refuse before falling over: too many connections are closed, too much memory says 503."""
    clients = "envoy.resource_monitors.global_downstream_max_connections"
    heap = "envoy.resource_monitors.fixed_heap"
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {
                "name": clients,
                "typed_config": {
                    "@type": _extension(
                        "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
                    ),
                    "max_active_downstream_connections": max_clients,
                },
            },
            {
                "name": heap,
                "typed_config": {
                    "@type": _extension("resource_monitors.fixed_heap.v3.FixedHeapConfig"),
                    "max_heap_size_bytes": 1024**3,
                },
            },
        ],
        "actions": [
            {
                "name": f"envoy.overload_actions.{action}",
                "triggers": [{"name": heap, "threshold": {"value": threshold}}],
            }
            for action, threshold in (
                ("shrink_heap", 0.8),
                ("disable_http_keepalive", 0.9),
                ("stop_accepting_requests", 0.95),
            )
        ],
    }


def _stats() -> dict[str, object]:
    return {
        # `cluster.api.…` and `http.api.…` become metrics with the label service="api".
        "use_all_default_tags": False,
        "stats_tags": [{"tag_name": "service", "regex": r"^(?:cluster|http)\.(([a-z0-9-]+)\.)"}],
        "histogram_bucket_settings": [
            {"match": {"suffix": "rq_time"}, "buckets": list(LATENCY_BUCKETS)}
        ],
    }


def _extension(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.{name}"


def _sorted(fronts: Sequence[Front]) -> list[Front]:
    return sorted(fronts, key=lambda front: front.service)


def _resources(text: str) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", json.loads(text)["resources"])


def _discovery(resources: Sequence[Mapping[str, object]], kind: str) -> str:
    return _versioned(
        [{"@type": f"type.googleapis.com/envoy.config.{kind}", **each} for each in resources]
    )


def _versioned(resources: Sequence[Mapping[str, object]]) -> str:
    return _text({"version_info": digest(_text({"_": resources})), "resources": resources})


def _text(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
