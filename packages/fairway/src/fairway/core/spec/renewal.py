"""Which secrets of an app renew themselves on a cloud, and which of its services read each.

A database's password is one of them, but where a text holds it with something else beside: nothing
puts such a text together anew. Pure.
"""

from collections.abc import Iterator

from fairway.core.spec.mentioned import SECRET_PARTS, is_mixed, nodes_with_variables
from fairway.core.spec.mentions import mentions
from fairway.core.spec.model import App, Database, Secret
from fairway.core.spec.wiring import wires

__all__ = ["holding_texts", "readers", "renewed_databases", "renewed_secrets", "started_anew"]


def renewed_secrets(app: App) -> tuple[Secret, ...]:
    """The secrets of the file that are renewed."""
    return tuple(each for each in app.secrets.values() if each.rotate_seconds is not None)


def renewed_databases(app: App) -> tuple[Database, ...]:
    """The databases whose password is renewed: those that are the app's own."""
    return tuple(
        each
        for each in app.databases.values()
        if each.url is None and each.engine == "postgres" and not any(holding_texts(app, each.name))
    )


def holding_texts(app: App, database: str) -> Iterator[str]:
    """Where texts stand that hold a database's login, and more."""
    for kind, node in nodes_with_variables(app):
        for name, text in node.variables.items():
            held = {each.part for each in mentions(text) if each.node == database}
            if held & SECRET_PARTS and is_mixed(app, text):
                yield f"{kind}.{node.name}.variables.{name}"


def readers(app: App, node: str) -> tuple[str, ...]:
    """The services and workers that run all the time, and read what is secret of a node."""
    return tuple(
        each.name
        for each in app.programs.values()
        if each.kind == "container" and any(wire.node == node for wire in wires(app, each))
    )


def started_anew(app: App) -> tuple[str, ...]:
    """The services and workers that read any of what is renewed, sorted."""
    renewed = (*renewed_secrets(app), *renewed_databases(app))
    return tuple(sorted({name for each in renewed for name in readers(app, each.name)}))
