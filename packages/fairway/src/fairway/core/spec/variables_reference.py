"""docs/reference/variables.md: every variable that an app finds in its environment.

Beside `variables.py`, which makes them; a test holds the names of both together. Pure.
"""

from fairway.core import names
from fairway_runtime import contract

__all__ = ["variables_reference"]

# Variable, when it is there, what it holds.
Row = tuple[str, str, str]

INTRODUCTION = """\
# Variables

<!-- Made from core/spec/variables_reference.py: `make golden` writes it anew. -->

An app is configured by its environment alone (R57). These are the variables that a service, a
worker or a job finds there, on every target; the app would read the same ones on any other host.
What its own `variables` say wins, then what those of the app say. An app that reads other names,
such as `POSTGRES_SERVER`, [keeps them](file.md#names-of-your-own).

A `build` finds `DEBUG`, `ENVIRONMENT` and those of the node's own `variables` that name nothing of
what it uses, on this machine and in an image alike: nothing else is there yet.
"""
EDGES: tuple[Row, ...] = (
    (
        f"`{contract.DATABASE_URL}`",
        "`uses` one database",
        "`postgresql://user:password@host:port/name`, or `sqlite:///path`",
    ),
    (
        f"`{names.database_variable('orders', ['orders', 'archive'])}`",
        "`uses` several databases",
        "the same, of the database `orders`",
    ),
    (
        f"`{contract.REDIS_URL}`",
        "`uses` one cache that is on",
        "`redis://:password@host:port/0`",
    ),
    (
        f"`{names.redis_variable('sessions', ['sessions', 'pages'])}`",
        "`uses` several caches that are on",
        "the same, of the cache `sessions`",
    ),
    (f"`{contract.BUCKET_NAME}`", "`uses` one bucket", "the bucket's name"),
    (
        f"`{names.bucket_variable('files', ['files', 'reports'])}`",
        "`uses` several buckets",
        "the name of the bucket `files`",
    ),
    (
        f"`{contract.AWS_ENDPOINT_URL_S3}`",
        "`uses` a bucket, not on AWS",
        "the object store's URL; every AWS SDK reads it",
    ),
    (f"`{contract.AWS_REGION}`", "`uses` a bucket", "the region; every AWS SDK reads it"),
    (
        f"`{contract.AWS_ACCESS_KEY_ID}`, `{contract.AWS_SECRET_ACCESS_KEY}`",
        "`uses` a bucket where no role gives access",
        "the keys; every AWS SDK reads them",
    ),
    (
        f"`{names.service_variable('api')}`",
        "`uses` the service `api`",
        "its address, such as `http://127.0.0.1:8001`",
    ),
    ("`SESSION_KEY`", "`uses` the secret `SESSION_KEY`", "its value"),
)
ENVIRONMENT: tuple[Row, ...] = (
    (f"`{contract.ENVIRONMENT}`", "always", "`local`, `dev`, `staging`, `production`, or another"),
    (f"`{contract.DEBUG}`", "always", "`true` or `false`"),
    (f"`{contract.LOG_LEVEL}`", "always", "`DEBUG`, `INFO` or `WARNING`"),
    (f"`{contract.CACHE_TTL}`", "always", "seconds"),
    (f"`{contract.DB_POOL_SIZE}`", "always", "connections that one replica may open"),
    (f"`{contract.REDIS_ENABLED}`", "always", "`true` where it `uses` a cache that is on"),
    (f"`{contract.RATE_LIMIT}`", "a service with `limits.per_ip`", "such as `60/min`"),
    (
        f"`{contract.USER_RATE_LIMIT}`",
        "a service with `limits.per_ip` and `per_user`",
        "the rate of each signed-in user",
    ),
    (f"`{contract.HOST}`, `{contract.PORT}`", "a service", "where to listen"),
)
RUNTIME: tuple[Row, ...] = (
    (f"`{contract.APP}`", "always", "the app's name"),
    (f"`{contract.SERVICE}`", "always", "the service's, the worker's or the job's name"),
    (f"`{contract.REVISION}`", "always", "the revision that runs"),
    (f"`{contract.REPLICA}`", "always", "the name of this replica, or of this run"),
    (
        f"`{contract.READY_CHECKS}`",
        "a service",
        "the variables above whose servers `/ready` asks, separated by spaces",
    ),
    (f"`{contract.DRAIN_SECONDS}`", "a service", "`timeouts.drain`"),
    (f"`{contract.REQUEST_SECONDS}`", "a service", "`timeouts.request`"),
    (f"`{contract.BODY_BYTES}`", "a service", "`limits.body`"),
    (
        f"`{contract.DATABASE_SECONDS}`",
        "a service that `uses` a database",
        "`timeouts.database`, for `fairway_runtime.database`",
    ),
    (
        f"`{contract.CACHE_SECONDS}`",
        "a service that `uses` a cache",
        "`timeouts.cache`, for everything of the runtime that asks Redis",
    ),
    (f"`{contract.WARMUP}`", "a service with `warmup`", "its paths, separated by spaces"),
    (f"`{contract.CHECK_SECONDS}`", "a service", "the deadline of one readiness check"),
    (
        f"`{contract.TRUSTED_PROXIES}`",
        "a service behind a cloud's balancer",
        "the networks whose `x-forwarded-for` counts",
    ),
    (
        f"`{contract.SECRETS}`",
        "a function that `uses` secrets, databases or caches",
        "where the runtime reads them when it starts: `NAME=ARN NAME=ARN:key::`, the key of JSON",
    ),
    (
        f"`{contract.CORS_ORIGINS}`",
        "on this machine, a service that a site `calls`",
        "the site's addresses: whose pages may read its answers",
    ),
    (
        f"`{contract.SITE_ROOT}`, `{contract.SITE_TELLS}`, `{contract.CONTENT_SECURITY_POLICY}`",
        "on this machine, a site",
        "its folder; the variables that `/fairway.json` holds; what its pages may load and call",
    ),
    (
        f"`{contract.TEST_URL}`",
        "the command `test` of a service",
        "the new revision's own address, which nobody else asks yet",
    ),
)
PARTS = (
    ("From edges", "Each edge of `uses` brings its own.", EDGES),
    (
        "From the environment",
        "Their values are those of the [environment](file.md#environments).",
        ENVIRONMENT,
    ),
    ("For the runtime", "Read by `fairway-runtime`; no app needs them.", RUNTIME),
)
ENDING = """\
`HOST`, `PORT` and names that start with `FAIRWAY_` cannot be set by the file. Secrets are never
printed: plans, logs and journals show `***`.
"""


def variables_reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for heading, sentence, rows in PARTS:
        lines = [f"## {heading}", "", sentence, "", "| variable | when | what it holds |"]
        lines += ["|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows), ""]
        parts.append("\n".join(lines))
    return "\n".join([*parts, ENDING])
