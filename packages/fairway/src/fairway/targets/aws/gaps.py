"""What the AWS target does not honour of a file. Pure: each is said before anything is written.

Never dropped silently: whoever adds a key to the file adds it to the templates or to this list.
"""

from collections.abc import Iterator, Sequence

from fairway.core.problem import Problem
from fairway.core.spec.model import (
    App,
    Blue,
    Canary,
    Database,
    Job,
    Network,
    Recovery,
    Rolling,
    Service,
    Site,
    Worker,
)
from fairway.targets.aws.function_gaps import function_gaps
from fairway.targets.aws.render.accounts import away
from fairway.targets.aws.render.balancer import cross_origin
from fairway.targets.aws.render.cron import is_sayable
from fairway.targets.aws.render.deployment import is_linear
from fairway.targets.aws.render.edge import is_guarded
from fairway.targets.aws.render.hosts import cached_services
from fairway.targets.aws.render.parts import part_gaps
from fairway.targets.aws.render.scaling import scales
from fairway.targets.aws.render.sizes import fitting
from fairway.targets.aws.render.tasks import LONGEST_CHECK_SECONDS

__all__ = ["gaps"]

LONGEST_AT_EDGE_SECONDS = 60
BARE = Service(name="bare", asgi="app")
USUAL = (BARE.cpu, BARE.memory_mib)  # where the file says neither, of jobs too


def gaps(app: App) -> list[Problem]:
    """Every part of the app that AWS would not run as the file says, with what happens instead."""
    return [
        *_whole_nodes(app),
        *(
            gap
            for service in app.services.values()
            for gap in (
                function_gaps(app, service) if service.kind == "function" else _of_service(service)
            )
        ),
        *(
            gap
            for service in app.services.values()
            for gap in _of_account(app, f"service.{service.name}", service)
        ),
        *(gap for each in app.workers.values() for gap in _of_worker(each)),
        *(gap for job in app.jobs.values() for gap in _of_job(app, job)),
        *(gap for database in app.databases.values() for gap in _of_database(database)),
        *_of_edge(app),
        *_of_others(app),
        *part_gaps(app),
    ]


def _whole_nodes(app: App) -> Iterator[Problem]:
    for name in app.streams:
        yield Problem(f"stream.{name}", "streams are not rendered for AWS yet")
    for name in app.models:
        yield Problem(
            f"model.{name}",
            "no endpoint serves it; who uses it may read its artifact",
        )
    if app.pipeline is not None:
        what = "no workflow is rendered yet"
        if app.pipeline.repository is not None:
            files = ["ci.json", *(f"ci-{account}.json" for account in away(app))]
            where = "in each account " if len(files) > 1 else ""
            what += f"; the role that it takes {where}is: {' and '.join(files)}"
        yield Problem("pipeline", what)
    if app.recovery != Recovery():
        yield Problem("recovery", "nothing measures these goals on AWS yet")


def _of_service(service: Service) -> Iterator[Problem]:
    at = f"service.{service.name}"
    if scales(service) and service.scale.queue:
        what = (
            f"the balancer does not tell when {service.scale.queue} requests wait; "
            "CPU and memory add replicas"
        )
        yield Problem(f"{at}.scale.queue", what, "Add `scale.requests`: requests a second of one.")
    if service.cache and not service.public:
        yield Problem(f"{at}.cache", "only the edge keeps answers, and it is not public")
    if service.cache and service.public:
        what = "the balancer takes TLS 1.2 too, which the CDN speaks to it; visitors have 1.3"
        yield Problem(f"{at}.cache", what)
    if service.cache and service.timeouts.request_seconds > LONGEST_AT_EDGE_SECONDS:
        what = f"the edge waits {LONGEST_AT_EDGE_SECONDS} s for an answer"
        yield Problem(f"{at}.timeouts.request", what, "AWS raises it when asked.")
    if service.test is not None:
        what = "nothing tests a new revision before it takes over yet"
        yield Problem(f"{at}.test", what)
    yield from _of_release(at, service)
    yield from _of_clients(at, service)
    yield from _of_size(at, service)


