"""An app as Fairway understands it: `fairway.toml` with one environment laid over it.

Values only. Every field that a file can set carries a `Key`; parser, schema and reference are
made from them. Numbers are in the unit that the field's name ends with. Defaults are those of
the requirements (cited per field); what differs by environment is in `profiles.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fairway.core.spec import readers as read
from fairway.core.spec.key import Key
from fairway.core.spec.quantities import CanaryStep, Rate, Replicas

__all__ = [
    "Alarm",
    "App",
    "Blue",
    "Bucket",
    "Cache",
    "Canary",
    "CanaryStep",
    "Database",
    "Job",
    "Limits",
    "Model",
    "Node",
    "OffHours",
    "Pipeline",
    "Profile",
    "Recovery",
    "Release",
    "Rolling",
    "Scale",
    "ScaleDown",
    "Secret",
    "Service",
    "Site",
    "Stream",
    "Table",
    "Timeouts",
    "Workflow",
]

# Defaults that `profiles.py` sets, in words.
RATE_BY_ENVIRONMENT = "none in dev and local, `60/min` in production, `100/min` in staging"
REPLICAS_BY_ENVIRONMENT = "`1` in dev, `2` in staging, `3..10` in production, `2..10` in local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Deadlines (R231-R235) and the drain (R223)."""

    request_seconds: Annotated[
        float, Key(read.DURATION, "The longest that a request may take.", name="request")
    ] = 60.0
    drain_seconds: Annotated[
        float,
        Key(
            read.DURATION_OR_ZERO,
            "How long requests in flight may finish at shutdown.",
            name="drain",
        ),
    ] = 30.0
    startup_seconds: Annotated[
        float, Key(read.DURATION, "How long a replica may take to become ready.", name="startup")
    ] = 60.0
    database_seconds: Annotated[
        float, Key(read.DURATION, "The longest that a database query may take.", name="database")
    ] = 5.0
    cache_seconds: Annotated[
        float, Key(read.DURATION, "The longest that a cache lookup may take.", name="cache")
    ] = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may ask for (R214, R216-R219)."""

    body_bytes: Annotated[
        int, Key(read.SIZE, "The largest request body.", name="body", example='"10 MB"')
    ] = 10 * 1024 * 1024
    per_ip: Annotated[
        Rate | None,
        Key(
            read.RATE,
            "Requests per address of who is not signed in; false for no limit.",
            default=RATE_BY_ENVIRONMENT,
        ),
    ] = None
    per_user: Annotated[
        Rate | None,
        Key(
            read.RATE,
            "Requests per signed-in user; false for no limit.",
            default=RATE_BY_ENVIRONMENT,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleDown:
    """When capacity is taken away: both true for the whole time (R240-R241, C8)."""

    cpu_percent: Annotated[float, Key(read.SHARE, "CPU below this share.", name="cpu")] = 30.0
    memory_percent: Annotated[float, Key(read.SHARE, "Memory below this share.", name="memory")] = (
        40.0
    )
    after_seconds: Annotated[float, Key(read.DURATION_OR_ZERO, "For this long.", name="after")] = (
        300.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """When capacity is added: any of these (R236-R239)."""

    cpu_percent: Annotated[float, Key(read.SHARE, "CPU above this share.", name="cpu")] = 70.0
    memory_percent: Annotated[float, Key(read.SHARE, "Memory above this share.", name="memory")] = (
        80.0
    )
    queue: Annotated[int, Key(read.COUNT, "Requests that wait, more than this.")] = 100
    requests: Annotated[
        float | None,
        Key(read.NUMBER, "Requests per second that one replica should serve.", example="50"),
    ] = None
    up_after_seconds: Annotated[
        float, Key(read.DURATION_OR_ZERO, "Added after this long above.", name="up_after")
    ] = 60.0
    down: Annotated[
        ScaleDown, Key(read.table(ScaleDown), "When capacity is taken away: all of these.")
    ] = ScaleDown()


@dataclass(frozen=True, slots=True, kw_only=True)
class OffHours:
    """Another range of replicas at certain hours of the day, UTC (R115)."""

    replicas: Annotated[Replicas, Key(read.REPLICAS, "Replicas in these hours.", required=True)]
    start_minute: Annotated[
        int, Key(read.TIME_OF_DAY, "From this time, UTC.", name="from", required=True)
    ]
    end_minute: Annotated[
        int, Key(read.TIME_OF_DAY, "To this time, UTC.", name="to", required=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """One batch of replicas after the other, each healthy before the next (R145-R147)."""

    batch: Annotated[int, Key(read.POSITIVE, "Replicas replaced at a time.")] = 1
    surge: Annotated[int, Key(read.POSITIVE, "Replicas more than usual while it runs.")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Blue:
    """The new revision beside the old one at full strength, then all at once (R148-R150)."""

    keep_seconds: Annotated[
        float,
        Key(read.DURATION_OR_ZERO, "How long the old revision is kept for rollback.", name="keep"),
    ] = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A growing share of traffic, watched at each step (R151-R153)."""

    steps: Annotated[
        tuple[CanaryStep, ...],
        Key(
            read.CANARY_STEPS,
            "Shares of traffic and for how long; then all of it.",
            example='["10% for 15m", "25% for 5m", "50% for 5m"]',
        ),
    ] = (CanaryStep(10.0, 900.0), CanaryStep(25.0, 300.0), CanaryStep(50.0, 300.0))


