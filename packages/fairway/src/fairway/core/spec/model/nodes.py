"""The nodes beside services: sites, jobs, data, secrets, workflows, models, other networks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fairway.core.spec import readers as read
from fairway.core.spec.key import Key

__all__ = [
    "Bucket",
    "Cache",
    "Database",
    "Job",
    "Model",
    "Network",
    "Secret",
    "Site",
    "Stream",
    "Table",
    "Workflow",
]


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
        Mapping[str, str],
        Key(
            read.VARIABLES,
            "Environment variables of its own; `${db.host}` is a part of what it uses.",
        ),
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
    replica_zones: Annotated[
        int, Key(read.POSITIVE, "Availability zones of each read replica (R84).")
    ] = 1
    backups_seconds: Annotated[
        float, Key(read.DURATION_OR_ZERO, "How long backups are kept (R246).", name="backups")
    ] = 7 * 86400.0
    serverless: Annotated[bool, Key(read.BOOLEAN, "Scales with its load (R78).")] = False
    rotate_seconds: Annotated[
        float,
        Key(
            read.DURATION,
            "Its password is renewed this often (R74).",
            example='"90d"',
            name="rotate",
        ),
    ] = 90 * 86400.0

    @property
    def is_server(self) -> bool:
        """Whether it is asked over the network; a SQLite file is not."""
        return self.engine == "postgres"

    @property
    def is_made(self) -> bool:
        """Whether a target makes its server: it is none that exists elsewhere."""
        return self.is_server and self.url is None


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

    @property
    def is_made(self) -> bool:
        """Whether a target makes its server: it is on, and none that exists elsewhere."""
        return self.enabled and self.url is None


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
class Network:
    """A network of your own that the app's is joined to (R205): by `peer` or by `transit`."""

    name: str
    peer: Annotated[
        str | None,
        Key(read.PEER, "The network itself, or a peering with it that is there: `pcx-…`."),
    ] = None
    transit: Annotated[
        str | None, Key(read.TRANSIT, "A gateway that joins several networks; it leads there.")
    ] = None
    addresses: Annotated[
        tuple[str, ...],
        Key(
            read.BLOCKS,
            "Its private addresses that services and jobs reach.",
            required=True,
        ),
    ]
    region: Annotated[str | None, Key(read.REGION, "The peer's, where it is not the app's.")] = None
    role: Annotated[
        str | None,
        Key(
            read.ROLE,
            "For a peer in another account: its role that lets the app's account in.",
        ),
    ] = None
