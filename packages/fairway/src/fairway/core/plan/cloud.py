"""The plan of an environment on a cloud: what comes, what it costs, what to know. Values only."""

from dataclasses import asdict, dataclass
from typing import Any

from fairway.core.cost.line import Estimate
from fairway.core.plan.creation import Creation
from fairway.core.plan.diff import Change
from fairway.core.policy import Finding
from fairway.core.problem import Problem

__all__ = ["EMPTY", "CloudPlan", "to_json"]


EMPTY = "an empty account"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudPlan:
    """One page: `creations` against an empty account, their `estimate`, findings and gaps.

    `place` says where on Earth the region is; `prices_from` and `prices_to` are the dates (ISO)
    of the oldest and the newest price that the estimate used. `concerned` are the assumptions that
    change anything here; `notes` are those of the file. `compared` says what it is held against,
    `unasked` why not against what runs. With an account, `changes` are those of what is there,
    `drift` what somebody changed by hand.
    """

    app: str
    environment: str
    target: str
    place: str
    creations: tuple[Creation, ...]
    estimate: Estimate
    concerned: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    notes: tuple[Problem, ...] = ()
    gaps: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()
    drift: tuple[Change, ...] = ()
    compared: str = EMPTY
    unasked: str = "nothing was asked of it"

    @property
    def is_quiet(self) -> bool:
        """Whether nothing would change."""
        return not self.creations and not self.changes

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that cost something, in the order in which they are made."""
        made = [each.node for each in self.creations]
        rest = [node for node in self.estimate.nodes if node not in made]
        return tuple(node for node in (*made, *rest) if self.estimate.of(node))

    @property
    def prices_from(self) -> str:
        return min((line.price.date for line in self.estimate.lines), default="")

    @property
    def prices_to(self) -> str:
        return max((line.price.date for line in self.estimate.lines), default="")

    def usd(self, node: str) -> float:
        """What one node costs a month."""
        return sum(line.usd for line in self.estimate.of(node))


def to_json(plan: CloudPlan) -> dict[str, Any]:
    """The plan as JSON values; money in US dollars a month, unrounded."""
    found = plan.estimate
    return {
        "app": plan.app,
        "environment": plan.environment,
        "target": plan.target,
        "region": found.region,
        "compared_with": plan.compared,
        "changes": [
            {
                "sign": "+",
                "kind": each.kind,
                "node": each.name,
                "what": each.what,
                "cause": each.cause,
                "usd": plan.usd(each.node),
            }
            for each in plan.creations
        ]
        + [changed(plan, each) for each in plan.changes],
        "drift": [changed(plan, each) for each in plan.drift],
        "cost": {
            "usd": found.usd,
            "lowest_usd": found.lowest_usd,
            "highest_usd": found.highest_usd,
            "lines": [
                {
                    "node": line.node,
                    "what": line.what,
                    "quantity": line.quantity,
                    "unit": line.price.unit,
                    "price_usd": line.price.usd,
                    "per": line.price.per,
                    "share": line.share,
                    "usd": line.usd,
                    "lowest_usd": line.lowest_usd,
                    "highest_usd": line.highest_usd,
                    "note": line.note,
                    "price": line.price.key,
                    "date": line.price.date,
                    "source": line.price.source,
                }
                for line in found.lines
            ],
            "savings": [asdict(each) for each in found.savings],
            "unpriced": list(found.unpriced),
        },
        "assumptions": asdict(found.assumptions),
        "findings": [{"code": each.code, **asdict(each.problem)} for each in plan.findings],
        "notes": [asdict(each) for each in plan.notes],
        "gaps": [asdict(each) for each in plan.gaps],
    }


def changed(plan: CloudPlan, change: Change) -> dict[str, Any]:
    """A change of what is there, with the price of the node as it would be."""
    return {
        "sign": change.sign,
        "kind": change.kind,
        "node": change.node,
        "what": "; ".join(change.details),
        "cause": change.cause,
        "usd": plan.usd(f"{change.kind} {change.node}".rstrip()),
    }
