"""Whom a task may speak to: a rule for each edge, and TLS to the outside (R199-R202)."""

from urllib.parse import urlsplit

from fairway.core import names
from fairway.core.spec.model import App, Job, Service
from fairway.targets.aws.render.addresses import ANYWHERE
from fairway.targets.aws.render.caches import PORT as CACHE_PORT
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.postgres import PORT as DATABASE_PORT
from fairway.targets.aws.render.security import add_group, open_to
from fairway.targets.aws.render.template import Value
from fairway.targets.aws.render.wiring import port_of

__all__ = ["HTTPS", "add_reach"]

HTTPS = (ANYWHERE, 443, "TLS to AWS and to whom the app calls.")


def add_reach(
    app: App, node: Service | Job, ground: Ground, id_: str, *, is_in_mesh: bool = False
) -> Value:
    """Add the node's group with a rule for each edge that leaves it; the group's id.

    `is_in_mesh`: it is a service itself, and so reaches the services that it uses.
    """
    group = add_group(
        ground.draft,
        f"{id_}Group",
        f"{node.name}: speaks to what it uses.",
        ground.network,
        out=(HTTPS, *_elsewhere(app, node)),
    )
    for name in node.uses:
        target = _target(app, name, is_in_mesh=is_in_mesh)
        if target is None:
            continue
        key, port = target
        rule = names.logical_id(id_, "to", name)
        other = ground.draft.take(key)
        open_to(ground.draft, rule, group, other, port=port, why=f"{node.name} uses {name}.")
    return group


def _target(app: App, name: str, *, is_in_mesh: bool) -> tuple[str, int] | None:
    """Where the group of what is used is handed over, and its port; None: it has none."""
    database, cache, service = (
        app.databases.get(name), app.caches.get(name), app.services.get(name)
    )  # fmt: skip
    if database is not None and database.is_made:
        return f"database/{name}/group", DATABASE_PORT
    if cache is not None and cache.is_made:
        return f"cache/{name}/group", CACHE_PORT
    if service is not None and is_in_mesh and service.kind == "container":
        return f"service/{name}/group", port_of(service)
    return None


def _elsewhere(app: App, node: Service | Job) -> tuple[tuple[str, int, str], ...]:
    """Servers of the app's own that are not on AWS: their port, to anywhere."""
    found: dict[int, str] = {}
    for name in node.uses:
        database, cache = app.databases.get(name), app.caches.get(name)
        if database is not None and database.url is not None and database.is_server:
            found[_port(database.url, DATABASE_PORT)] = name
        if cache is not None and cache.url is not None and cache.enabled:
            found[_port(cache.url, CACHE_PORT)] = name
    return tuple(
        (ANYWHERE, port, f"{node.name} uses {name}, which is elsewhere.")
        for port, name in sorted(found.items())
        if port != HTTPS[1]
    )


def _port(url: str, default: int) -> int:
    """The port that an address says; of one that is read from a variable, the usual one."""
    try:
        return urlsplit(url).port or default
    except ValueError:
        return default
