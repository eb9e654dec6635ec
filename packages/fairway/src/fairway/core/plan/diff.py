"""What differs between what is in service and what the file says now, in the app's words.

Pure: `diff(before, after)` compares two `App` values node by node and key by key; `str(plan)`
is what users read and golden tests hold. `diff(x, x)` is empty. Keys are named as the file names
them (`said.py`). Secrets are never values here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fairway.core.plan.order import release_order
from fairway.core.plan.said import chosen, said
from fairway.core.problem import Problem
from fairway.core.spec.model import App, Node

__all__ = ["KINDS", "Change", "Plan", "Sign", "diff", "to_json"]

Sign = Literal["+", "~", "-"]
FILES_SHOWN = 6
UNSET = "unset"
DATA = ("database", "cache", "bucket")
RELEASED = ("service", "worker")
ORDER = {
    "app": 0, "database": 1, "cache": 1, "bucket": 1, "secret": 1, "service": 2, "worker": 3,
}  # fmt: skip
LAST = 4

KINDS = (
    ("services", "service"),
    ("workers", "worker"),
    ("sites", "site"),
    ("jobs", "job"),
    ("databases", "database"),
    ("caches", "cache"),
    ("buckets", "bucket"),
    ("streams", "stream"),
    ("tables", "table"),
    ("secrets", "secret"),
    ("workflows", "workflow"),
    ("models", "model"),
    ("networks", "network"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One node that comes, goes or changes, with its cause and what is lost, if anything."""

    sign: Sign
    kind: str
    node: str
    details: tuple[str, ...] = ()
    cause: str = ""

    def __str__(self) -> str:
        head = f"{self.sign} {self.kind} {self.node}"
        lines = [f"{head:<32} {self.cause}".rstrip(), *(f"    {each}" for each in self.details)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes, in the order in which they are made, and what the target can't honour."""

    app: str
    environment: str
    changes: tuple[Change, ...]
    gaps: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        count = len(self.changes)
        what = "nothing to do" if not count else f"{count} change{'' if count == 1 else 's'}"
        lines = [f"{self.app} · {self.environment} · {what}"]
        if count:
            lines += ["", *(str(change) for change in self.changes)]
        if self.gaps:
            lines += ["", "Not honoured here:"]
            lines += [f"! {gap.where}: {gap.what}" for gap in self.gaps]
        return "\n".join(lines)


def diff(
    before: App | None,
    after: App,
    *,
    revision_before: str | None = None,
    revision_after: str | None = None,
    files: Sequence[str] = (),
    gaps: tuple[Problem, ...] = (),
) -> Plan:
    """The plan from `before` (None: nothing runs) to `after`; `files` are the paths that differ.

    Data first, then services in the order of their uses, then the rest; what goes, goes last.
    """
    coming: list[Change] = []
    going: list[Change] = []
    released = revision_before != revision_after and before is not None
    own = None if before is None else changed("app", before, after, released=False)
    coming += [] if own is None else [own]
    for attribute, kind in KINDS:
        old: Mapping[str, Node] = {} if before is None else getattr(before, attribute)
        new: Mapping[str, Node] = getattr(after, attribute)
        order = release_order(after) if kind == "service" else sorted(new)
        names = [name for name in order if name in new]
        for name in names:
            change = changed(kind, old.get(name), new[name], released=released)
            if change is not None:
                coming.append(change)
        going += [
            Change(sign="-", kind=kind, node=name, cause=gone(kind))
            for name in sorted(old.keys() - new.keys())
        ]
    coming.sort(key=lambda change: ORDER.get(change.kind, LAST))
    if released:
        more = [f"and {len(files) - FILES_SHOWN} more"] if len(files) > FILES_SHOWN else []
        named = ", ".join([*files[:FILES_SHOWN], *more])
        details = (f"{revision_before} → {revision_after}", *([f"files: {named}"] if named else []))
        head = Change(
            sign="~", kind="revision", node=after.name, details=details, cause="code or settings"
        )
        coming.insert(0, head)
    return Plan(app=after.name, environment=after.environment, changes=(*coming, *going), gaps=gaps)


def changed(kind: str, old: Node | App | None, new: Node | App, *, released: bool) -> Change | None:
    """How one node, or the app's own keys, change; None where they do not."""
    if old is None:
        details = tuple(f"{path}: {words}" for path, words in chosen(new).items())
        cause = "the file names it"
        return Change(sign="+", kind=kind, node=new.name, details=details, cause=cause)
    details = tuple(differing(said(old), said(new)))
    if details:
        return Change(sign="~", kind=kind, node=new.name, details=details, cause="its keys changed")
    if released and kind in RELEASED:
        return Change(sign="~", kind=kind, node=new.name, cause="released on the new revision")
    return None


def gone(kind: str) -> str:
    """Why a node goes, and what of it does not."""
    return "nothing names it any more" + ("; its data stays" if kind in DATA else "")


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Every key that says another thing: `replicas: 2..10 → 3`."""
    for path in [*after, *(path for path in before if path not in after)]:
        left, right = before.get(path, UNSET), after.get(path, UNSET)
        if left != right:
            yield f"{path}: {left} → {right}"


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    return {
        "app": plan.app,
        "environment": plan.environment,
        "changes": [
            {
                "sign": change.sign,
                "kind": change.kind,
                "node": change.node,
                "details": list(change.details),
                "cause": change.cause,
            }
            for change in plan.changes
        ],
        "gaps": [str(gap) for gap in plan.gaps],
    }
