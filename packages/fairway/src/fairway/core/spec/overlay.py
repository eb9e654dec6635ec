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
PEERED = frozenset({"peer", "region", "role"})  # what a network joined by `transit` has not
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
        case ("network", _):
            return PEERED if "transit" in over else frozenset({"transit"} if "peer" in over else ())
        case _:
            return frozenset()
    chosen = group & over.keys()
    return group - chosen if chosen else frozenset()


def off(root: Entry, kinds: Mapping[str, str]) -> frozenset[str]:
    """The names of nodes that `root` switches off; `kinds` are all nodes of the file."""
    return frozenset(
        name
        for name, kind in kinds.items()
        if kind in root.table and root.find(kind, name).value is False
    )
