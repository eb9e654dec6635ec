"""One environment of a file as it was read: what `check.py`, `edges.py` and `advice.py` look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairway.core.spec.entry import Entry
from fairway.core.spec.model import App

__all__ = ["KINDS", "Checked"]

KINDS = (
    "service", "worker", "site", "job", "database", "cache", "bucket", "stream", "table", "secret",
    "workflow", "model", "network",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The app, the merged tree it came from, the nodes that are off, the environments there are.

    `elsewhere` holds the kind of every node that some environment has.

    A node that could not be read is missing in `app` but not in `root`: names are looked up in
    the tree, so that one fault does not bring others.
    """

    app: App
    root: Entry
    off: frozenset[str]
    environments: tuple[str, ...]
    elsewhere: Mapping[str, str]

    def nodes(self) -> Iterator[tuple[str, str, Entry]]:
        """Kind, name and entry of every node that is on."""
        for kind in KINDS:
            for name, entry in self.root.below(kind).items():
                if isinstance(entry.value, Mapping):
                    yield kind, name, entry

    def kinds(self) -> Mapping[str, str]:
        """The kind of every name; of a name that stands twice, the last."""
        return {name: kind for kind, name, _ in self.nodes()}

    def edge(self, path: Sequence[str], name: str) -> Entry:
        """Where a list such as `service.api.uses` says `name`."""
        entry = self.root.find(*path)
        return next((item for item in entry.array if item.value == name), entry)
