"""docs/reference/local.md: what this machine runs for real, stands in for, or does not do yet.

Pure. Each row is a piece of `fairway.toml`; what is missing is asked of the local target itself
(`targets/local/gaps.py`), so the page cannot promise what `fairway up` denies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairway.core.spec.parse import parse
from fairway.targets.local.gaps import gaps

__all__ = ["COMMAND", "JOB", "ROWS", "WEB", "Row", "missing", "page"]

REAL = "real"
STANDS_IN = "stands in"
PROCESSORS = 2

INTRODUCTION = """\
# What runs on this machine

<!-- Made from targets/local/gaps.py by tools/reference_local.py: `make docs` writes it anew. -->

`fairway up` runs an app in its production shape from ordinary processes, without Docker and
without a cloud. *Real*: the program that production uses, or its like (Envoy as balancer,
PostgreSQL, Redis). *Stands in*: another program with the same interface. *Not yet*: the file may
ask for it, and before anything starts Fairway says in these words that it will not be honoured.

[What runs where](capabilities.md) has AWS beside it, which emulators stand in for.

| in the file | | on this machine |
|---|---|---|
"""
ENDING = """
Without an effect here, because they are about a cloud: `cpu` as a limit (it is what scaling
measures against), `kind`, `storage`, `accounts`, `rotate`: values are made once and kept.

