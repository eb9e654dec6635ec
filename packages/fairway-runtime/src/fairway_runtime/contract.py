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
DB_POOL_SIZE = "DB_POOL_SIZE"  # connections (R65)
REDIS_ENABLED = "REDIS_ENABLED"  # "true" or "false" (R66)
HOST = "HOST"  # address to listen on
PORT = "PORT"  # port to listen on

DATABASE_URL = "DATABASE_URL"  # postgresql://user:password@host:port/name, or sqlite:///path
REDIS_URL = "REDIS_URL"  # redis://:password@host:port/0
BUCKET_NAME = "BUCKET_NAME"  # the only bucket's name; <NAME>_BUCKET_NAME when there are several
AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3"  # read by every AWS SDK; absent on AWS itself
AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"
AWS_REGION = "AWS_REGION"

# -- What the runtime reads ------------------------------------------------------------------
APP = "FAIRWAY_APP"  # the app's name
SERVICE = "FAIRWAY_SERVICE"  # the node's name
REVISION = "FAIRWAY_REVISION"  # the revision this replica runs
REPLICA = "FAIRWAY_REPLICA"  # this replica's name
READY_CHECKS = "FAIRWAY_READY_CHECKS"  # space-separated names of variables that hold URLs to check
DRAIN_SECONDS = "FAIRWAY_DRAIN_SECONDS"  # in-flight requests may finish for this long (R223)
REQUEST_SECONDS = "FAIRWAY_REQUEST_SECONDS"  # the longest a request may take (R235)
BODY_BYTES = "FAIRWAY_BODY_BYTES"  # the largest request body
CHECK_SECONDS = "FAIRWAY_CHECK_SECONDS"  # deadline of one readiness check

# -- Paths (R155-R157, R166) -----------------------------------------------------------------
HEALTH_PATH = "/health"
READY_PATH = "/ready"
STARTUP_PATH = "/startup"
METRICS_PATH = "/metrics"

# -- Headers ---------------------------------------------------------------------------------
CORRELATION_HEADER = "x-request-id"
TRACEPARENT_HEADER = "traceparent"
REPLICA_HEADER = "x-fairway-replica"

# -- Defaults (R158, R221-R226, R231-R235) ---------------------------------------------------
DEFAULT_DRAIN_SECONDS = 30.0
DEFAULT_REQUEST_SECONDS = 60.0
DEFAULT_CHECK_SECONDS = 1.0
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