Release = Rolling | Blue | Canary
RELEASE = read.one_of(
    rolling=read.table(Rolling),
    blue_green=read.table(Blue),
    canary=read.table(Canary, short="steps"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program that answers requests; exactly one of asgi, wsgi, script, command says which."""

    name: str
    asgi: Annotated[
        str | None, Key(read.OBJECT, "The ASGI app (FastAPI, Starlette), `module:object`.")
    ] = None
    wsgi: Annotated[
        str | None, Key(read.OBJECT, "The WSGI app (Flask, Django), `module:object`.")
    ] = None
    script: Annotated[str | None, Key(read.PATH, "The Streamlit script.", example='"app.py"')] = (
        None
    )
    command: Annotated[
        str | None,
        Key(
            read.COMMAND,
            "Any other server; it listens on `$PORT`.",
            example='"node server.js --port $PORT"',
        ),
    ] = None
    factory: Annotated[
        bool, Key(read.BOOLEAN, "Whether the object is a function that makes the app.")
    ] = False
    folder: Annotated[
        str, Key(read.PATH, "Where its code is, from the file's folder.", example='"backend"')
    ] = "."
    port: Annotated[
        int | None,
        Key(
            read.PORT,
            "The port that people reach.",
            example="8501",
            default="the first free one from 8000",
        ),
    ] = None
    public: Annotated[bool, Key(read.BOOLEAN, "Whether it is reached from outside the app.")] = (
        False
    )
    uses: Annotated[
        tuple[str, ...], Key(read.NODES, "The nodes that it needs.", example='["db", "files"]')
    ] = ()
    before: Annotated[
        str | None,
        Key(
            read.COMMAND,
            "Runs once before each release, under a lock: migrations.",
            example='"alembic upgrade head"',
        ),
    ] = None
    build: Annotated[
        str | None,
        Key(read.COMMAND, "Builds what it serves, before it starts.", example='"npm run build"'),
    ] = None
    replicas: Annotated[
        Replicas,
        Key(
            read.REPLICAS,
            'How many run: `3`, or a range `"2..10"` (R34-R35, R64).',
            default=REPLICAS_BY_ENVIRONMENT,
        ),
    ] = Replicas(2, 10)
    sticky: Annotated[
        bool, Key(read.BOOLEAN, "A visitor stays with one replica.", default="`true` for a script")
    ] = False
    release: Annotated[
        Release, Key(RELEASE, "How a new revision takes over: rolling, blue_green, canary.")
    ] = Rolling()
    scale: Annotated[Scale, Key(read.table(Scale), "When replicas are added and taken away.")] = (
        Scale()
    )
    off_hours: Annotated[
        OffHours | None,
        Key(
            read.optional(read.table(OffHours)),
            "Other replicas at night.",
            example='{ replicas = "1..3", from = "22:00", to = "05:00" }',
        ),
    ] = None
    timeouts: Annotated[Timeouts, Key(read.table(Timeouts), "Deadlines.")] = Timeouts()
    limits: Annotated[
        Limits,
        Key(read.off_or(read.table(Limits), Limits()), "Limits per client; false: no rates."),
    ] = Limits()
    cache: Annotated[
        Mapping[str, float],
        Key(
            read.off_or(read.mapping(read.DURATION), {}),
            "Answers kept at the edge: path pattern to time.",
            example='{ "/api/v1/*" = "60s" }',
        ),
    ] = field(default_factory=dict[str, float])
    variables: Annotated[
        Mapping[str, str], Key(read.VARIABLES, "Environment variables of its own.")
    ] = field(default_factory=dict[str, str])
    memory_mib: Annotated[
        int, Key(read.MEBIBYTES, "Memory of one replica; above it, it is replaced.", name="memory")
    ] = 512
    cpu: Annotated[float, Key(read.NUMBER, "Processors of one replica.")] = 0.5
    kind: Annotated[
        Literal["container", "function"],
        Key(read.choice("container", "function"), "How a cloud runs it."),
    ] = "container"
    probe: Annotated[
        str | None, Key(read.URL_PATH, "For `command`: the path that answers 200 when ready.")
    ] = None
    firewall: Annotated[bool, Key(read.BOOLEAN, "A web application firewall in front (R11).")] = (
        False
    )
    account: Annotated[
        str | None, Key(read.TEXT, "Which of `accounts` it lives in.", example='"backend"')
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Static files behind a CDN."""

    name: str
    root: Annotated[
        str, Key(read.PATH, "The folder that is served.", example='"frontend/dist"', required=True)
    ]
    build: Annotated[
        str | None, Key(read.COMMAND, "Builds the folder.", example='"npm run build"')
    ] = None
    calls: Annotated[
        tuple[str, ...],
        Key(read.NODES, "Services that its pages call: CORS and CSP follow.", example='["api"]'),
    ] = ()
    firewall: Annotated[bool, Key(read.BOOLEAN, "A web application firewall in front (R11).")] = (
        False
    )
    account: Annotated[
        str | None, Key(read.TEXT, "Which of `accounts` it lives in.", example='"backend"')
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command that runs to its end: by schedule, on new objects, after another job, by hand."""

    name: str
    command: Annotated[
        str, Key(read.COMMAND, "What runs.", example='"python -m weather.ingest"', required=True)
    ]
    schedule: Annotated[
        str | None,
        Key(read.SCHEDULE, "Cron in UTC, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@once`."),
    ] = None
    only_if_new: Annotated[
        str | None,
        Key(read.OBJECTS, "`bucket/prefix/`: at its time, runs only if objects are new (R109)."),
    ] = None
    on_new: Annotated[
        str | None, Key(read.OBJECTS, "`bucket/prefix/`: runs as soon as objects are new.")
    ] = None
    then: Annotated[
        tuple[str, ...], Key(read.NODES, "Jobs that run when it succeeded.", example='"statistics"')
    ] = ()
    uses: Annotated[
        tuple[str, ...], Key(read.NODES, "The nodes that it needs.", example='["db", "files"]')
    ] = ()
    folder: Annotated[
        str, Key(read.PATH, "Where its code is, from the file's folder.", example='"backend"')
    ] = "."
    timeout_seconds: Annotated[
        float, Key(read.DURATION, "Ended after this long.", name="timeout")
    ] = 3600.0
    retries: Annotated[int, Key(read.COUNT, "Tries after the first one failed (R230).")] = 3
    if_missed: Annotated[
        Literal["run", "skip"],
        Key(read.choice("run", "skip"), "A time that passed while nothing ran: run once, or skip."),
    ] = "run"
    interruptible: Annotated[bool, Key(read.BOOLEAN, "May run on spot capacity (R31).")] = False
    memory_mib: Annotated[int, Key(read.MEBIBYTES, "Memory of a run.", name="memory")] = 512
    cpu: Annotated[float, Key(read.NUMBER, "Processors of a run.")] = 0.5
    variables: Annotated[
        Mapping[str, str], Key(read.VARIABLES, "Environment variables of its own.")
    ] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A relational database."""

    name: str
    engine: Annotated[
        Literal["postgres", "sqlite"],
        Key(read.choice("postgres", "sqlite"), "PostgreSQL, or a SQLite file for development."),
    ] = "postgres"
    url: Annotated[
        str | None,
        Key(
            read.URL,
            "An existing database instead; `env:NAME` reads a variable.",
            example='"env:SHOP_DATABASE_URL"',
        ),
    ] = None
    size: Annotated[
        str | None, Key(read.TEXT, "The instance's class on a cloud.", example='"db.t4g.micro"')
    ] = None
    storage_gib: Annotated[int, Key(read.GIBIBYTES, "Disk.", name="storage")] = 20
    zones: Annotated[int, Key(read.POSITIVE, "Availability zones (R84).")] = 1
    read_replicas: Annotated[int, Key(read.COUNT, "Read replicas (R85).")] = 0
    backups_seconds: Annotated[
        float, Key(read.DURATION_OR_ZERO, "How long backups are kept (R246).", name="backups")
    ] = 7 * 86400.0
    serverless: Annotated[bool, Key(read.BOOLEAN, "Scales with its load (R78).")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A shared Redis (R94). The app must work without it (R98)."""

    name: str
    enabled: Annotated[
        bool,
        Key(
            read.BOOLEAN,
            "Off: the app runs without it (R66).",
            default="`false` in dev, else `true`",
        ),
    ] = True
    url: Annotated[
        str | None,
        Key(
            read.URL,
            "An existing Redis instead; `env:NAME` reads a variable.",
            example='"env:SHOP_REDIS_URL"',
        ),
    ] = None
    size: Annotated[
        str | None, Key(read.TEXT, "The instance's class on a cloud.", example='"cache.t4g.micro"')
    ] = None
    snapshots: Annotated[bool, Key(read.BOOLEAN, "Kept over a restart (R247).")] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An object store's bucket."""

    name: str
    tiering: Annotated[bool, Key(read.BOOLEAN, "Rarely read objects get cheaper (R105).")] = False
    versions: Annotated[bool, Key(read.BOOLEAN, "Old versions are kept.")] = False
    keep_seconds: Annotated[
        float | None,
        Key(read.DURATION, "Objects are deleted after this long.", example='"1y"', name="keep"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Events that land in a bucket (R117-R118)."""

    name: str
    into: Annotated[
        str,
        Key(
            read.OBJECTS,
            "`bucket/prefix/` that they land in.",
            example='"lake/raw/"',
            required=True,
        ),
    ]
    flush_seconds: Annotated[float, Key(read.DURATION, "Written this often.", name="flush")] = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A key-value table (R79)."""

    name: str
    key: Annotated[
        str, Key(read.TEXT, "The partition key.", example='"experiment_id"', required=True)
    ]
    sort: Annotated[str | None, Key(read.TEXT, "The sort key.", example='"created_at"')] = None
    expires: Annotated[
        str | None, Key(read.TEXT, "The field that says when a row ends.", example='"expires_at"')
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A value that is never shown; arrives as the variable of its name (R70-R76)."""

    name: str
    rotate_seconds: Annotated[
        float | None,
        Key(read.DURATION, "Renewed this often (R74).", example='"90d"', name="rotate"),
    ] = None
    generate: Annotated[
        bool, Key(read.BOOLEAN, "Fairway makes its value; else it is given in `.env`.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Jobs one after the other, resumed where they stopped (R114)."""

    name: str
    steps: Annotated[
        tuple[str, ...],
        Key(
            read.NODES,
            "Its jobs, in order.",
            example='["transform", "train", "publish"]',
            required=True,
        ),
    ]
    schedule: Annotated[
        str | None, Key(read.SCHEDULE, "Cron in UTC, or `@daily` and its like.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A trained model, with rules to fall back to (R123-R125)."""

    name: str
    artifact: Annotated[
        str,
        Key(
            read.OBJECTS,
            "`bucket/prefix/` that holds it.",
            example='"lake/models/churn/"',
            required=True,
        ),
    ]
    serve: Annotated[
        str,
        Key(
            read.OBJECT,
            "`module:function` that predicts.",
            example='"insights.models:predict"',
            required=True,
        ),
    ]
    fallback: Annotated[
        str | None,
        Key(
            read.OBJECT,
            "`module:function` where the model cannot be had.",
            example='"insights.rules:predict"',
        ),
    ] = None
    endpoint: Annotated[bool, Key(read.BOOLEAN, "Served on its own (R124).")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """When people are told (R189-R194)."""

    error_rate: Annotated[str, Key(read.SHARE_THRESHOLD, "Share of requests that fail (R189).")] = (
        "> 1%"
    )
    p95: Annotated[str, Key(read.DURATION_THRESHOLD, "The 95th percentile (R190).")] = "> 2s"
    memory: Annotated[str, Key(read.SHARE_THRESHOLD, "Memory in use (R191).")] = "> 80%"
    cpu: Annotated[str | None, Key(read.SHARE_THRESHOLD, "CPU in use (R192).")] = None
    notify: Annotated[
        tuple[str, ...],
        Key(
            read.ADDRESSES,
            "`mailto:` and `https:` addresses.",
            example='["mailto:ops@example.org"]',
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Goals of a disaster (R249-R250)."""

    rto_seconds: Annotated[float, Key(read.DURATION, "Back within.", name="rto")] = 900.0
    rpo_seconds: Annotated[float, Key(read.DURATION, "Data lost at most.", name="rpo")] = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What continuous delivery does (R127-R138)."""

    on_push: Annotated[
        Mapping[str, str],
        Key(read.mapping(read.TEXT), "Branch to environment.", example='{ main = "staging" }'),
    ] = field(default_factory=dict[str, str])
    promote: Annotated[
        Mapping[str, str],
        Key(
            read.mapping(read.choice("by hand", "auto")),
            'Environment to `"by hand"` or `"auto"`.',
            example='{ production = "by hand" }',
        ),
    ] = field(default_factory=dict[str, str])


Node = Service | Site | Job | Database | Cache | Bucket | Stream | Table | Secret | Workflow | Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an environment sets for every app (R59-R66)."""

    debug: bool
    log_level: Literal["DEBUG", "INFO", "WARNING"]
    cache_ttl_seconds: int
    db_pool_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The parsed file with one environment laid over it; mappings are sorted by name."""

    name: Annotated[
        str, Key(read.NAME, "The app's name.", name="app", example='"hello"', required=True)
    ]
    environment: str
    profile: Profile
    services: Annotated[
        Mapping[str, Service], Key(read.nodes(Service), "Programs that answer.", name="service")
    ] = field(default_factory=dict[str, Service])
    sites: Annotated[
        Mapping[str, Site], Key(read.nodes(Site), "Static files behind a CDN.", name="site")
    ] = field(default_factory=dict[str, Site])
    jobs: Annotated[
        Mapping[str, Job], Key(read.nodes(Job), "Commands that run to their end.", name="job")
    ] = field(default_factory=dict[str, Job])
    databases: Annotated[
        Mapping[str, Database], Key(read.nodes(Database), "Databases.", name="database")
    ] = field(default_factory=dict[str, Database])
    caches: Annotated[Mapping[str, Cache], Key(read.nodes(Cache), "Redis.", name="cache")] = field(
        default_factory=dict[str, Cache]
    )
    buckets: Annotated[
        Mapping[str, Bucket], Key(read.nodes(Bucket), "Object stores.", name="bucket")
    ] = field(default_factory=dict[str, Bucket])
    streams: Annotated[
        Mapping[str, Stream], Key(read.nodes(Stream), "Streams of events.", name="stream")
    ] = field(default_factory=dict[str, Stream])
    tables: Annotated[
        Mapping[str, Table], Key(read.nodes(Table), "Key-value tables.", name="table")
    ] = field(default_factory=dict[str, Table])
    secrets: Annotated[
        Mapping[str, Secret], Key(read.nodes(Secret), "Secret values.", name="secret")
    ] = field(default_factory=dict[str, Secret])
    workflows: Annotated[
        Mapping[str, Workflow], Key(read.nodes(Workflow), "Jobs in order.", name="workflow")
    ] = field(default_factory=dict[str, Workflow])
    models: Annotated[
        Mapping[str, Model], Key(read.nodes(Model), "Trained models.", name="model")
    ] = field(default_factory=dict[str, Model])
    alarm: Annotated[
        Alarm | None, Key(read.optional(read.table(Alarm)), "When people are told.")
    ] = None
    recovery: Annotated[
        Recovery, Key(read.table(Recovery), "How soon it is back after a disaster.")
    ] = Recovery()
    pipeline: Annotated[
        Pipeline | None, Key(read.optional(read.table(Pipeline)), "Continuous delivery.")
    ] = None
    accounts: Annotated[
        Mapping[str, str],
        Key(
            read.mapping(read.TEXT),
            "Cloud accounts by a name of your own.",
            example='{ backend = "222222222222" }',
        ),
    ] = field(default_factory=dict[str, str])
    variables: Annotated[
        Mapping[str, str],
        Key(read.VARIABLES, "Environment variables of every service and job; their own win."),
    ] = field(default_factory=dict[str, str])
    keep_revisions: Annotated[int, Key(read.POSITIVE, "Revisions kept to roll back to.")] = 10

    def node(self, name: str) -> Node | None:
        """The node called `name`, of whatever kind."""
        for kind in (
            self.services,
            self.sites,
            self.jobs,
            self.databases,
            self.caches,
            self.buckets,
            self.streams,
            self.tables,
            self.secrets,
            self.workflows,
            self.models,
        ):
            if name in kind:
                return kind[name]
        return None
