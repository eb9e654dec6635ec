"""Which variables that mention a part of a node count, and what is wrong with the others.

Part of `parse.py` and `check.py`. A variable that mentions what is switched off falls away, as the
edge to it does. One of the app's own table counts for the nodes that use all that it mentions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fairway.core.problem import nearest
from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.mentions import PARTS, Mention, mentions, pieces
from fairway.core.spec.model import App, Job, Service, Worker
from fairway.core.spec.report import Report

__all__ = ["check_mentions", "heard", "is_mixed", "mixed_texts", "nodes_with_variables"]


SECRET_PARTS = frozenset({"user", "password", "url"})  # of a database or a cache


def heard(app: App, root: Entry, off: frozenset[str]) -> App:
    """The app with those variables that count; `off` are the nodes that are switched off."""

    def kept(kind: str, node: Service | Worker | Job) -> Mapping[str, str]:
        table = root.find(kind, node.name, "variables").table
        return {
            name: text
            for name, text in node.variables.items()
            if not any(
                _is_unplugged(app, off, each.node)
                or (name in table and _is_shared(table[name]) and each.node not in node.uses)
                for each in mentions(text)
            )
        }

    services = {
        name: replace(node, variables=kept("service", node)) for name, node in app.services.items()
    }
    workers = {
        name: replace(node, variables=kept("worker", node)) for name, node in app.workers.items()
    }
    jobs = {name: replace(node, variables=kept("job", node)) for name, node in app.jobs.items()}
    return replace(app, services=services, workers=workers, jobs=jobs)


def _is_unplugged(app: App, off: frozenset[str], name: str) -> bool:
    """Whether a node is switched off here, or a cache that is not enabled."""
    return name in off or (name in app.caches and not app.caches[name].enabled)


def _is_shared(entry: Entry) -> bool:
    """Whether a variable stands in the app's own table, not in a node's."""
    place = entry.path[2:] if entry.path[0] == "environment" else entry.path
    return place[:1] == ("variables",)


def is_mixed(app: App, text: str) -> bool:
    """Whether a text holds something secret and something else: no secret store has it whole."""
    return len(pieces(text)) > 1 and any(_is_secret(app, each) for each in mentions(text))


def _is_secret(app: App, mention: Mention) -> bool:
    database = app.databases.get(mention.node)
    has_password = mention.node in app.caches or (database and database.is_server)
    return mention.node in app.secrets or bool(has_password and mention.part in SECRET_PARTS)


def mixed_texts(app: App) -> int:
    """How many secrets such texts become on a cloud: one a stack, and migrations have their own."""
    return sum(
        (2 if isinstance(node, Service) and node.before else 1) * is_mixed(app, text)
        for _, node in nodes_with_variables(app)
        for text in node.variables.values()
    )


def check_mentions(checked: Checked, report: Report) -> None:
    """Report every mention of what is not there, has no such part, or is not used."""
    for name, entry in checked.root.below("variables").items():
        for each in _of(entry):
            if not _is_wrong(checked, entry, each, report):
                _used_by_any(checked, entry, each, report)
        _note_off(checked, name, entry, report)
    for kind, node in nodes_with_variables(checked.app):
        table = checked.root.find(kind, node.name, "variables").table
        for name, entry in table.items():
            if _is_shared(entry):
                continue
            for each in _of(entry):
                if not _is_wrong(checked, entry, each, report):
                    _used(checked, entry, each, node, report)
            _note_off(checked, name, entry, report)


def nodes_with_variables(app: App) -> Iterator[tuple[str, Service | Job]]:
    """Every node that has variables, with its kind."""
    yield from ((node.node_kind, node) for node in app.programs.values())
    yield from (("job", node) for node in app.jobs.values())


def _of(entry: Entry) -> tuple[Mention, ...]:
    return mentions(entry.value) if isinstance(entry.value, str) else ()


def _is_wrong(checked: Checked, entry: Entry, mention: Mention, report: Report) -> bool:
    """Report a mention that no `uses` could mend; whether it was one."""
    kinds = {**checked.elsewhere, **checked.kinds()}
    kind = kinds.get(mention.node)
    if mention.node in checked.off:
        return False
    if kind is None or mention.node not in checked.kinds():
        what = f"There is no node {show(mention.node)} that {mention} could name."
        report.problem(entry, what, _meant(kinds, mention))
    elif kind not in PARTS:
        what = f"{mention} names a {kind}, which brings no variable."
        report.problem(entry, what, "Leave it out.")
    elif kind == "secret" and mention.part:
        mend = f"Write ${{{mention.node}}}: a secret is its value."
        report.problem(entry, f"{mention} names a part, and a secret has none.", mend)
    elif kind != "secret" and mention.part not in PARTS[kind]:
        report.problem(entry, _partless(mention, kind), _parts(mention, kind))
    elif (database := checked.app.databases.get(mention.node)) and (
        database.engine == "sqlite" and mention.part != "url"
    ):
        mend = f'Write ${{{mention.node}.url}}, or engine = "postgres".'
        report.problem(entry, f"A SQLite file has no {mention.part}.", mend)
    else:
        return False
    return True


def _meant(kinds: Mapping[str, str], mention: Mention) -> str:
    if kind := kinds.get(mention.node):
        return f"Declare it for every environment: [{kind}.{mention.node}]."
    sayable = [name for name, kind in kinds.items() if kind in PARTS]
    if likely := nearest(mention.node, sayable):
        return f"Did you mean {Mention(likely, mention.part)}?"
    mend = "Write $${ where the characters ${ are meant."
    if mention.part:
        return f"Name a node of this file and its part, such as ${{db.host}}. {mend}"
    return f"Declare the secret: [secret.{mention.node or 'NAME'}]. {mend}"


def _partless(mention: Mention, kind: str) -> str:
    if not mention.part:
        return f"{mention} does not say which part of the {kind} it is."
    return f"A {kind} has no part {show(mention.part)}."


def _parts(mention: Mention, kind: str) -> str:
    if likely := nearest(mention.part, PARTS[kind]):
        return f"Did you mean {Mention(mention.node, likely)}?"
    return f"It has: {', '.join(str(Mention(mention.node, part)) for part in PARTS[kind])}."


def _used(
    checked: Checked, entry: Entry, mention: Mention, node: Service | Job, report: Report
) -> None:
    if mention.node not in {*node.uses, *checked.off}:
        what = f"{show(node.name)} does not use {show(mention.node)}, which {mention} names."
        report.problem(entry, what, f'Add it: uses = ["{mention.node}"].')


def _used_by_any(checked: Checked, entry: Entry, mention: Mention, report: Report) -> None:
    if mention.node in checked.off or any(
        mention.node in n.uses for _, n in nodes_with_variables(checked.app)
    ):
        return
    what = f"Nothing uses {show(mention.node)}, so nobody gets what {mention} names."
    report.problem(entry, what, f'Name it where it is needed: uses = ["{mention.node}"].')


def _note_off(checked: Checked, name: str, entry: Entry, report: Report) -> None:
    """What is not set where a cache is off may be missed by who does not ask REDIS_ENABLED."""
    for node in dict.fromkeys(each.node for each in _of(entry)):
        cache = checked.app.caches.get(node)
        if cache is not None and not cache.enabled:
            what = f"{name} is not set: the cache {show(node)} is off."
            mend = f"If the app needs it everywhere, write enabled = true in [cache.{node}]."
            report.note(entry, what, mend)
