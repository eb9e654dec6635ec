"""What a host and an app agree on: names of variables, paths and headers.

The one module of the runtime that the tool imports. It holds constants only, so that
reading it costs nothing and neither side can say a name differently from the other.

Variables without the `FAIRWAY_` prefix are those that the app itself would read on any host.
"""

# -- What the app reads, on any host ---------------------------------------------------------
ENVIRONMENT = "ENVIRONMENT"  # dev, staging, production, local, ...
DEBUG = "DEBUG"  # "true" or "false" (R59)
LOG_LEVEL = "LOG_LEVEL"  # DEBUG, INFO, WARNING (R60)
CACHE_TTL = "CACHE_TTL"  # seconds (R61)
RATE_LIMIT = "RATE_LIMIT"  # "60/min"; absent: none (R63)
USER_RATE_LIMIT = "USER_RATE_LIMIT"  # the same for known users; absent: as RATE_LIMIT (R218)
SENTRY_DSN = "SENTRY_DSN"  # where errors go as well (R187)
DB_POOL_SIZE = "DB_POOL_SIZE"  # connections (R65)
REDIS_ENABLED = "REDIS_ENABLED"  # "true" or "false" (R66)
HOST = "HOST"  # address to listen on
PORT = "PORT"  # port to listen on

DATABASE_URL = "DATABASE_URL"  # postgresql://user:password@host:port/name, or sqlite:///path
DATABASE_READ_URL = "DATABASE_READ_URL"  # a read replica of it
WEB_CONCURRENCY = "WEB_CONCURRENCY"  # processes that one replica runs
REDIS_URL = "REDIS_URL"  # redis://:password@host:port/0
BUCKET_NAME = "BUCKET_NAME"  # the only bucket's name; <NAME>_BUCKET_NAME when there are several
AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3"  # read by every AWS SDK; absent on AWS itself
AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"
AWS_REGION = "AWS_REGION"
AWS_FUNCTION_VERSION = "AWS_LAMBDA_FUNCTION_VERSION"  # set by Lambda: a canary is judged by it

# -- What OpenTelemetry reads everywhere (R184) ----------------------------------------------
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"  # http://collector:4318
OTLP_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"  # the whole URL, for spans alone
OTLP_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"  # "name=value,other=value"
OTLP_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"  # http/json or http/protobuf: JSON goes out for both
TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"  # otlp, or none
TRACES_SAMPLER = "OTEL_TRACES_SAMPLER"  # parentbased_traceidratio
TRACES_SAMPLER_ARG = "OTEL_TRACES_SAMPLER_ARG"  # 0.1
OTEL_DISABLED = "OTEL_SDK_DISABLED"  # "true": no spans at all

