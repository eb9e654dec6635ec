"""One service's listener in Envoy's words: connection, headers, routes, access log. Pure.

Part of `config.py`, apart because it is long.
"""

from fairway.targets.local.balancer.model import LOOPBACK, Front

__all__ = ["ACCESS_LOG", "SESSION_COOKIE", "listener"]

ACCESS_LOG = "access.jsonl"
SESSION_COOKIE = "fairway-replica"

# What a client may safely be given twice (RFC 9110, 9.2.1). PUT and DELETE are idempotent on
# paper, but a DELETE sent again answers 404 to a user whose first one worked.
SAFE_METHODS = "GET|HEAD|OPTIONS"

CLIENT = {"key": "x-forwarded-for", "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}

# Envoy's response flags -> what its own replies say, the first that fits.
REPLIES = (
    (("UH",), "no healthy upstream: no replica of this service is ready"),
    (("UO",), "overloaded: too many requests wait for this service"),
    (("UT",), "timeout: this service took too long to answer"),
    (("UF", "UC", "UR", "LR"), "a replica of this service went away before it answered"),
)

# Before the request has reached an app, another replica can take it, whatever its method.
NOT_SENT = "connect-failure,refused-stream,reset-before-request"


def listener(front: Front) -> dict[str, object]:
    """The listener of one service, on a loopback port that stays when releases come and go."""
    return {
        "name": front.service,
        "address": {"socket_address": {"address": LOOPBACK, "port_value": front.port}},
        # A second balancer on the same port must fail, not silently share it.
        "enable_reuse_port": False,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": _connection_manager(front),
                    }
                ]
            }
        ],
    }


def _connection_manager(front: Front) -> dict[str, object]:
    return {
        "@type": _extension("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": front.service,
        # -- Who asks, and what they may say about themselves
        "use_remote_address": True,  # the peer is the client; drop its x-envoy-* headers
        "skip_xff_append": True,  # see `route_config`
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            "typed_config": {
                "@type": _extension("request_id.uuid.v3.UuidRequestIdConfig"),
                "pack_trace_reason": False,  # hand on the client's id to the letter
            }
        },
        "normalize_path": True,
        "server_name": "fairway",  # instead of the app server's name and version
        # -- How long a client may take
        "request_headers_timeout": "10s",
        "request_timeout": _seconds(front.request_seconds),
        "stream_idle_timeout": "300s",
        "common_http_protocol_options": {
            "idle_timeout": "75s",
            # `X_Forwarded_For` would look like `X-Forwarded-For` to a WSGI app.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http_protocol_options": {
            "accept_http_10": True,
            "default_host_for_http_10": "localhost",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 64 * 1024,
            "initial_connection_window_size": 1024**2,
        },
        # -- Where requests go
        "upgrade_configs": [{"upgrade_type": "websocket"}] if front.websocket else [],
        "http_filters": _filters(front),
        "route_config": {
            "name": front.service,
            "validate_clusters": True,  # else an unknown cluster is accepted and answers 503
            # Envoy itself would say this machine's outer address where the peer is loopback.
            "request_headers_to_add": [{"header": CLIENT}],
            "request_headers_to_remove": ["x-envoy-external-address"],
            "virtual_hosts": [{"name": front.service, "domains": ["*"], "routes": _routes(front)}],
        },
        # -- What is said about it
        "local_reply_config": _local_replies(),
        "access_log": [_access_log(front)],
    }