Only loopback addresses are bound. There is no TLS. Every process runs as the user who called
Fairway; PostgreSQL as an unprivileged one where that is root.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A part of the language, a file that uses it, and how it runs, unless the target denies it."""

    what: str
    text: str
    runs: str = ""
    how: str = REAL
    is_in_part: bool = False  # what the target says then is a limit, not a refusal


WEB = '[service.web]\nasgi = "m:a"\npublic = true\nreplicas = 2\n'
API = '[service.api]\nasgi = "m:a"\nreplicas = 2\n'
RANGE = WEB.replace("replicas = 2", 'replicas = "2..10"')
GREEN = WEB + 'release = "blue_green"\n'
CANARY = WEB + 'release = "canary"\n'
PER_USER = WEB + 'limits.per_user = "60/min"\n'
SCRIPT = '[service.web]\nscript = "a.py"\nreplicas = 2\n'
FUNCTION = WEB + 'kind = "function"\n'
COMMAND = '[service.web]\ncommand = "x"\nreplicas = 2\n'
JOB = '[job.j]\ncommand = "x"\n'
WORKER = '[worker.w]\ncommand = "x"\ncpu = 0.25\nreplicas = 2\n'
ALONE = WORKER.replace("replicas = 2", "replicas = 1")
WORKERS = WORKER.replace("replicas = 2", 'replicas = "1..4"')
MEMORY = (
    "watched, not enforced by the kernel: a replica above it gets a successor and is then replaced"
)
ROWS = (
    Row("`asgi`, `wsgi`", WEB, "uvicorn with the Fairway runtime around the app"),
    Row("`script`", SCRIPT, "Streamlit, as one ASGI app"),
    Row("`command`", COMMAND, "the program itself, on `$PORT`"),
    Row("`public`, `port`", WEB + "port = 8000\n", "Envoy; the port stays over releases"),
    Row("`sticky`", WEB + "sticky = true\n", "Envoy, by a cookie; WebSockets pass"),
    Row("`replicas`", WEB, "child processes, each on a port of its own"),
    Row('`replicas = "2..10"`', RANGE, "they follow load; with 2 processors:", is_in_part=True),
    Row("`memory`", WEB + 'memory = "256 MiB"\n', MEMORY),
    Row("`timeouts`", WEB + 'timeouts.drain = "5s"\n', "in Envoy and in the runtime"),
    Row("`before`", WEB + 'before = "x"\n', "once before each release, which fails with it"),
    Row("`build`", WEB + 'build = "x"\n', "before the first replica of a revision"),
    Row("`release`: rolling, blue_green", GREEN, "shares of traffic, set in Envoy"),
    Row("`release`: canary", CANARY, "shares of traffic, judged by what both revisions answer"),
    Row("canary of a `command`", COMMAND + 'release = "canary"\n'),
    Row("canary of a function", FUNCTION + 'release = { canary = ["10% for 15m"] }\n',
        "shares of traffic, as of a container"),
    Row("`limits.body`", WEB + 'limits.body = "1 MB"\n', "in the runtime"),
    Row("`limits.per_ip`", WEB + 'limits.per_ip = "60/min"\n', "in the runtime"),
    Row("`limits.per_user`", PER_USER, "in the runtime;", is_in_part=True),
    Row("limits of a `command`", COMMAND + 'limits.per_ip = "60/min"\n'),
    Row("`cache`", WEB + 'cache = { "/*" = "1m" }\n', "at the edge"),
    Row("`off_hours`", WEB + 'off_hours = { replicas = 2, from = "22:00", to = "05:00" }\n',
        "replicas by the hour, UTC"),
    Row("`firewall`", WEB + "firewall = true\n"),
    Row("`account` of a service", WEB + 'account = "a"\n[accounts]\na = "111111111111"\n'),
    Row("services that use services", WEB + 'uses = ["api"]\n' + API, "through Envoy, by variable"),
    Row('`kind = "function"`', WEB + 'kind = "function"\n', "replicas, as of a container"),
    Row("`worker`", WORKER, "child processes, started again when they end; a new one must live"),
    Row("`worker` with `replicas = 1`", ALONE, "never two: the old one has ended before the next"),
    Row('`worker` with `replicas = "1..4"`', WORKERS, "they follow CPU and memory; with 2 "
        "processors:", is_in_part=True),
    Row("`interruptible` of a worker", WORKER + "interruptible = true\n"),
    Row("`job`: by hand, `schedule`, `on_new`, `then`", JOB + 'schedule = "@daily"\n',
        "a process a run; one at a time, retries, history"),
    Row("`database`", "[database.d]\n", "PostgreSQL, archiving its write-ahead log"),
    Row('`engine = "sqlite"`', '[database.d]\nengine = "sqlite"\n', "a file"),
    Row("`url`", '[database.d]\nurl = "env:X"\n', "the server that you name"),
    Row("`zones`", "[database.d]\nzones = 2\n"),
    Row("`read_replicas`", "[database.d]\nread_replicas = 1\n"),
    Row("`replica_zones`", "[database.d]\nread_replicas = 1\nreplica_zones = 2\n"),
    Row("`serverless`", "[database.d]\nserverless = true\n"),
    Row("`cache` (a node)", "[cache.c]\n", "Redis, by Valkey; kept over a restart"),
    Row("`bucket`", "[bucket.b]\n", "ministack: an S3 API over files", STANDS_IN),
    Row("`keep` of a bucket", '[bucket.b]\nkeep = "1y"\n'),
    Row("`versions` of a bucket", "[bucket.b]\nversions = true\n"),
    Row("`tiering` of a bucket", "[bucket.b]\ntiering = true\n"),
    Row("`size` of a database", '[database.d]\nsize = "db.t4g.micro"\n'),
    Row("`size` of a cache", '[cache.c]\nsize = "cache.t4g.micro"\n'),
    Row("`interruptible`", JOB + "interruptible = true\n"),
    Row("`recovery`", '[recovery]\nrto = "5m"\n'),
    Row("`pipeline`", '[pipeline]\non_push = { main = "staging" }\n'),
    Row("`test`", WEB + 'test = "x"\n', "against a new replica's own address, before it serves"),
    Row("`probes` of a canary", WEB + 'release.canary.probes = "/"\n',
        "asked of the replicas of both revisions"),
    Row("`secret`", "[secret.S]\ngenerate = true\n", "generated once, or from `.env`"),
    Row("`site`", '[site.s]\nroot = "."\n',
        "its `build`, its files, deep links, CSP, CORS at what it `calls`;", is_in_part=True),
    Row("`calls` of a site to a `command`",
        '[site.s]\nroot = "."\ncalls = ["web"]\n' + COMMAND + "public = true\n"),
    Row("`firewall` of a site", '[site.s]\nroot = "."\nfirewall = true\n'),
    Row("`account` of a site",
        '[site.s]\nroot = "."\naccount = "a"\n[accounts]\na = "111111111111"\n'),
    Row("`stream`", '[stream.s]\ninto = "b/"\n[bucket.b]\n'),
    Row("`table`", '[table.t]\nkey = "id"\n'),
    Row("`workflow`", '[workflow.w]\nsteps = ["j"]\n' + JOB,
        "at its time, or by `fairway run`, which goes on where it stopped"),
    Row("`model`", '[model.m]\nartifact = "b/"\nserve = "m:p"\n[bucket.b]\n'),
    Row("`network` by `peer`",
        f'[network.n]\npeer = "vpc-{"0" * 17}"\naddresses = "10.40.0.0/16"\n'),
    Row("`network` by `transit`",
        f'[network.n]\ntransit = "tgw-{"0" * 17}"\naddresses = "10.40.0.0/16"\n'),
    Row("`alarm`", "[alarm]\n"),
)  # fmt: skip


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "\n".join(rows()) + "\n" + ENDING


def rows() -> Iterator[str]:
    for row in ROWS:
        found = "; ".join(what for _, what in missing(row))
        if row.is_in_part:
            yield f"| {row.what} | in part | {row.runs} {found} |"
        elif found:
            yield f"| {row.what} | not yet | {found} |"
        else:
            yield f"| {row.what} | {row.how} | {row.runs} |"


def missing(row: Row) -> tuple[tuple[str, str], ...]:
    """What the target says it will not honour of a row: where and what."""
    app = parse(f'app = "x"\n{row.text}').app("local")
    return tuple((gap.where, gap.what) for gap in gaps(app, PROCESSORS))
