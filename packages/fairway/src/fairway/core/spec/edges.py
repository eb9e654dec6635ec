"""The edges between nodes: `uses`, `then`, `steps`, `calls`, and places in buckets.

Part of `check.py`: every name must exist and be of a kind that fits, no edge may close a circle,
and no two edges may bring the same variable.
"""

import re
from collections.abc import Mapping, Sequence

from fairway.core import names
from fairway.core.problem import nearest
from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.model import Job, Service
from fairway.core.spec.report import Report
from fairway.core.spec.wiring import wires

__all__ = ["check_edges", "circles"]

USABLE = ("database", "cache", "bucket", "stream", "table", "secret", "model", "service")
# The keys of each kind that name other nodes, and the kinds that fit.
EDGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("service", "uses", USABLE),
    ("worker", "uses", USABLE),
    ("job", "uses", USABLE),
    ("job", "then", ("job",)),
    ("site", "calls", ("service",)),
    ("workflow", "steps", ("job",)),
)
PLACES = (("job", "only_if_new"), ("job", "on_new"), ("stream", "into"), ("model", "artifact"))
NOT_USED: Mapping[str, str] = {
    "worker": "A worker answers nobody: hand it work over what both use, such as a cache.",
    "job": 'Jobs follow one another by then = "…".',
    "site": "A site calls services; nothing uses a site.",
    "network": "Use what stands in it: a [database.NAME] with url, for instance.",
    "workflow": "A workflow runs at its schedule; nothing uses it.",
}
# What a name that is nowhere declared may be meant for.
MEANT: Mapping[str, tuple[str, ...]] = {
    "cache": ("cache", "redis"),
    "bucket": ("bucket", "file", "upload", "media", "s3", "object", "report", "lake"),
    "database": ("db", "database", "postgres", "sql"),
}
SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def check_edges(checked: Checked, report: Report) -> None:
    """Report every edge that leads nowhere, to what does not fit, round in a circle or twice."""
    kinds = checked.kinds()
    for kind, _, entry in checked.nodes():
        for of, key, fitting in EDGES:
            if kind == of and key in entry.table:
                _names(checked, kinds, entry.table[key], fitting, report)
        for of, key in PLACES:
            if kind == of and key in entry.table:
                _bucket(checked, kinds, entry.table[key], report)
    _circles(checked, report)
    _called_sites(checked, report)
    for name, program in checked.app.programs.items():
        _variables(checked, (program.node_kind, name), program, report)
    for name, job in checked.app.jobs.items():
        _variables(checked, ("job", name), job, report)


def _names(
    checked: Checked,
    kinds: Mapping[str, str],
    entry: Entry,
    fitting: Sequence[str],
    report: Report,
) -> None:
    noun = fitting[0] if len(fitting) == 1 else "node"
    for item in entry.array or (entry,):
        name = item.value
        if not isinstance(name, str) or name in checked.off or kinds.get(name) in fitting:
            continue
        if name in kinds and noun == "node":
            what = f"{show(name)} is a {kinds[name]}, which cannot be used."
            report.problem(item, what, NOT_USED.get(kinds[name], ""))
        elif name in kinds:
            report.problem(item, f"{show(name)} is a {kinds[name]}.", f"Name a {noun} here.")
        else:
            mend = _mend(checked, kinds, name, fitting)
            report.problem(item, f"There is no {noun} {show(name)}.", mend)


def _mend(checked: Checked, kinds: Mapping[str, str], name: str, fitting: Sequence[str]) -> str:
    if checked.elsewhere.get(name) in fitting:
        return f"Declare it for every environment: [{checked.elsewhere[name]}.{name}]."
    if likely := nearest(name, [known for known in kinds if kinds[known] in fitting]):
        return f'Did you mean "{likely}"?'
    if "secret" in fitting and SECRET_NAME.fullmatch(name):
        return f"Declare it: [secret.{name}]."
    label = name if names.is_label(name) else "NAME"
    if len(fitting) == 1:
        return f"Declare it: [{fitting[0]}.{label}]."
    guess = next((kind for kind, words in MEANT.items() if any(w in name for w in words)), None)
    declare = "Declare it" if guess else "Declare it, for example as"
    return f"{declare}: [{guess or 'database'}.{label}]."


def _bucket(checked: Checked, kinds: Mapping[str, str], entry: Entry, report: Report) -> None:
    if not isinstance(entry.value, str):
        return
    name = entry.value.split("/", 1)[0]
    if kinds.get(name) == "bucket" or not names.is_label(name):
        return
    if name in checked.off:
        what = f"The bucket {show(name)} is switched off here."
        report.problem(entry, what, "Switch off what needs it too.")
        return
    likely = nearest(name, [known for known in kinds if kinds[known] == "bucket"])
    mend = f'Did you mean "{likely}/"?' if likely else f"Declare it: [bucket.{name}]."
    report.problem(entry, f"There is no bucket {show(name)}.", mend)


def _circles(checked: Checked, report: Report) -> None:
    app = checked.app
    for circle in circles({name: service.uses for name, service in app.services.items()}):
        at = checked.edge(("service", circle[0], "uses"), circle[1])
        mend = "Let one of them do without the other."
        report.problem(at, f"{_round('uses', circle)}: a circle.", mend)
    for circle in circles({name: job.then for name, job in app.jobs.items()}):
        at = checked.edge(("job", circle[0], "then"), circle[1])
        report.problem(at, f"{_round('starts', circle)}: without end.", "Take one `then` away.")


def _round(verb: str, circle: Sequence[str]) -> str:
    first, second, *rest = map(show, circle)
    return f", which {verb} ".join([f"{first} {verb} {second}", *rest])


def circles(graph: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Circles in a graph, each as the way round: `(a, b, a)`. None exactly when there are none.

    Found circles share no node. Edges to names outside the graph do not count.
    """
    left = {node: tuple(graph[node]) for node in sorted(graph)}
    found: list[tuple[str, ...]] = []
    while left:
        ends = [node for node, below in left.items() if not any(name in left for name in below)]
        if not ends:
            way = [next(iter(left))]
            while way[-1] not in way[:-1]:
                way.append(next(name for name in left[way[-1]] if name in left))
            ends = way[way.index(way[-1]) : -1]
            found.append((*ends, way[-1]))
        for node in ends:
            del left[node]
    return found


def _called_sites(checked: Checked, report: Report) -> None:
    services = checked.app.services
    for name, site in checked.app.sites.items():
        for called in site.calls:
            if called in services and not services[called].public:
                at = checked.edge(("site", name, "calls"), called)
                what = f"Browsers cannot reach {show(called)}: it is not public."
                report.problem(at, what, f"Write public = true in [service.{called}].")


def _variables(
    checked: Checked, path: tuple[str, str], node: Service | Job, report: Report
) -> None:
    brought: dict[str, str] = {}
    for wire in wires(checked.app, node):
        at = checked.edge((*path, "uses"), wire.node)
        other = brought.setdefault(wire.variable, wire.node)
        if other != wire.node:
            what = f"{show(other)} and {show(wire.node)} both bring {wire.variable}."
            report.problem(at, what, "Rename one of them.")
        own = checked.root.find(*path, "variables").table.get(wire.node)
        if wire.kind == "secret" and own is not None:
            what = f"{wire.node} is a secret: its value must not stand in this file."
            report.problem(own, what, "Delete this variable; the secret brings it.")
