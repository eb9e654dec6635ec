"""Copilot's files sorted: the values of each manifest by environment, and what was left out.

Every value of every manifest ends in one of three places: among those taken (which the builders
of `workload.py` use up, and tell what they could not say), those that Fairway does by itself, and
those left out with a reason. None is dropped: what no field is known for is left out too. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from fairway.core.copilot.document import Leaf, leaves
from fairway.core.copilot.fields import Field, field_of
from fairway.core.detect.sources import quote

__all__ = ["LeftOut", "Manifest", "Values", "read_manifest"]

Kind = Literal["workload", "environment", "pipeline"]
UNKNOWN = "no field of Copilot's 1.34 is called so"
# By itself, but for these values.
UNLESS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "exec": (lambda text: text.lower() == "false", "`fairway exec` cannot be switched off"),
    "http.path": (
        lambda text: text not in {"/", ""},
        "a service has a name of its own, not a path",
    ),
    "http.redirect_to_https": (lambda text: text.lower() == "false", "HTTP leads to HTTPS always"),
    "network.connect": (lambda text: text.lower() == "false", "who calls whom is said by `uses`"),
    "network.vpc.placement": (lambda text: text == "public", "services stand in private subnets"),
    "platform": (
        lambda text: "arm" in text.lower() or "windows" in text.lower(),
        "say it when it is rendered: `--processor ARM64`; there is no Windows",
    ),
    "platform.architecture": (
        lambda text: "arm" in text.lower(),
        "say it when it is rendered: `--processor ARM64`",
    ),
    "platform.osfamily": (lambda text: text.lower() != "linux", "there is no Windows"),
    "storage.readonly_fs": (
        lambda text: text.lower() == "false",
        "the root is read-only; only /tmp can be written",
    ),
    "observability.container_insights": (lambda text: text.lower() == "false", "they are on"),
    "network.vpc.flow_logs": (lambda text: text.lower() == "false", "they are on"),
    "http.public.access_logs": (lambda text: text.lower() == "false", "they are on"),
}


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something that fairway.toml does not say: where it stands, its name, and why."""

    where: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}: {self.why}"


@dataclass(slots=True)
class Values:
    """The taken values of one manifest in one environment (empty: in all)."""

    by_name: dict[str, Leaf] = field(default_factory=dict[str, Leaf])

    def take(self, *names: str) -> Leaf | None:
        """The first of these that is there; it is used up."""
        return next((self.by_name.pop(name) for name in names if name in self.by_name), None)

    def below(self, name: str) -> list[Leaf]:
        """All under a name (`variables.`), used up."""
        found = [key for key in self.by_name if key.startswith(f"{name}.")]
        return [self.by_name.pop(key) for key in found]


@dataclass(slots=True)
class Manifest:
    """One manifest on its way: `scopes` are its values by environment."""

    path: str
    kind: Kind
    scopes: dict[str, Values] = field(default_factory=dict[str, Values])
    left: list[LeftOut] = field(default_factory=list[LeftOut])
    itself: list[LeftOut] = field(default_factory=list[LeftOut])

    @property
    def base(self) -> Values:
        """What holds in all environments."""
        return self.scopes.setdefault("", Values())

    def leave(self, leaf: Leaf, why: str) -> None:
        """Tell that a value was not taken over."""
        self.left.append(LeftOut(f"{self.path}:{leaf.line}", _shown(leaf), why))

    def finish(self) -> None:
        """Tell of all that nobody used up."""
        for values in self.scopes.values():
            for leaf in values.by_name.values():
                self.leave(leaf, "Fairway cannot say this value, or not here")
            values.by_name.clear()


def read_manifest(path: str, kind: Kind, text: str) -> Manifest:
    """Sort a manifest's values; raises `Problems` where it is no YAML."""
    found = Manifest(path, kind)
    unsaid: dict[tuple[str, str], list[Leaf]] = {}
    for leaf in leaves(path, text):
        scope, inner = "", leaf.path
        if kind == "workload" and len(inner) > 2 and inner[0] == "environments":
            scope, inner = inner[1], inner[2:]
        values = found.scopes.setdefault(scope, Values())
        own = Leaf(inner, leaf.value, leaf.line)
        known = field_of(kind, inner)
        verdict, why = _judge(known, own)
        match verdict:
            case "taken":
                values.by_name[own.name] = leaf
            case "by itself":
                found.itself.append(LeftOut(f"{path}:{leaf.line}", leaf.name, why))
            case "left" if known is not None and known.path.endswith("**"):
                unsaid.setdefault((_head(leaf, inner, known), why), []).append(leaf)
            case "left":
                found.leave(leaf, why)
    for (head, why), inside in unsaid.items():
        names = ", ".join(_below(leaf, head) for leaf in inside)
        what = f"{head} ({names})" if names else head
        found.left.append(LeftOut(f"{path}:{inside[0].line}", what, why))
    return found


def _judge(known: Field | None, leaf: Leaf) -> tuple[Literal["taken", "by itself", "left"], str]:
    if known is None:
        return "left", UNKNOWN
    unless = UNLESS.get(known.path)
    if unless is not None and unless[0](leaf.text):
        return "left", unless[1]
    return known.verdict, known.says


def _head(leaf: Leaf, inner: tuple[str, ...], known: Field) -> str:
    """What values are told together by: the part that the field names, and one key below."""
    outer = len(leaf.path) - len(inner)
    depth = known.path.count(".") + (1 if known.path.count(".") == 1 else 0)
    return Leaf(leaf.path[: outer + depth], "", 0).name


def _below(leaf: Leaf, head: str) -> str:
    return leaf.name.removeprefix(head).lstrip(".")


def _shown(leaf: Leaf) -> str:
    """The name, with its value where that is short and no secret."""
    value = quote(f"{leaf.path[-1]}: {leaf.text}")
    return (
        f"{leaf.name} = {leaf.text}" if len(leaf.text) <= 40 and "***" not in value else leaf.name
    )
