"""What the local target can't honour. Pure: each is said before anything starts."""

from collections.abc import Iterator

from fairway.core.problem import Problem
from fairway.core.release.deployment import cannot_be_judged
from fairway.core.spec.model import App, Database, Recovery, Service, Worker

__all__ = ["gaps"]


def gaps(app: App, processors: int) -> list[Problem]:
    """Every part of the app that does not run here, with what happens instead."""
    return [
        *whole_nodes(app),
        *of_sites(app),
        *of_services(app, processors),
        *of_workers(app, processors),
        *of_data(app),
        *of_a_cloud(app),
    ]


def whole_nodes(app: App) -> Iterator[Problem]:
    for name in app.streams:
        yield Problem(f"stream.{name}", "streams do not run on this machine yet")
    for name in app.tables:
        yield Problem(f"table.{name}", "key-value tables do not run on this machine yet")
    for name in app.models:
        yield Problem(f"model.{name}", "models are not served on this machine yet")
    for name in app.networks:
        what = "nothing is joined here: the app reaches what this machine reaches"
        yield Problem(f"network.{name}", what)
    if app.alarm is not None:
        yield Problem("alarm", "alarms are not sent from this machine yet")


def of_sites(app: App) -> Iterator[Problem]:
    for name, site in app.sites.items():
        at = f"site.{name}"
        yield Problem(at, "no CDN stands in front here: one replica serves its files")
        for called in site.calls:
            if app.services[called].command is not None:
                what = f"{called} is a server of your own: nobody adds CORS headers to its answers"
                yield Problem(f"{at}.calls", what, "Answer OPTIONS yourself, or name it by asgi.")
        if site.firewall:
            yield Problem(f"{at}.firewall", "no firewall stands in front here")
        if site.account is not None:
            yield Problem(f"{at}.account", "there is one account here: this machine")


def of_services(app: App, processors: int) -> Iterator[Problem]:
    for name, service in app.services.items():
        at = f"service.{name}"
        if service.cache:
            yield Problem(f"{at}.cache", "no edge keeps answers here; every request is served")
        if service.replicas.maximum > max(service.replicas.minimum, processors):
            yield Problem(f"{at}.replicas", *at_most(service, processors))
        if cannot_be_judged(service):
            what = "a server of your own can't be measured by revision; releases roll instead"
            yield Problem(f"{at}.release", what, "Name the app by asgi, wsgi or script.")
        yield from of_access(at, service)


def of_workers(app: App, processors: int) -> Iterator[Problem]:
    for name, worker in app.workers.items():
        at = f"worker.{name}"
        if worker.replicas.maximum > max(worker.replicas.minimum, processors):
            yield Problem(f"{at}.replicas", *at_most(worker, processors))
        if worker.interruptible:
            yield Problem(f"{at}.interruptible", "nothing takes capacity away here")


def at_most(program: Service | Worker, processors: int) -> tuple[str, str]:
    """What happens to a range here, and what to do about it."""
    most = max(program.replicas.minimum, processors)
    what = f"load starts at most {most} here, one a processor"
    return what, f"Set another number with `fairway scale {program.name}=N`."


def of_access(at: str, service: Service) -> Iterator[Problem]:
    if service.firewall:
        yield Problem(f"{at}.firewall", "no firewall stands in front here")
    limits = service.limits
    if service.command is not None and (limits.per_ip or limits.per_user):
        what = "requests to a server of your own are not limited per client here"
        yield Problem(f"{at}.limits", what, "Name the app by asgi, wsgi or script.")
    elif limits.per_user is not None and limits.per_ip is None:
        what = "users are limited where addresses are: nobody is here"
        yield Problem(f"{at}.limits.per_user", what, "Write `per_ip` too.")
    if service.account is not None:
        yield Problem(f"{at}.account", "there is one account here: this machine")


def of_database(database: Database) -> Iterator[Problem]:
    at = f"database.{database.name}"
    if database.zones > 1:
        yield Problem(f"{at}.zones", "this machine is one zone")
    if database.replica_zones > 1:
        yield Problem(f"{at}.replica_zones", "this machine is one zone")
    if database.read_replicas:
        yield Problem(f"{at}.read_replicas", "read replicas do not run here yet")
    if database.serverless:
        yield Problem(f"{at}.serverless", "PostgreSQL has a fixed size here")
    if database.size is not None:
        yield Problem(f"{at}.size", "the database has what this machine has")


def of_data(app: App) -> Iterator[Problem]:
    for database in app.databases.values():
        yield from of_database(database)
    for name, bucket in app.buckets.items():
        if bucket.keep_seconds is not None:
            yield Problem(f"bucket.{name}.keep", "objects are kept for good here")
        if bucket.versions:
            yield Problem(f"bucket.{name}.versions", "old versions of objects are not kept here")
        if bucket.tiering:
            yield Problem(f"bucket.{name}.tiering", "the disk here has one price")


def of_a_cloud(app: App) -> Iterator[Problem]:
    for name, job in app.jobs.items():
        if job.interruptible:
            yield Problem(f"job.{name}.interruptible", "nothing takes capacity away here")
    for name, cache in app.caches.items():
        if cache.size is not None:
            yield Problem(f"cache.{name}.size", "the cache has what this machine has")
    if app.recovery != Recovery():
        yield Problem("recovery", "disasters are not rehearsed here yet")
    if app.pipeline is not None:
        yield Problem("pipeline", "no pipeline is made here yet")