def _of_worker(worker: Worker) -> Iterator[Problem]:
    at = f"worker.{worker.name}"
    longest, steady = LONGEST_CHECK_SECONDS, worker.timeouts.steady_seconds
    if steady > longest:
        what = f"ECS counts a task as started once it has run for {longest} s"
        yield Problem(f"{at}.timeouts.steady", what)
    yield from _of_size(at, worker)


def _of_edge(app: App) -> Iterator[Problem]:
    for kind, nodes in (("site", app.sites.values()), ("service", cached_services(app))):
        for node in nodes:
            if is_guarded(app, node):
                what = "the CDN's firewall has no log; what it refuses is a 403 in the CDN's own"
                yield Problem(f"{kind}.{node.name}.firewall", what)


def _of_release(at: str, service: Service) -> Iterator[Problem]:
    match service.release:
        case Rolling(batch=batch, surge=surge) if batch != surge:
            what = f"ECS replaces as many at a time as it may start beside the others: {surge}"
            yield Problem(f"{at}.release.rolling.batch", what)
        case Canary(steps=steps, probes=probes):
            if probes:
                yield Problem(f"{at}.release.canary.probes", "nothing asks them on AWS yet")
            if len(steps) > 1 and not is_linear(steps):
                first = steps[0]
                what = (
                    f"ECS knows one step: {first.percent:g}% for {first.hold_seconds / 60:g} min, "
                    "then all"
                )
                mend = 'Even steps of the same length, such as "25%", "50%", "75%", are all kept.'
                yield Problem(f"{at}.release.canary", what, mend)
            what = "ECS judges it by alarms alone: without traffic it passes"
            yield Problem(f"{at}.release.canary", what)
        case _:
            pass
    if isinstance(service.release, Blue | Canary) and not service.public:
        yield Problem(f"{at}.release", "without the balancer no alarm judges the new revision")


def _of_clients(at: str, service: Service) -> Iterator[Problem]:
    limits = service.limits
    if service.command is not None and (limits.per_ip or limits.per_user):
        what = "requests to a server of your own are not limited per client"
        mend = "Name the app by asgi, wsgi or script, or write firewall = true."
        yield Problem(f"{at}.limits", what, mend)
    elif limits.per_user is not None and limits.per_ip is None:
        what = "users are limited where addresses are: nobody is"
        yield Problem(f"{at}.limits.per_user", what, "Write `per_ip` too.")
    if service.firewall and not service.public:
        yield Problem(f"{at}.firewall", "nothing from outside reaches it; no firewall is made")


def _of_size(at: str, node: Service | Worker | Job) -> Iterator[Problem]:
    """Fargate has steps. Where the file says no size, it is given one, and loses nothing."""
    size = fitting(node.cpu, node.memory_mib)
    if (node.cpu, node.memory_mib) == USUAL:
        return
    if size is not None and (size.cpu, size.memory_mib) != (
        round(node.cpu * 1024),
        node.memory_mib,
    ):
        what = (
            f"Fargate has no {node.cpu:g} processors with {node.memory_mib} MiB; "
            f"it gets {size.cpu / 1024:g} with {size.memory_mib}"
        )
        yield Problem(f"{at}.memory", what)


def _of_account(app: App, at: str, node: Service | Site) -> Iterator[Problem]:
    if node.account is not None and node.account not in app.accounts:
        what = f"{app.environment} names no accounts: it stands where whoever deploys signs in"
        mend = f'Write [environment.{app.environment}.accounts] {node.account} = "…".'
        yield Problem(f"{at}.account", what, mend)


def _of_job(app: App, job: Job) -> Iterator[Problem]:
    at = f"job.{job.name}"
    yield from _of_size(at, job)
    yield from _of_schedule(at, job.schedule)
    for name in job.uses:
        if name in app.services and not app.services[name].public:
            what = f"a job cannot reach {name}: only services are in its mesh"
            yield Problem(f"{at}.uses", what, f"Make {name} public, or call it from a service.")