# -- What the runtime reads ------------------------------------------------------------------
APP = "FAIRWAY_APP"  # the app's name
SERVICE = "FAIRWAY_SERVICE"  # the node's name
REVISION = "FAIRWAY_REVISION"  # the revision this replica runs
REPLICA = "FAIRWAY_REPLICA"  # this replica's name
READY_CHECKS = "FAIRWAY_READY_CHECKS"  # space-separated names of variables that hold URLs to check
DRAIN_SECONDS = "FAIRWAY_DRAIN_SECONDS"  # in-flight requests may finish for this long (R223)
REQUEST_SECONDS = "FAIRWAY_REQUEST_SECONDS"  # the longest a request may take (R235)
DATABASE_SECONDS = "FAIRWAY_DATABASE_SECONDS"  # the longest a query may take (R232)
CACHE_SECONDS = "FAIRWAY_CACHE_SECONDS"  # the longest Redis is waited for (R231)
BODY_BYTES = "FAIRWAY_BODY_BYTES"  # the largest request body
CHECK_SECONDS = "FAIRWAY_CHECK_SECONDS"  # deadline of one readiness check
LAME_DUCK_SECONDS = "FAIRWAY_LAME_DUCK_SECONDS"  # not ready for this long before it stops listening
TEST_URL = "FAIRWAY_TEST_URL"  # where the new revision is, for its own test
WARMUP = "FAIRWAY_WARMUP"  # space-separated paths that are asked before anybody else may
TRUSTED_PROXIES = "FAIRWAY_TRUSTED_PROXIES"  # whose x-forwarded-for counts: addresses, networks
USER_HEADER = "FAIRWAY_USER_HEADER"  # in which these proxies name the user
SECURITY_HEADERS = "FAIRWAY_SECURITY_HEADERS"  # "off": add none
HSTS_SECONDS = "FAIRWAY_HSTS_SECONDS"  # 0: none (R22)
CONTENT_SECURITY_POLICY = "FAIRWAY_CONTENT_SECURITY_POLICY"  # absent: none is added
CORS_ORIGINS = "FAIRWAY_CORS_ORIGINS"  # whose pages may call: "https://a.example" (R7)
CORS_CREDENTIALS = "FAIRWAY_CORS_CREDENTIALS"  # "on": with their cookies
PROBE_PORT = "FAIRWAY_PROBE_PORT"  # a second port that answers the probes
METRICS_FOLDER = "FAIRWAY_METRICS_FOLDER"  # where several workers meet
SITE_ROOT = "FAIRWAY_SITE_ROOT"  # the folder of a site that is served
SITE_TELLS = "FAIRWAY_SITE_TELLS"  # space-separated names of variables that its pages may read
REPLICAS = "FAIRWAY_REPLICAS"  # the most replicas that may run at once
AUDIT_KEY = "FAIRWAY_AUDIT_KEY"  # seals the audit log; 32 characters or more
SESSION_SECRET = "SESSION_SECRET"  # signs session cookies; the first of several, all are believed
SECRETS = "FAIRWAY_SECRETS"  # NAME=ARN or NAME=ARN:key::, separated by spaces: read at start
LOGS = "FAIRWAY_LOGS"  # "json", or "off": leave the app's logging as it is

# -- Paths (R155-R157, R166) -----------------------------------------------------------------
HEALTH_PATH = "/health"
READY_PATH = "/ready"
STARTUP_PATH = "/startup"
METRICS_PATH = "/metrics"

# -- Headers ---------------------------------------------------------------------------------
CORRELATION_HEADER = "x-request-id"
TRACEPARENT_HEADER = "traceparent"
TRACESTATE_HEADER = "tracestate"
REPLICA_HEADER = "x-fairway-replica"

# -- Metrics (R166): labels in brackets ------------------------------------------------------
REQUESTS_METRIC = "http_requests_total"  # [method, route, status]
DURATION_METRIC = "http_request_duration_seconds"  # histogram [method, route]
ERRORS_METRIC = "http_request_errors_total"  # answers of 500 and above [method, route]
IN_FLIGHT_METRIC = "http_requests_in_flight"
WEBSOCKETS_METRIC = "websockets_open"
LOOP_LAG_METRIC = "event_loop_lag_seconds"  # how late the event loop ran, at the last look
LOOP_LAG_MAX_METRIC = "event_loop_lag_max_seconds"  # the worst of the last 15 to 30 s
CPU_METRIC = "process_cpu_seconds_total"
MEMORY_METRIC = "process_resident_memory_bytes"
STARTED_METRIC = "process_start_time_seconds"
LOST_LINES_METRIC = "fairway_log_lines_lost_total"  # nobody read stdout
OTHER_LABEL = "other"  # a method or route that nobody declared

# -- Defaults (R158, R221-R226, R231-R235) ---------------------------------------------------
DEFAULT_DRAIN_SECONDS = 30.0
DEFAULT_LAME_DUCK_SECONDS = 0.0
DEFAULT_REQUEST_SECONDS = 60.0
DEFAULT_DATABASE_SECONDS = 5.0
DEFAULT_CACHE_SECONDS = 0.1
DEFAULT_CHECK_SECONDS = 1.0
DEFAULT_TRUSTED_PROXIES = ("127.0.0.0/8", "::1/128")
DEFAULT_BODY_BYTES = 10 * 1024 * 1024

# The fields of a log line, in order (R161). An app's own fields follow them.
LOG_FIELDS = (
    "timestamp",
    "level",
    "correlation_id",
    "user_id",
    "operation",
    "duration_ms",
    "scenarios",
    "success",
    "environment",
)

# -- What an app brings itself, and from when on the runtime can build on it ------------------
OLDEST_UVICORN = "0.18"  # of June 2022; before 0.21 a WebSocket ends without its 1012
OLDEST_STREAMLIT = "1.53"  # the first with `streamlit.App` (C13)
