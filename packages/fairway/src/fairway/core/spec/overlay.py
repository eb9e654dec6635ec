"""An environment laid over the base: tables merge, anything else replaces.

`false` in place of a table switches it off; `parse.py` drops the edges to nodes that are off.
Where the base chose one of several (how a service runs, how it releases) and the environment
chooses another, the base's choice goes. Every entry keeps the place where it was written, so
that a problem points at the line that caused it. Pure; must not: read values.
"""

from collections.abc import Mapping

from fairway.core.spec.entry import Entry, Path, Table

__all__ = ["ALTERNATIVES", "lay", "off"]

ENTRY_POINTS = frozenset({"asgi", "wsgi", "script", "command"})
RELEASES = frozenset({"rolling", "blue_green", "canary"})
ALTERNATIVES = (ENTRY_POINTS, RELEASES)


def lay(over: Entry, base: Entry, path: Path = ()) -> Entry:
    """`over` laid over `base`; `path` is where both are in the app (`service.api.release`)."""
    if not isinstance(base.value, Mapping) or not isinstance(over.value, Mapping):
        return over
    merged = dict(base.table)
    for name in _replaced(over.table, path):
        merged.pop(name, None)
    for name, entry in over.table.items():
        below = merged.get(name)
        merged[name] = entry if below is None else lay(entry, below, (*path, name))
    return base.having(merged)


def _replaced(over: Table, path: Path) -> frozenset[str]:
    """The alternatives that `over` has chosen against."""
    match path:
        case ("service", _):
            group = ENTRY_POINTS
        case ("service", _, "release"):
            group = RELEASES
        case _:
            return frozenset()
    chosen = group & over.keys()
    return group - chosen if chosen else frozenset()


def off(root: Entry, base: Entry) -> frozenset[str]:
    """The names of nodes that the base has and `root`, laid over it, switched off."""
    names: set[str] = set()
    for kind, entry in root.table.items():
        if entry.value is False and kind in base.table:
            names.update(base.table[kind].table)
        names.update(name for name, node in entry.table.items() if node.value is False)
    return frozenset(names)
