"""R262: the bill that the requirements name, beside ours, with the reason of every difference.

Their app: three tasks, a balancer, Redis, PostgreSQL, logs and transfer, about $200 a month.
`STEPS` lead from each of their figures to ours: a step is a sentence and what it is worth at list
price. What is left over is how their figure was rounded, and must stay small.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.estimate import estimate
from fairway.core.cost.line import HOURS, Estimate
from fairway.core.spec.parse import parse
from tests.core.cost.price_tables import prices

GUIDE = Path(__file__).parent.parent.parent.parent / "docs/guides/cost.md"
FILE = """
app = "planner"

[service.web]
script   = "app.py"
public   = true
uses     = ["db", "cache"]
replicas = "3..10"
cpu      = 1
memory   = "2 GiB"

[database.db]
[cache.cache]
"""
# Logs of $10 are 20 GB, transfer of $10 is 111 GB beyond the free 100: what these say.
TRAFFIC = Assumptions(requests_per_month=2e6, log_kb=10, response_kb=105)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of their lines, our nodes for it, and the steps from one to the other."""

    name: str
    theirs: float
    nodes: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, float], ...]

    def ours(self, found: Estimate) -> float:
        return sum(
            line.usd
            for node, unit in self.nodes
            for line in found.of(node)
            if unit in line.price.key
        )


def items() -> tuple[Item, ...]:
    each = {key: row.each_usd for key, row in prices().rows.items()}
    x86 = 3 * HOURS * (each["fargate.x86.vcpu"] + 2 * each["fargate.x86.gb"])
    unit = HOURS * each["alb.lcu"]
    one_zone = HOURS * each["rds.db.t4g.micro.single"]
    return (
        Item(
            name="tasks",
            theirs=120,
            nodes=(("service web", "fargate"),),
            steps=(("three of 1 vCPU and 2 GB, x86, are $108", x86 - 120),),
        ),
        Item(
            name="balancer",
            theirs=25,
            nodes=(("balancer", ""),),
            steps=(
                ("an hour's rate and one unit, always: $22", HOURS * each["alb.hour"] + unit - 25),
                ("210 GB a month need a third of a unit", unit * (210 / HOURS - 1)),
                ("two public addresses, billed since 2024", 2 * HOURS * each["ipv4.hour"]),
                ("a year of its access log", 2 * 0.15 * 12 * each["s3.storage"]),
            ),
        ),
        Item(
            name="cache",
            theirs=15,
            nodes=(("cache cache", ""),),
            steps=(
                ("cache.t3.micro is $12", HOURS * each["elasticache.cache.t3.micro.redis"] - 15),
                (
                    "cache.t4g.micro with Valkey instead",
                    HOURS * each["elasticache.cache.t4g.micro.valkey"]
                    - HOURS * each["elasticache.cache.t3.micro.redis"],
                ),
                (
                    "a second node in another zone",
                    HOURS * each["elasticache.cache.t4g.micro.valkey"],
                ),
            ),
        ),
        Item(
            name="database",
            theirs=20,
            nodes=(("database db", ""),),
            steps=(
                ("db.t4g.micro in one zone is $12", one_zone - 20),
                ("20 GB of disk, gp3", 20 * each["rds.storage.single"]),
                ("7 days of log to recover from", 20 * 0.02 * 7 * each["rds.backup"]),
            ),
        ),
        Item(
            name="logs",
            theirs=10,
            nodes=(("watching", "logs"),),
            steps=(
                ("the network's own log", 2e6 * 0.2 / 1e6 * each["logs.ingest"]),
                ("kept for 90 days", 20.4 * 0.15 * 90 / 30.4 * each["logs.storage"]),
            ),
        ),
        Item(
            name="transfer",
            theirs=10,
            nodes=(("transfer", ""),),
            steps=(("110 GB beyond the free 100", 110 * each["transfer.out"] - 10),),
        ),
    )


def found() -> Estimate:
    return estimate(parse(FILE).app("production"), prices(), TRAFFIC)


@pytest.mark.requirement("R256", "R261", "R262")
@pytest.mark.parametrize("item", items(), ids=lambda item: item.name)
def test_every_difference_from_the_bill_in_the_requirements_is_explained(item: Item) -> None:
    ours = item.ours(found())
    assert item.theirs + sum(step for _, step in item.steps) == pytest.approx(ours, abs=0.01)
    assert ours == pytest.approx(item.theirs, rel=0.45)


@pytest.mark.requirement("R256", "R262")
def test_what_the_bill_in_the_requirements_leaves_out_is_named_with_its_price(
    golden: Callable[[str, str], None],
) -> None:
    bill, listed = found(), items()
    lines = ["| line | theirs | ours | why |", "|---|--:|--:|---|"]
    for item in listed:
        why = "; ".join(f"{words}: {step:+.2f}" for words, step in item.steps)
        lines.append(f"| {item.name} | ${item.theirs:.0f} | ${item.ours(bill):.2f} | {why} |")
    theirs = sum(item.theirs for item in listed)
    ours = sum(item.ours(bill) for item in listed)
    lines.append(f"| **what they name** | ${theirs:.0f} | ${ours:.2f} | |")
    for node in bill.nodes:
        named = {(node, unit) for item in listed for where, unit in item.nodes if where == node}
        rest = [
            line for line in bill.of(node) if not any(unit in line.price.key for _, unit in named)
        ]
        usd = sum(line.usd for line in rest)
        if rest:
            words = ", ".join(line.what for line in rest if line.usd >= 0.005)
            lines.append(f"| {node} | | ${usd:.2f} | {words} |")
    lines.append(f"| **total** | $200 | ${bill.usd:.2f} | |")
    assert 200 <= bill.usd <= 500  # R256
    golden("seed.md", "\n".join(lines) + "\n")
    assert "\n".join(lines) in GUIDE.read_text()
