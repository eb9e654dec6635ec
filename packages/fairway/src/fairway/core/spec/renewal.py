"""Which secrets of an app renew themselves on a cloud, and which of its services read each.

The password of a database that is the app's own is one of them. Pure.
"""

from fairway.core.spec.model import App, Database, Secret
from fairway.core.spec.wiring import wires

__all__ = ["is_renewed", "readers", "renewed_databases", "renewed_secrets", "started_anew"]


def renewed_secrets(app: App) -> tuple[Secret, ...]:
    """The secrets of the file that are renewed."""
    return tuple(each for each in app.secrets.values() if each.rotate_seconds is not None)


def renewed_databases(app: App) -> tuple[Database, ...]:
    """The databases whose password is renewed: those that are the app's own."""
    return tuple(each for each in app.databases.values() if each.is_made)


def is_renewed(app: App, node: str) -> bool:
    """Whether what is secret of a node is renewed."""
    return any(each.name == node for each in _renewed(app))


def readers(app: App, node: str) -> tuple[str, ...]:
    """The services and workers that run all the time, and read what is secret of a node."""
    return tuple(
        each.name
        for each in app.programs.values()
        if each.kind == "container" and any(wire.node == node for wire in wires(app, each))
    )


def started_anew(app: App) -> tuple[str, ...]:
    """The services and workers that read any of what is renewed, sorted."""
    return tuple(sorted({name for each in _renewed(app) for name in readers(app, each.name)}))


def _renewed(app: App) -> tuple[Secret | Database, ...]:
    return (*renewed_secrets(app), *renewed_databases(app))