def _routes(front: Front) -> list[dict[str, object]]:
    """WebSockets, safe methods, everything else."""
    routes: list[dict[str, object]] = [
        {
            "name": "safe",
            "match": {"prefix": "/", "headers": [_method_matches(SAFE_METHODS)]},
            "route": _route(front, retry_on=f"{NOT_SENT},reset"),
        },
        {
            "name": "unsafe",
            "match": {"prefix": "/"},
            "route": _route(front, retry_on=NOT_SENT),
        },
    ]
    if not front.websocket:
        return routes
    upgrade = {"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}}
    socket: dict[str, object] = {
        "name": "websocket",
        "match": {"prefix": "/", "headers": [upgrade]},
        "route": {
            **_route(front, retry_on=NOT_SENT),
            "timeout": "0s",
            "idle_timeout": "3600s",
        },
    }
    return [socket, *routes]


def _route(front: Front, *, retry_on: str) -> dict[str, object]:
    return {
        "cluster": front.service,
        "timeout": _seconds(front.request_seconds),
        "retry_policy": {
            "retry_on": retry_on,
            "num_retries": 3,
            "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": _extension("retry.host.previous_hosts.v3.PreviousHostsPredicate")
                    },
                }
            ],
            # A replica that has just died looks the least busy, and is drawn again and again.
            "host_selection_retry_max_attempts": 50,
        },
    }


def _method_matches(methods: str) -> dict[str, object]:
    return {"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}


def _filters(front: Front) -> list[dict[str, object]]:
    router: dict[str, object] = {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": _extension("filters.http.router.v3.Router"),
            "suppress_envoy_headers": True,
        },
    }
    if not front.sticky:
        return [router]
    # Not strict: where the replica of a session is gone, the session moves to another.
    session: dict[str, object] = {
        "name": "envoy.filters.http.stateful_session",
        "typed_config": {
            "@type": _extension("filters.http.stateful_session.v3.StatefulSession"),
            "session_state": {
                "name": "envoy.http.stateful_session.cookie",
                "typed_config": {
                    "@type": _extension("http.stateful_session.cookie.v3.CookieBasedSessionState"),
                    "cookie": {
                        "name": SESSION_COOKIE,
                        "path": "/",
                        "attributes": [{"name": "SameSite", "value": "Lax"}],
                    },
                },
            },
        },
    }
    return [session, router]


def _local_replies() -> dict[str, object]:
    """What the balancer says in the app's stead: JSON, with the id that the access log has."""
    return {
        "mappers": [_reply(flags, said) for flags, said in REPLIES],
        "body_format": _reply_body("%LOCAL_REPLY_BODY%"),
    }


def _reply(flags: tuple[str, ...], said: str) -> dict[str, object]:
    reply: dict[str, object] = {
        "filter": {"response_flag_filter": {"flags": list(flags)}},
        "body_format_override": _reply_body(said),
    }
    if "UT" not in flags:
        reply["headers_to_add"] = [{"header": {"key": "retry-after", "value": "1"}}]
    return reply


def _reply_body(said: str) -> dict[str, object]:
    return {
        "json_format": {
            "error": said,
            "status": "%RESPONSE_CODE%",
            "correlation_id": "%REQ(X-REQUEST-ID):128%",
        }
    }


def _access_log(front: Front) -> dict[str, object]:
    """One JSON line a request: bounded fields, no query strings, no bodies, no credentials."""
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": _extension("access_loggers.file.v3.FileAccessLog"),
            "path": f"./{ACCESS_LOG}",
            "log_format": {
                "json_format": {
                    "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%E3SZ)%",
                    "service": front.service,
                    "correlation_id": "%REQ(X-REQUEST-ID):128%",
                    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
                    "method": "%REQ(:METHOD):16%",
                    "path": "%PATH(NQ):512%",
                    "protocol": "%PROTOCOL%",
                    "status": "%RESPONSE_CODE%",
                    "details": "%RESPONSE_CODE_DETAILS%",
                    "flags": "%RESPONSE_FLAGS%",
                    "duration_ms": "%DURATION%",
                    "replica": "%UPSTREAM_METADATA(fairway:replica)%",
                    "upstream": "%UPSTREAM_HOST%",
                    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
                    "bytes_in": "%BYTES_RECEIVED%",
                    "bytes_out": "%BYTES_SENT%",
                    "user_agent": "%REQ(USER-AGENT):128%",
                }
            },
        },
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:g}s"


def _extension(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.{name}"
