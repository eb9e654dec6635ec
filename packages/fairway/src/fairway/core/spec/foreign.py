"""What people call things in other tools, and how Fairway says them.

Read when a key is unknown: a developer who comes from compose, Copilot, Heroku or Kubernetes is
told the sentence to write rather than a list to search.
"""

from collections.abc import Mapping

__all__ = ["EXAMPLE_NAMES", "mend"]

# A name that fits the kind, for examples.
EXAMPLE_NAMES: Mapping[str, str] = {
    "service": "web",
    "worker": "emails",
    "site": "page",
    "job": "nightly",
    "database": "db",
    "cache": "cache",
    "bucket": "files",
    "stream": "events",
    "table": "state",
    "secret": "SESSION_KEY",
    "workflow": "daily",
    "model": "churn",
    "network": "office",
}

VARIABLES = 'Variables stand in `variables`: variables = { LEVEL = "high" }.'
USES = 'Say it as an edge: uses = ["db"].'
COMMAND = 'Say how it runs: asgi = "main:app", wsgi = "main:app", script = "app.py" or command.'
IMAGE = "Fairway makes the image from the code; say how it runs: asgi, wsgi, script or command."
REPLICAS = 'Say how many run, or a range: replicas = 3, replicas = "2..10".'
JOB = 'What runs at times is a job: [job.nightly] with command and schedule = "0 6 * * *".'
WORKER = "What answers no requests and never ends is a worker: [worker.emails] with command."
FRONT = "A worker answers nobody; what answers requests is a [service.web]."
LIMITS = 'Limits stand together: limits = { per_ip = "60/min", body = "10 MB" }.'
SCALE = 'It scales by: scale = { cpu = "70%", memory = "80%" }, within replicas = "2..10".'
SECRETS = 'Declare [secret.SESSION_KEY] and name it: uses = ["SESSION_KEY"].'
VOLUMES = "Replicas come and go with their disk: use a [database.db] or a [bucket.files]."
BEFORE = 'What runs once before each release: before = "alembic upgrade head".'
TIMEOUTS = 'Deadlines stand together: timeouts = { request = "60s", drain = "30s" }.'
PROBE = (
    "Probes (/health, /ready, /startup) are there by themselves; "
    'for `command`, probe = "/health" names the path.'
)
FOLDER = 'Where its code is: folder = "backend".'
PUBLIC = "What is reached from outside: public = true."
MEMORY = 'Memory of one replica: memory = "512 MiB".'
CPU = "Processors of one replica: cpu = 0.5."
STICKY = "A visitor stays with one replica: sticky = true."
RELEASE = 'How a new revision takes over: release = "rolling", "blue_green" or "canary".'
SCHEDULE = 'When it runs, in UTC: schedule = "0 6 * * *", or "@daily".'
KEEP = 'Objects are deleted after: keep = "1y".'
AFTER = 'Said by the job that comes first: then = "statistics".'
ON_NEW = 'What starts it: on_new = "files/incoming/", or schedule.'
NETWORKS = (
    "The app's own network follows from `uses`, "
    'its addresses are addresses = "10.20.0.0/16"; '
    'another of yours is joined: [network.office] with peer = "vpc-…" and addresses.'
)
ENVIRONMENT = "What differs stands in one place: [environment.production]."

