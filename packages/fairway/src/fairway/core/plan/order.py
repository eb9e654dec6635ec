"""In which order services come up: each after those that it uses, then workers. Pure.

On its own, because a plan on a cloud needs no more of `wanted.py` than this.
"""

from collections.abc import Sequence

from fairway.core.spec.model import App

__all__ = ["release_order"]


def release_order(app: App) -> tuple[str, ...]:
    """Services, each after those that it uses; by name where that leaves a choice; then workers.

    A worker comes after all `before` commands of services: it finds the tables that they made.
    """
    ordered: list[str] = []
    done: set[str] = set()

    def visit(name: str, above: Sequence[str]) -> None:
        if name in done or name in above:
            return
        for used in sorted(app.services[name].uses):
            if used in app.services:
                visit(used, [*above, name])
        done.add(name)
        ordered.append(name)

    for name in sorted(app.services):
        visit(name, [])
    return (*ordered, *sorted(app.workers))
