"""Which variables an edge brings: `DATABASE_URL` for the only database used, and so on.

The pairs of variable and node that `variables.py` fills with values and `check.py` looks at for
two edges that bring the same name. The names themselves are made by `core/names.py`.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from fairway.core import names
from fairway.core.spec.model import App, Job, Service

__all__ = ["Wire", "wires"]


class Wire(NamedTuple):
    """A variable, the node whose address it carries, and that node's kind."""

    variable: str
    node: str
    kind: Literal["database", "cache", "bucket", "service", "secret"]


def wires(app: App, node: Service | Job) -> tuple[Wire, ...]:
    """What `node.uses` brings, in the order of `uses`; a cache that is off brings nothing."""
    databases = [name for name in node.uses if name in app.databases]
    caches = [name for name in node.uses if name in app.caches and app.caches[name].enabled]
    buckets = [name for name in node.uses if name in app.buckets]
    return tuple(
        wire
        for name in node.uses
        if (wire := _wire(app, name, databases, caches, buckets)) is not None
    )


def _wire(
    app: App, name: str, databases: Sequence[str], caches: Sequence[str], buckets: Sequence[str]
) -> Wire | None:
    if name in databases:
        return Wire(names.database_variable(name, databases), name, "database")
    if name in caches:
        return Wire(names.redis_variable(name, caches), name, "cache")
    if name in buckets:
        return Wire(names.bucket_variable(name, buckets), name, "bucket")
    if name in app.services:
        return Wire(names.service_variable(name), name, "service")
    if name in app.secrets:
        return Wire(name, name, "secret")
    return None
