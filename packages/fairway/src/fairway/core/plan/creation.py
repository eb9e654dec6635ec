"""What a plan makes on AWS, node by node in the app's words, each with its cause. Pure.

Against an empty account everything is new. Nodes are named as the estimate names them, so that a
node's price stands beside it; what no node of the file is (network, balancer, edge) comes last,
with the key that asks for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairway.core.cost.layout import (
    CACHE_CLASS,
    DATABASE_CLASS,
    Layout,
    fargate_size,
)
from fairway.core.plan.order import release_order
from fairway.core.spec.model import App, Blue, Canary, Database, Job, Service
from fairway.core.spec.renewal import renewed_databases

__all__ = ["Creation", "creations"]

DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """One thing that comes: its kind, its name in the file, what it is, and why."""

    kind: str
    name: str
    what: str
    cause: str

    @property
    def node(self) -> str:
        """`service api`; `network`, where it is nobody's node."""
        return f"{self.kind} {self.name}".rstrip()


def creations(app: App, layout: Layout) -> tuple[Creation, ...]:
    """Everything that comes: data, then services in the order of their uses, then the rest."""
    return (
        *of_data(app, layout),
        *(of_program(app, app.programs[name]) for name in release_order(app)),
        *of_jobs(app),
        *of_sites(app),
        *of_networks(app),
        *of_surroundings(app, layout),
    )


def of_data(app: App, layout: Layout) -> Iterator[Creation]:
    renewed = renewed_databases(app)
    for name, database in app.databases.items():
        if database.is_made:
            what = of_database(database, layout)
            if database in renewed:
                what += f", a new password every {database.rotate_seconds / DAY:g} days"
            yield Creation(kind="database", name=name, what=what, cause=used(app, name))
    for name, cache in app.caches.items():
        if cache.is_made:
            nodes = "one node" if layout.cache_nodes == 1 else f"{layout.cache_nodes} nodes"
            what = f"{layout.cache_engine.capitalize()}, {nodes} of {cache.size or CACHE_CLASS}"
            yield Creation(kind="cache", name=name, what=what, cause=used(app, name))
    for name, bucket in app.buckets.items():
        words = ["private, encrypted"]
        words += ["tiered"] if bucket.tiering else []
        if bucket.keep_seconds is not None:
            words.append(f"objects kept {bucket.keep_seconds / DAY:g} days")
        yield Creation(kind="bucket", name=name, what=", ".join(words), cause=used(app, name))
    yield from of_events(app)


def of_events(app: App) -> Iterator[Creation]:
    """Tables, streams and secrets."""
    for name, table in app.tables.items():
        what = f"key-value, by {table.key}, paid by request"
        yield Creation(kind="table", name=name, what=what, cause=used(app, name))
    for name, stream in app.streams.items():
        what = f"lands in {stream.into} every {stream.flush_seconds:g} s"
        yield Creation(kind="stream", name=name, what=what, cause=used(app, name))
    for name, secret in app.secrets.items():
        turn = secret.rotate_seconds
        what = "you give its value" if turn is None else f"renewed every {turn / DAY:g} days"
        if turn is None and secret.generate:
            what = "made once"
        yield Creation(kind="secret", name=name, what=what, cause=used(app, name))


def of_database(database: Database, layout: Layout) -> str:
    count = database.read_replicas
    replicas = f", {count} read replica{'' if count == 1 else 's'}" if count else ""
    if count and database.replica_zones > 1 and not database.serverless:
        replicas += " in 2 zones"
    zones = "2 zones" if database.zones > 1 else "1 zone"
    if database.serverless:
        return f"PostgreSQL, {layout.least_acu:g} to {layout.most_acu:g} ACU, {zones}{replicas}"
    return f"PostgreSQL {database.size or DATABASE_CLASS}, {zones}{replicas}"


def of_program(app: App, program: Service) -> Creation:
    return of_service(app, program) if program.answers else of_worker(program)


def of_worker(worker: Service) -> Creation:
    what = tasks(worker) + (" on Spot" if worker.interruptible else "")
    way = "the old one ends first" if worker.runs_alone else "rolling"
    cause = "it works, and nobody asks it"
    return Creation(kind="worker", name=worker.name, what=f"{what}, {way}", cause=cause)


def tasks(service: Service) -> str:
    """How many tasks of which size."""
    size = fargate_size(service.cpu, service.memory_mib)
    of = "" if size is None else f" of {size[0]:g} vCPU, {size[1]:g} GB"
    is_one = service.replicas.minimum == service.replicas.maximum == 1
    what = f"{service.replicas} task{'' if is_one else 's'}{of}"
    return what if service.off_hours is None else f"{what}, {service.off_hours.replicas} off hours"


def of_service(app: App, service: Service) -> Creation:
    causes = ["people reach it"] if service.public else []
    others = users(app, service.name)
    causes += [f"{listed(others)} {'uses' if len(others) == 1 else 'use'} it"] if others else []
    if service.kind == "function":
        what = f"function with {service.memory_mib} MiB, at most {service.replicas.maximum} copies"
        what += ", canary" if isinstance(service.release, Canary) else ""
    else:
        what = f"{tasks(service)}, {way(service)}"
    cause = ", ".join(causes) or "the file names it"
    return Creation(kind="service", name=service.name, what=what, cause=cause)