SERVICE: Mapping[str, tuple[str, ...]] = {
    VARIABLES: ("env", "envs", "environment", "env_vars", "vars", "env_file"),
    USES: ("depends_on", "needs", "links", "requires", "dependencies", "database", "databases"),
    COMMAND: ("start", "cmd", "run", "entrypoint", "exec", "serve", "app", "module", "framework"),
    IMAGE: ("image", "dockerfile", "docker", "container", "base_image", "runtime"),
    REPLICAS: (
        "min_replicas", "max_replicas", "instances", "count", "desired_count", "workers",
        "min", "max", "min_instances", "max_instances", "tasks",
    ),
    JOB: ("schedule", "cron", "every"),
    WORKER: ("worker", "background", "queue", "queues", "consumer", "celery"),
    LIMITS: ("rate_limit", "rate", "per_ip", "per_user", "body", "max_body", "throttle"),
    SCALE: ("autoscale", "autoscaling", "hpa", "scaling", "cpu_percentage", "concurrency"),
    SECRETS: ("secret", "secrets"),
    VOLUMES: ("volume", "volumes", "disk", "storage", "mounts"),
    BEFORE: (
        "migrate", "migrations", "migration", "release_command", "pre_deploy", "predeploy",
        "before_deploy", "init", "setup",
    ),
    TIMEOUTS: ("timeout", "drain", "grace", "stop_grace_period", "deadline"),
    PROBE: ("health", "healthcheck", "health_check", "readiness", "liveness", "probes"),
    FOLDER: ("root", "dir", "directory", "path", "cwd", "workdir", "working_dir", "context"),
    PUBLIC: ("expose", "ingress", "internal", "private", "external", "http"),
    "One port is enough: port = 8501; unset, Fairway chooses.": ("ports",),
    MEMORY: ("ram", "mem", "memory_limit", "memory_mib"),
    CPU: ("cpus", "vcpu", "vcpus"),
    STICKY: ("session_affinity", "affinity", "stickiness", "sticky_sessions"),
    RELEASE: ("strategy", "deploy", "deployment", "rollout", "canary", "rolling", "blue_green"),
    "A firewall in front: firewall = true.": ("waf",),
    'Paths that are asked before visitors come: warmup = ["/"].': ("warm", "warm_up", "prewarm"),
}  # fmt: skip
JOB_KEYS: Mapping[str, tuple[str, ...]] = {
    VARIABLES: SERVICE[VARIABLES],
    USES: ("depends_on", "needs", "links", "requires", "dependencies"),
    SCHEDULE: ("cron", "every", "when", "at", "rate", "interval"),
    'What runs, as one text: command = "python -m weather.ingest".': (
        "run", "cmd", "script", "start", "entrypoint", "exec", "asgi", "module",
    ),
    AFTER: ("after", "next", "follows", "on_success"),
    ON_NEW: ("trigger", "triggers", "watch", "on", "event", "events"),
    "Tries after the first: retries = 3.": ("retry", "max_retries", "attempts", "backoff"),
    "On spot capacity: interruptible = true.": ("spot", "preemptible"),
    'Ended after: timeout = "1h".': ("timeouts", "deadline", "max_duration"),
    SECRETS: ("secret", "secrets"),
    IMAGE.replace("asgi, wsgi, script or command", "command"): ("image", "dockerfile"),
    MEMORY: ("ram", "mem", "memory_limit"),
    CPU: ("cpus", "vcpu", "vcpus"),
    FOLDER: ("root", "dir", "directory", "path", "cwd", "workdir", "working_dir"),
    "A job never runs twice at once; that needs no key.": ("concurrency", "singleton", "replicas"),
}  # fmt: skip
WORKER_KEYS: Mapping[str, tuple[str, ...]] = {
    VARIABLES: SERVICE[VARIABLES],
    USES: (*SERVICE[USES], "broker", "queue", "queues", "redis"),
    'What runs, as one text: command = "celery -A app.tasks worker".': (
        "run", "cmd", "script", "start", "entrypoint", "exec", "asgi", "wsgi", "module", "app",
    ),
    IMAGE.replace("asgi, wsgi, script or command", "command"): SERVICE[IMAGE],
    REPLICAS: SERVICE[REPLICAS],
    "With replicas = 1, which is the default, it never runs twice at once.": (
        "singleton", "single", "exclusive", "lock",
    ),
    JOB: (*SERVICE[JOB], "when", "at", "interval"),
    FRONT: (
        *("port", "ports", "public", "expose", "http", "ingress", "domain", "host"),
        *("probe", *SERVICE[PROBE], "limits", *SERVICE[LIMITS], "cache", "firewall", "waf"),
        *("sticky", *SERVICE[STICKY], "warmup", "test", "factory"),
    ),
    "It runs as a container; a function ends after each event, and answers one.": (
        "kind", "function", "lambda", "serverless",
    ),
    "A worker is rolled: the new one must live before the old one is told to end.": (
        "release", *SERVICE[RELEASE],
    ),
    "It is started again whenever it ends.": ("restart", "restart_policy", "retries", "retry"),
    'It scales by: scale = { cpu = "70%" }, within replicas = "1..4".': SERVICE[SCALE],
    SECRETS: SERVICE[SECRETS],
    VOLUMES: SERVICE[VOLUMES],
    BEFORE: SERVICE[BEFORE],
    'How long its end may take: timeouts = { drain = "60s" }.': SERVICE[TIMEOUTS],
    "On spot capacity: interruptible = true.": ("spot", "preemptible"),
    FOLDER: SERVICE[FOLDER],
    MEMORY: SERVICE[MEMORY],
    CPU: SERVICE[CPU],
    'Tasks at once inside one replica are the command\'s own: "celery … --concurrency 4"; '
    "replicas = 2 runs it twice.": ("concurrency", "threads", "processes", "prefetch"),
}  # fmt: skip
DATABASE: Mapping[str, tuple[str, ...]] = {
    'Say engine = "postgres" (the default) or "sqlite".': ("type", "kind", "flavor", "driver"),
    'The instance\'s class on a cloud: size = "db.t4g.micro".': (
        "instance", "class", "tier", "instance_type", "instance_class", "plan",
    ),
    'Its disk: storage = "20 GiB".': ("disk", "storage_gb", "volume", "allocated_storage"),
    "Over several zones: zones = 2.": ("multi_az", "ha", "high_availability"),
    "Read replicas: read_replicas = 1.": ("replicas", "replica", "readers"),
    'How long backups are kept: backups = "7d".': (
        "backup", "retention", "backup_retention", "keep",
    ),
    'An existing database: url = "env:NAME", with NAME in `.env`.': (
        "host", "password", "user", "username", "dsn", "uri", "connection", "port",
    ),
    "Fairway runs the version that every target has; leave it out.": ("version",),
}  # fmt: skip
CACHE: Mapping[str, tuple[str, ...]] = {
    "Time to live is the variable CACHE_TTL: [variables] CACHE_TTL = 600.": ("ttl", "expire"),
    "A cache is Redis; leave it out.": ("type", "engine", "kind", "version"),
    'An existing Redis: url = "env:NAME", with NAME in `.env`.': (
        "host", "password", "user", "dsn", "uri", "port",
    ),
    "Kept over a restart: snapshots = true.": ("persistence", "persistent", "backup", "backups"),
}  # fmt: skip
BUCKET: Mapping[str, tuple[str, ...]] = {
    KEEP: ("expire", "expires", "lifecycle", "retention", "ttl"),
    "Old versions are kept: versions = true.": ("versioning", "versioned"),
    "Rarely read objects get cheaper: tiering = true.": ("storage_class", "intelligent_tiering"),
    "Buckets are private; a [site.page] is public.": ("public", "acl", "access"),
}
SECRET: Mapping[str, tuple[str, ...]] = {
    "A secret's value never stands in this file: put NAME=value into `.env`.": (
        "value", "default", "secret", "env", "url", "from",
    ),
    'Renewed this often: rotate = "90d".': ("rotation", "renew", "expires"),
    "Fairway makes its value: generate = true.": ("random", "generated", "auto"),
}  # fmt: skip
TOP: Mapping[str, tuple[str, ...]] = {
    'Say app = "name".': ("name", "project", "title", "application"),
    "A kind and a name: [service.web].": ("services", "web", "api", "server", "apps", "processes"),
    "A kind and a name: [job.nightly].": ("jobs", "cron", "crons", "task"),
    "A kind and a name: [worker.emails].": (
        "workers",
        "background",
        "celery",
        "consumer",
        "consumers",
        "bot",
    ),
    "A kind and a name: [database.db].": ("databases", "postgres", "postgresql", "db", "rds"),
    "A kind and a name: [cache.cache].": ("caches", "redis"),
    "A kind and a name: [bucket.files].": ("buckets", "s3", "storage"),
    "A kind and a name: [site.page].": ("sites", "static", "frontend"),
    "A kind and a name: [secret.SESSION_KEY].": ("secrets",),
    ENVIRONMENT: ("environments", "env", "envs", "stage", "stages"),
    VOLUMES: ("volumes", "volume"),
    NETWORKS: (
        "networks",
        "vpc",
        "peering",
        "vpc_peering",
        "transit_gateway",
        "cidr",
        "cidr_block",
        "vpc_cidr",
    ),
    "The file has no version; leave it out.": ("version",),
    "Alarms stand in [alarm].": ("alarms", "alerts", "alert"),
    "Region and credentials are the cloud's own settings; leave it out.": ("region", "provider"),
    "Inside [environment.NAME] there are no further environments.": ("environment",),
}
NETWORK: Mapping[str, tuple[str, ...]] = {
    'The network to join: peer = "vpc-0123456789abcdef0".': (
        "vpc", "vpc_id", "peer_vpc_id", "peering", "id",
    ),
    'A transit gateway: transit = "tgw-0123456789abcdef0".': (
        "tgw", "transit_gateway", "transit_gateway_id", "gateway",
    ),
    'Its addresses: addresses = "10.40.0.0/16".': (
        "cidr", "cidrs", "cidr_block", "range", "ranges", "subnets", "routes", "address",
    ),
    'Its role says whose it is: role = "arn:aws:iam::222222222222:role/accepts-peering".': (
        "account", "owner", "peer_owner_id", "peer_role_arn", "role_arn",
    ),
    "What a service asks there opens its port: name it in `uses`.": ("port", "ports"),
}  # fmt: skip
LIMITS_KEYS: Mapping[str, tuple[str, ...]] = {
    'Per address: per_ip = "60/min".': ("ip", "rate", "rate_limit", "requests", "address"),
    'Per signed-in user: per_user = "60/min".': ("user",),
    'The largest request body: body = "10 MB".': ("size", "max_body", "upload", "body_size"),
}
SCALE_KEYS: Mapping[str, tuple[str, ...]] = {
    'How many run stands beside it: replicas = "2..10".': ("min", "max", "replicas", "range"),
    'When capacity is taken away: down = { cpu = "30%" }.': ("scale_down", "cpu_down"),
}


def _by_key(mends: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    return {key: sentence for sentence, keys in mends.items() for key in keys}


BY_TABLE: Mapping[str, Mapping[str, str]] = {
    "Service": _by_key(SERVICE),
    "Job": _by_key(JOB_KEYS),
    "Worker": _by_key(WORKER_KEYS),
    "Database": _by_key(DATABASE),
    "Cache": _by_key(CACHE),
    "Bucket": _by_key(BUCKET),
    "Secret": _by_key(SECRET),
    "App": _by_key(TOP),
    "Network": _by_key(NETWORK),
    "Limits": _by_key(LIMITS_KEYS),
    "Scale": _by_key(SCALE_KEYS),
}


def mend(table: str, key: str) -> str | None:
    """The sentence for a key of another tool inside a table of the model, such as `Service`."""
    return BY_TABLE.get(table, {}).get(key.lower().replace("-", "_"))
