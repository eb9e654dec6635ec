"""The data's stack: databases, caches, buckets, tables, secrets, the registry of images.

Nothing here is in what a release rolls back; all of it is kept, or leaves a snapshot, when the
stack goes (R52, R246). Pure.
"""

from fairway.core.spec.model import App
from fairway.targets.aws.render.aurora import add_aurora
from fairway.targets.aws.render.buckets import add_buckets
from fairway.targets.aws.render.caches import add_cache
from fairway.targets.aws.render.choices import Choices
from fairway.targets.aws.render.ground import Ground, stand_on
from fairway.targets.aws.render.postgres import add_external, add_postgres, add_subnets
from fairway.targets.aws.render.registry import add_registry
from fairway.targets.aws.render.secrets import add_secrets
from fairway.targets.aws.render.tables import add_table
from fairway.targets.aws.render.template import Draft, Stack

__all__ = ["data"]


def data(app: App, draft: Draft, choices: Choices) -> Stack:
    """Render it."""
    ground = stand_on(draft, choices)
    add_registry(app, ground)
    add_buckets(app, ground)
    _databases(app, ground)
    caches = [cache for cache in app.caches.values() if cache.enabled]
    for cache in caches:
        if cache.url is not None:
            add_external(ground, "cache", cache.name)
        else:
            add_cache(app, cache, ground)
    for table in app.tables.values():
        add_table(app, table, ground)
    add_secrets(app, ground)
    return draft.stack()


def _databases(app: App, ground: Ground) -> None:
    databases = [each for each in app.databases.values() if each.is_server]
    if any(each.is_made for each in databases):
        add_subnets(ground)
    for database in databases:
        if database.url is not None:
            add_external(ground, "database", database.name)
        elif database.serverless:
            add_aurora(app, database, ground)
        else:
            add_postgres(app, database, ground)