def _of_schedule(at: str, schedule: str | None) -> Iterator[Problem]:
    if schedule is None or is_sayable(schedule):
        return
    what = f"EventBridge Scheduler cannot say {schedule}; nothing starts it"
    yield Problem(f"{at}.schedule", what, "Start its state machine by hand.")


def _of_database(database: Database) -> Iterator[Problem]:
    at = f"database.{database.name}"
    if database.engine == "sqlite":
        what = "its file is lost with its task, and each replica has its own"
        yield Problem(f"{at}.engine", what, 'Write engine = "postgres".')
        return
    if database.url is not None:
        yield Problem(f"{at}.url", "its address is a secret that is made empty: put its value")
        return
    if database.read_replicas:
        what = "nothing sends reads to a replica; its address is in Parameter Store"
        yield Problem(f"{at}.read_replicas", what)
    yield from _of_zones(at, database)
    if database.serverless and database.size is not None:
        yield Problem(f"{at}.size", "it has no size: it scales with its load")


def _functions(app: App, node: str) -> str:
    """The functions that use a node."""
    return ", ".join(
        each.name for each in app.services.values() if each.kind == "function" and node in each.uses
    )


def _of_zones(at: str, database: Database) -> Iterator[Problem]:
    two = "it stands in two zones: an instance and its standby"
    if database.zones > 2 and not database.serverless:
        yield Problem(f"{at}.zones", two)
    if database.replica_zones > 1:
        at = f"{at}.replica_zones"
        if not database.read_replicas:
            yield Problem(at, "it has no replica", "Write read_replicas = 1.")
        elif database.serverless:
            yield Problem(at, "a reader of Aurora stands in one zone")
        elif database.replica_zones > 2:
            yield Problem(at, two)


def _of_site(app: App, site: Site, callers: Sequence[str]) -> Iterator[Problem]:
    at = f"site.{site.name}"
    yield from _of_account(app, at, site)
    if site.name in callers:
        yield Problem(f"{at}.calls", "OPTIONS is the app's to answer")
    if site.name in callers and len(callers) > 1:
        yield Problem(f"{at}.calls", "the balancer adds CORS headers for one site only")


def _of_network(app: App, network: Network) -> Iterator[Problem]:
    at = f"network.{network.name}"
    what = f"the way back is not made: from there to {app.addresses}"
    mend = "Add that route there, and let it in."
    yield Problem(at, what, mend)
    if network.transit is not None:
        what = "its owner accepts the attachment by hand, unless the gateway accepts by itself"
        yield Problem(f"{at}.transit", what, "It must be shared with the app's account before.")


def _of_others(app: App) -> Iterator[Problem]:
    for workflow in app.workflows.values():
        yield from _of_schedule(f"workflow.{workflow.name}", workflow.schedule)
    callers = cross_origin(app)
    for site in app.sites.values():
        yield from _of_site(app, site, callers)
    for name, cache in app.caches.items():
        if cache.enabled and cache.url is not None:
            what = "its address is a secret that is made empty: put its value"
            yield Problem(f"cache.{name}.url", what)
    for network in app.networks.values():
        yield from _of_network(app, network)
    for name in app.tables:
        what = "no variable brings its name yet; it is in Parameter Store"
        yield Problem(f"table.{name}", what)
    yield from _of_secrets(app)


def _of_secrets(app: App) -> Iterator[Problem]:
    for name, secret in app.secrets.items():
        at = f"secret.{name}"
        if secret.rotate_seconds is not None:
            if those := _functions(app, name):
                what = f"{those}: a copy keeps the value that it started with until Lambda ends it"
                yield Problem(f"{at}.rotate", what)
        elif not secret.generate:
            yield Problem(at, "it is made empty: put its value before what uses it starts")
