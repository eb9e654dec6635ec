"""Services: programs that answer requests, and how they are released, scaled and limited."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fairway.core.spec import readers as read
from fairway.core.spec.key import Key
from fairway.core.spec.quantities import CanaryStep, Rate, Replicas

__all__ = [
    "Blue",
    "Canary",
    "Limits",
    "OffHours",
    "Release",
    "Rolling",
    "Scale",
    "ScaleDown",
    "Service",
    "Timeouts",
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
    probes: Annotated[
        tuple[str, ...],
        Key(
            read.URL_PATHS,
            "Asked of both revisions while too few visitors come to judge them.",
            example='["/", "/api/items"]',
        ),
    ] = ()


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
    test: Annotated[
        str | None,
        Key(
            read.COMMAND,
            "Tests a new revision on its own address, `FAIRWAY_TEST_URL`, before it takes over"
            " (R149).",
            example='"python smoke.py"',
        ),
    ] = None
    warmup: Annotated[
        tuple[str, ...],
        Key(
            read.URL_PATHS,
            "Asked inside a new replica, several times each, before it gets visitors: what opens"
            " connections or compiles at first.",
            example='["/api/items?size=1"]',
        ),
    ] = ()
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
        Mapping[str, str],
        Key(
            read.VARIABLES,
            "Environment variables of its own; `${db.host}` is a part of what it uses.",
        ),
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
    # What only a worker sets, which runs as a service without a front.
    answers: bool = True
    steady_seconds: float = 0.0
    interruptible: bool = False

    @property
    def node_kind(self) -> Literal["service", "worker"]:
        """What the file calls it."""
        return "service" if self.answers else "worker"

    @property
    def runs_alone(self) -> bool:
        """Whether two of it must never run at once."""
        ranges = [self.replicas, *([self.off_hours.replicas] if self.off_hours else [])]
        return not self.answers and max(each.maximum for each in ranges) <= 1

    def capped(self, count: int) -> int:
        """`count` replicas, or one where two must never run."""
        return min(count, 1) if self.runs_alone else count
