"""What an app needs around its services, and in which order things may start. Pure."""

from collections.abc import Mapping

from fairway.core.plan.action import Backing, Provision, Retire
from fairway.core.spec.model import App, Job, Service
from fairway.core.target import Node, Observed

__all__ = ["backing", "changes", "may_spawn", "may_start"]


def backing(app: App) -> Mapping[str, Backing]:
    """The backing nodes that the local shape runs: name -> kind."""
    wanted: dict[str, Backing] = {}
    for database in app.databases.values():
        if database.is_made:
            wanted[database.name] = "database"
    for cache in app.caches.values():
        if cache.is_made:
            wanted[cache.name] = "cache"
    wanted.update(dict.fromkeys(app.buckets, "bucket"))
    return dict(sorted(wanted.items()))


def changes(app: App | None, observed: Observed) -> tuple[Provision | Retire, ...]:
    """What must be started or stopped around the services; each with its cause."""
    wanted: Mapping[str, Backing] = {} if app is None else backing(app)
    seen: dict[str, Node] = {node.name: node for node in observed.nodes}
    actions: list[Provision | Retire] = []
    for name, kind in wanted.items():
        node = seen.get(name)
        if node is None:
            actions.append(Provision(node=name, kind=kind, cause="the app needs it"))
        elif not node.running:
            actions.append(Provision(node=name, kind=kind, cause="it is not running"))
    for name, node in sorted(seen.items()):
        if name not in wanted and node.running:
            actions.append(Retire(node=name, kind=node.kind, cause="nothing names it any more"))
    return tuple(actions)


def may_start(app: App, user: Service | Job, observed: Observed) -> bool:
    """Whether everything that a service or job uses accepts connections."""
    accepts = {node.name for node in observed.nodes if node.accepts}
    return all(name in accepts for name in user.uses if name in backing(app))


def may_spawn(app: App, service: Service, observed: Observed) -> bool:
    """Whether a replica may be started: as `may_start`, but an object store need only run.

    That takes about as long to start as an app to import; whoever speaks to one tries again, and
    no replica is ready before it answers.
    """
    there = {each.name for each in observed.nodes if each.accepts}
    there |= {each.name for each in observed.nodes if each.kind == "bucket" and each.running}
    return all(name in there for name in service.uses if name in backing(app))