def way(service: Service) -> str:
    """How new revisions take over."""
    match service.release:
        case Blue():
            return "blue/green"
        case Canary():
            return "canary"
        case _:
            return "rolling"


def of_jobs(app: App) -> Iterator[Creation]:
    for name, job in app.jobs.items():
        size = fargate_size(job.cpu, job.memory_mib)
        of = "" if size is None else f" of {size[0]:g} vCPU, {size[1]:g} GB"
        spot = " on Spot" if job.interruptible else ""
        yield Creation(kind="job", name=name, what=f"task{of}{spot}", cause=when(app, job))
    for name, workflow in app.workflows.items():
        cause = f"at {workflow.schedule} UTC" if workflow.schedule else "started by hand"
        what = f"{listed(workflow.steps)}, one after the other"
        yield Creation(kind="workflow", name=name, what=what, cause=cause)


def when(app: App, job: Job) -> str:
    """What makes it run."""
    causes: list[str] = []
    if job.schedule is not None:
        once = job.schedule == "@once"
        causes.append("once, at the first start" if once else f"at {job.schedule} UTC")
    if job.only_if_new is not None:
        causes.append(f"if {job.only_if_new} has new objects")
    if job.on_new is not None:
        causes.append(f"when {job.on_new} has new objects")
    before = [each.name for each in app.jobs.values() if job.name in each.then]
    causes += [f"after {listed(before)}"] if before else []
    flows = [each.name for each in app.workflows.values() if job.name in each.steps]
    causes += [f"a step of {listed(flows)}"] if flows else []
    return ", ".join(causes) or "started by hand"


def of_sites(app: App) -> Iterator[Creation]:
    for name, site in app.sites.items():
        what = f"{site.root} in a private bucket, behind the edge"
        what += f", in the account {site.account}" if site.account in app.accounts else ""
        yield Creation(kind="site", name=name, what=what, cause="people reach it")
    for name, model in app.models.items():
        what = f"{model.artifact}, {'an endpoint of its own' if model.endpoint else 'in place'}"
        yield Creation(kind="model", name=name, what=what, cause=used(app, name))


def of_networks(app: App) -> Iterator[Creation]:
    """What the app's network is joined to."""
    for name, network in app.networks.items():
        way = f"peered: {network.peer}" if network.peer else f"through {network.transit}"
        what = f"{way}, {listed(network.addresses)}"
        cause = "the file names it: services and jobs reach it, data does not"
        yield Creation(kind="network", name=name, what=what, cause=cause)


def of_surroundings(app: App, layout: Layout) -> Iterator[Creation]:
    """What the file asks for without naming it."""
    public = [
        each.name for each in app.services.values() if each.public and each.kind == "container"
    ]
    kept = [
        f"service.{each.name}.cache" for each in app.services.values() if each.cache and each.public
    ]
    sites = [f"site.{name}" for name in app.sites]
    walls = [f"service.{each.name}.firewall" for each in app.services.values() if each.firewall]
    walls += [f"site.{each.name}.firewall" for each in app.sites.values() if each.firewall]
    ways = {0: "private endpoints only", 1: "one NAT gateway"}
    out = ways.get(layout.nat_gateways, f"{layout.nat_gateways} NAT gateways")
    rest = [
        ("network", f"{layout.zones} zones, {out}", "tasks and data are private"),
        ("balancer", f"TLS, in {layout.zones} zones", f"public: {listed(public)}"),
        ("edge", "CDN", listed([*kept, *sites])),
        ("firewall", of_firewalls(layout), listed(walls)),
        ("secrets", of_secrets(layout), "everything at rest is encrypted"),
        ("images", "registry, scanned", f"keep_revisions = {app.keep_revisions}"),
        ("watching", of_watching(layout), "alarm" if app.alarm else "every app has it"),
    ]
    absent = {
        "balancer": not layout.balancers,
        "edge": not kept and not sites,
        "firewall": not layout.edge_rules and not layout.balancer_rules,
        "secrets": not layout.secrets and not layout.keys,
        "images": not app.programs and not app.jobs,
    }
    for kind, what, cause in rest:
        if not absent.get(kind):
            yield Creation(kind=kind, name="", what=what, cause=cause)


def of_secrets(layout: Layout) -> str:
    secrets = f"{layout.secrets} secret{'' if layout.secrets == 1 else 's'}, "
    return f"{secrets if layout.secrets else ''}{layout.keys} key{'' if layout.keys == 1 else 's'}"


def of_firewalls(layout: Layout) -> str:
    """Where there is one, with how many rules."""
    places = (("edge", layout.edge_rules), ("balancer", layout.balancer_rules))
    return ", ".join(f"{rules} rules at the {place}" for place, rules in places if rules)


def of_watching(layout: Layout) -> str:
    count = layout.alarms
    alarms = f"alarms on {count} metric{'' if count == 1 else 's'}" if count else "no alarms"
    return f"logs of {layout.log_days} days, {alarms}, a dashboard"


def used(app: App, name: str) -> str:
    """Who uses a node."""
    found = users(app, name)
    if not found:
        return "the file names it"
    return f"{listed(found)} {'uses' if len(found) == 1 else 'use'} it"


def users(app: App, name: str) -> list[str]:
    nodes: list[Service | Job] = [*app.programs.values(), *app.jobs.values()]
    return [each.name for each in nodes if name in each.uses]


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names or ("",)
    return f"{', '.join(first)} and {last}" if first else last
