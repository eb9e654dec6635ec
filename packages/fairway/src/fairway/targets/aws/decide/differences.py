"""What a change set would do, and what drifted, in the app's words: node, key, cause. Pure.

CloudFormation speaks of resources. Several of them are one node of the file; what only carries a
value from one stack to another is nobody's, and is left out.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from fairway.core import names
from fairway.core.plan.diff import KINDS, Change, Sign
from fairway.core.spec.model import App
from fairway.targets.aws.decide.order import IMAGE
from fairway.targets.aws.render.accounts import away, home
from fairway.targets.aws.render.edge import has_edge

__all__ = ["changes_of", "drift_of", "stack_of"]

CARRIERS = frozenset({"AWS::SSM::Parameter"})
HOLDS_DATA = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    }
)
KEPT = {"Retain": " (it stays, and is nobody's)", "Snapshot": " (a snapshot stays)"}
SIGNS: Mapping[str, Sign] = {"Add": "+", "Remove": "-"}
LONGEST = 60
# Weights belong to ECS or CodeDeploy during a release and after it; counts to scaling and to people
# (rule 5 of the design): neither is drift.
NOT_DRIFT = (
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "/Actions"),
    ("AWS::ECS::Service", "/DesiredCount"),
    ("AWS::ECS::Service", "/TaskDefinition"),
    ("AWS::ECS::Service", "/LoadBalancers"),
    ("AWS::Lambda::Alias", "/FunctionVersion"),
    ("AWS::Lambda::Alias", "/RoutingConfig"),
)
# Where what is nobody's node in the file stands.
STACKS = {
    "network": "network",
    "balancer": "balancer",
    "edge": "edge",
    "site": "edge",
    "watching": "alarms",
    "service": "service-{}",
    "worker": "worker-{}",
    "job": "job-{}",
    "workflow": "workflow-{}",
}


def stack_of(app: App, kind: str, name: str) -> str:
    """The stack in which a node of a plan stands: `service`, `api` -> `service-api`."""
    fronts = {
        site: f"edge-{account}" for account, there in away(app).items() for site in there.sites
    }
    if kind == "site" and name in fronts:
        return fronts[name]
    if kind == "edge" and fronts and not has_edge(home(app)):
        return min(fronts.values())
    return STACKS.get(kind, "data").format(name)


def changes_of(app: App, stack: str, changes: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """What a change set of one stack does, a change a node, in the order of their names."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in changes:
        change = cast("Mapping[str, Any]", each.get("ResourceChange") or {})
        if change and change["ResourceType"] not in CARRIERS:
            node = _node(app, stack, str(change["LogicalResourceId"]))
            found.setdefault(node, []).append(change)
    return tuple(
        Change(
            sign=_sign(parts),
            kind=kind,
            node=name,
            details=tuple(dict.fromkeys(_detail(part) for part in parts)),
            cause=_cause(parts),
        )
        for (kind, name), parts in sorted(found.items())
    )


def drift_of(app: App, stack: str, drifts: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """What somebody changed beside CloudFormation, a change a node."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in drifts:
        lines = list(_drifted(each))
        if lines:
            node = _node(app, stack, str(each["LogicalResourceId"]))
            found.setdefault(node, []).extend(lines)
    return tuple(
        Change(sign="~", kind=kind, node=name, details=tuple(lines), cause="changed by hand")
        for (kind, name), lines in sorted(found.items())
    )


def _node(app: App, stack: str, logical_id: str) -> tuple[str, str]:
    """Whose a resource is: of a service's stack the service, of the data's by its id."""
    kind, _, name = stack.partition("-")
    if name:
        return kind, name
    ids = {
        names.logical_id(kind, node): (kind, node)
        for attribute, kind in KINDS
        for node in getattr(app, attribute)
    }
    mine = [each for each in ids if logical_id.startswith(each)]
    return ids[max(mine, key=len)] if mine else (kind, "")


def _sign(parts: Sequence[Mapping[str, Any]]) -> Sign:
    signs: set[Sign] = {SIGNS.get(str(part["Action"]), "~") for part in parts}
    return signs.pop() if len(signs) == 1 else "~"


def _detail(part: Mapping[str, Any]) -> str:
    """`task definition: Cpu, Memory (replaced)`."""
    kind = str(part["ResourceType"])
    thing = _words(kind.rpartition("::")[2])
    match part["Action"]:
        case "Add":
            return f"+ {thing} {part['LogicalResourceId']}"
        case "Remove":
            kept = KEPT.get(str(part.get("PolicyAction")), "")
            if kind in HOLDS_DATA and part.get("PolicyAction") == "Delete":
                kept = ", with its data"
            return f"- {thing} {part['LogicalResourceId']}{kept}"
        case _:
            named = dict.fromkeys(
                str(each["Target"]["Name"])
                for each in _details(part)
                if each.get("Target", {}).get("Name")
            )
            keys = ", ".join(named) or ", ".join(map(str, part.get("Scope") or ())) or "changes"
            is_replaced = str(part.get("Replacement")) == "True"
            how = " (replaced)" if is_replaced else ""
            if is_replaced and kind in HOLDS_DATA:
                how = " (replaced: the new one is empty)"
            return f"{thing}: {keys}{how}"


def _details(part: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", part.get("Details") or ())


def _cause(parts: Sequence[Mapping[str, Any]]) -> str:
    """Why, as far as CloudFormation says: the image, the file, or what it stands on."""
    actions = {str(part["Action"]) for part in parts}
    if actions == {"Add"}:
        return "the file asks for it"
    if actions == {"Remove"}:
        return "the file asks for it no more"
    sources = [detail for part in parts for detail in _details(part)]
    entities = {str(each.get("CausingEntity", "")) for each in sources}
    kinds = {str(each.get("ChangeSource", "")) for each in sources}
    causes = ["another image"] if any(each.startswith(IMAGE) for each in entities) else []
    causes += ["its keys changed"] if "DirectModification" in kinds else []
    if not causes and any(entity.startswith("Take") for entity in entities):
        causes = ["what it stands on changed"]
    return ", ".join(causes) or "follows what changed beside it"


def _drifted(drift: Mapping[str, Any]) -> Iterator[str]:
    kind = str(drift["ResourceType"])
    thing = _words(kind.rpartition("::")[2])
    if drift["StackResourceDriftStatus"] == "DELETED":
        yield f"{thing} {drift['LogicalResourceId']}: deleted"
        return
    for each in cast("Sequence[Mapping[str, Any]]", drift.get("PropertyDifferences") or ()):
        path = str(each["PropertyPath"])
        if any(kind == of and path.startswith(at) for of, at in NOT_DRIFT):
            continue
        name = path.strip("/").replace("/", ".")
        wanted, real = _short(each.get("ExpectedValue")), _short(each.get("ActualValue"))
        yield f"{thing} {name}: {wanted} → {real}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if not text or text == "null":
        return "unset"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _words(name: str) -> str:
    """`TaskDefinition` -> `task definition`, `DBInstance` -> `DB instance`."""
    found = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z0-9]+|[A-Z0-9]+", name)
    return " ".join(each if each.isupper() else each.lower() for each in found) or name
