"""Whether what a command names is in the file: seen before anybody signs in. Pure."""

from collections.abc import Collection, Sequence

from fairway.core.problem import Problems, unknown
from fairway.core.spec.model import App

__all__ = ["job", "nodes", "programs"]


def job(app: App, name: str) -> None:
    """Raise `Problems` where there is no such job or workflow."""
    where = f"fairway run {app.environment} {name}"
    _see(where, "job", name, (*app.jobs, *app.workflows))


def programs(app: App, names: Sequence[str], verb: str) -> None:
    """Raise `Problems` where one of them is no service or worker."""
    for name in names:
        where = f"fairway {verb} {app.environment} {name}"
        _see(where, "service or worker", name, tuple(app.programs))


def nodes(app: App, names: Sequence[str]) -> tuple[str, ...]:
    """The nodes that print: those that are named, or all. Raises `Problems`."""
    known = (*app.programs, *app.jobs)
    where = f"fairway logs {app.environment} {' '.join(names)}"
    for name in names:
        _see(where, "service, worker or job", name, known)
    return tuple(names) or known


def _see(where: str, kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise Problems([unknown(where, kind, name, known)])
