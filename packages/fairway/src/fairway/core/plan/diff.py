"""What differs between what is in service and what the file says now, in the app's words.

Pure: `diff(before, after)` compares two `App` values node by node and key by key; `str(plan)`
is what users read and golden tests hold. `diff(x, x)` is empty. Secrets are never values here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from fairway.core.plan.wanted import release_order
from fairway.core.problem import Problem
from fairway.core.spec.model import App, Node

__all__ = ["Change", "Plan", "diff", "to_json"]

Sign = Literal["+", "~", "-"]
FILES_SHOWN = 6

KINDS = (
    ("services", "service"),
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
    for attribute, kind in KINDS:
        old: Mapping[str, Node] = {} if before is None else getattr(before, attribute)
        new: Mapping[str, Node] = getattr(after, attribute)
        names = release_order(after) if kind == "service" else sorted(new)
        for name in names:
            change = changed(kind, old.get(name), new[name], released=released)
            if change is not None:
                coming.append(change)
        going += [
            Change(
                sign="-", kind=kind, node=name, cause="nothing names it any more; its data stays"
            )
            for name in sorted(old.keys() - new.keys())
        ]
    order = {"database": 0, "cache": 0, "bucket": 0, "secret": 0, "service": 2}
    coming.sort(key=lambda change: order.get(change.kind, 3))
    if released:
        more = [f"and {len(files) - FILES_SHOWN} more"] if len(files) > FILES_SHOWN else []
        named = ", ".join([*files[:FILES_SHOWN], *more])
        details = (f"{revision_before} → {revision_after}", *([f"files: {named}"] if named else []))
        head = Change(
            sign="~", kind="revision", node=after.name, details=details, cause="code or settings"
        )
        coming.insert(0, head)
    return Plan(app=after.name, environment=after.environment, changes=(*coming, *going), gaps=gaps)


def changed(kind: str, old: Node | None, new: Node, *, released: bool) -> Change | None:
    """How one node changes; None where it does not."""
    if old is None:
        return Change(
            sign="+", kind=kind, node=new.name, details=tuple(given(new)), cause="the file names it"
        )
    details = tuple(
        f"{path}: {show(left)} → {show(right)}" for path, left, right in differing(old, new)
    )
    if details:
        return Change(sign="~", kind=kind, node=new.name, details=details, cause="its keys changed")
    if released and kind == "service":
        return Change(sign="~", kind=kind, node=new.name, cause="released on the new revision")
    return None


def given(node: Node) -> Iterator[str]:
    """What of a new node is not its kind's default."""
    plain = {each.name: default_of(each) for each in fields(node)}
    for each in fields(node):
        value = getattr(node, each.name)
        if each.name != "name" and value != plain[each.name] and value not in ((), {}):
            yield f"{each.name}: {show(value)}"


def default_of(field: Any) -> Any:
    from dataclasses import MISSING

    return field.default if field.default is not MISSING else None


def differing(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Key path, value before, value after of every difference, in the order of the fields."""
    for each in fields(new):
        left, right = getattr(old, each.name, None), getattr(new, each.name)
        here = f"{path}{each.name}"
        if left == right:
            continue
        if is_dataclass(right) and type(left) is type(right):
            yield from differing(left, right, f"{here}.")
        else:
            yield here, left, right


def show(value: Any) -> str:
    """A value as people write it."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(show(each) for each in value) or "none"  # pyright: ignore[reportUnknownVariableType] - any tuple
    if isinstance(value, Mapping):
        items = sorted(value.items())  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - any mapping
        return ", ".join(f"{key}={show(each)}" for key, each in items) or "none"  # pyright: ignore[reportUnknownVariableType]
    if is_dataclass(value) and type(value).__str__ is object.__str__:
        inner = ", ".join(
            f"{each.name} {show(getattr(value, each.name))}" for each in fields(value)
        )
        return f"{type(value).__name__.lower()} ({inner})"
    return f"{value:g}" if isinstance(value, float) else str(value)


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
