"""What would cost less, with figures: Spot, Graviton, commitments, nights, one way out (R264).

A commitment's discount is a band that its seller names, so its figure is one too. What the plan
has already is said as well: it is a reason for the total. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import of_service
from fairway.core.cost.layout import Layout, one_gateway
from fairway.core.cost.line import HOURS, Line, Saving, total
from fairway.core.cost.load import average_replicas
from fairway.core.cost.prices import Prices
from fairway.core.spec.model import App, OffHours, Service
from fairway.core.spec.quantities import Replicas

__all__ = ["savings"]

NIGHT = (22 * 60, 5 * 60)  # R115
LEAST_USD = 1.0


def savings(
    app: App, lines: Sequence[Line], prices: Prices, assumed: Assumptions, layout: Layout
) -> tuple[Saving, ...]:
    """Everything that saves a dollar or more, the most first; what is taken already, last."""
    found = [
        *of_chip(lines, prices, layout),
        *of_spot(lines, prices),
        *of_commitments(app, lines, prices),
        *of_nights(app, prices, assumed, layout),
        *of_gateways(prices, layout),
    ]
    worth = [each for each in found if each.highest_usd >= LEAST_USD]
    return tuple(sorted(worth, key=lambda each: (each.is_taken, -each.highest_usd, each.what)))


def tasks(
    lines: Sequence[Line], *, kind: str | tuple[str, ...] = "", spot: bool | None = None
) -> list[Line]:
    """The lines of Fargate; of one kind of node, with or without Spot."""
    return [
        line
        for line in lines
        if line.price.key.startswith("fargate.")
        and line.node.startswith(kind)
        and (spot is None or (line.share < 1) is spot)
    ]


def of_chip(lines: Sequence[Line], prices: Prices, layout: Layout) -> Iterator[Saving]:
    mine, other = ("arm", "x86") if layout.is_arm else ("x86", "arm")
    found = tasks(lines)
    now = total(found)
    then = sum(
        line.quantity
        * line.share
        * prices[line.price.key.replace(f".{mine}.", f".{other}.")].each_usd
        for line in found
    )
    source = prices[f"fargate.{other}.vcpu"].source
    differs = abs(then - now)
    what = "Graviton" if layout.is_arm else "Graviton (--processor ARM64)"
    yield Saving(
        node="tasks",
        what=what,
        lowest_usd=differs,
        highest_usd=differs,
        source=source,
        is_taken=layout.is_arm,
    )


def of_spot(lines: Sequence[Line], prices: Prices) -> Iterator[Saving]:
    band = prices.discounts["fargate.spot"]
    taken = tasks(lines, spot=True)
    if taken:
        full = sum(line.usd / line.share for line in taken)
        low, high = full * band.lowest, full * band.highest
        nodes = ", ".join(dict.fromkeys(line.node for line in taken))
        yield saving(nodes, "Spot capacity", low, high, band.source, is_taken=True)
    idle = tasks(lines, kind=("job ", "worker "), spot=False)
    usd = total(idle)
    kinds = " and ".join(sorted({f"{line.node.partition(' ')[0]}s" for line in idle}))
    what = "Spot capacity: write interruptible = true"
    yield saving(kinds, what, usd * band.lowest, usd * band.highest, band.source)


def of_commitments(app: App, lines: Sequence[Line], prices: Prices) -> Iterator[Saving]:
    band = prices.discounts["savings.compute"]
    steady = sum(line.lowest_usd for line in tasks(lines, kind=("service ", "worker "), spot=False))
    what = "a savings plan of 1 or 3 years for the fewest replicas"
    yield saving("tasks", what, steady * band.lowest, steady * band.highest, band.source)
    band = prices.discounts["rds.reserved"]
    for name in app.databases:
        found = [line for line in lines if line.node == f"database {name}"]
        usd = total([line for line in found if line.price.unit == "instance-hour"])
        what = "reserved for 1 year, nothing paid in advance"
        yield saving(f"database {name}", what, usd * band.lowest, usd * band.highest, band.source)


def of_nights(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Saving]:
    """What off hours save, or would: one replica from 22:00 to 05:00."""
    source = prices["fargate.arm.vcpu"].source
    for service in app.programs.values():
        if service.kind == "function":
            continue
        node = f"{service.node_kind} {service.name}"
        with_none = cost(service, prices, assumed, layout, off_hours=False)
        if service.off_hours is not None:
            usd = with_none - cost(service, prices, assumed, layout)
            what = f"off hours of {service.off_hours.replicas} replicas"
            yield saving(node, what, usd, usd, source, is_taken=True)
            continue
        fewer = Replicas(min(1, service.replicas.minimum), service.replicas.maximum)
        night = OffHours(replicas=fewer, start_minute=NIGHT[0], end_minute=NIGHT[1])
        usd = with_none - cost(replace(service, off_hours=night), prices, assumed, layout)
        what = f'off_hours = {{ replicas = "{fewer}", from = "22:00", to = "05:00" }}'
        yield saving(node, what, usd, usd, source)


def cost(
    service: Service,
    prices: Prices,
    assumed: Assumptions,
    layout: Layout,
    *,
    off_hours: bool = True,
) -> float:
    running = average_replicas(service, assumed, off_hours=off_hours)
    return total(list(of_service(service, running, prices, layout)))


def of_gateways(prices: Prices, layout: Layout) -> Iterator[Saving]:
    fewer = layout.nat_gateways - one_gateway(layout).nat_gateways
    usd = fewer * HOURS * (prices["nat.hour"].each_usd + prices["ipv4.hour"].each_usd)
    what = "one NAT gateway (--egress one-nat); nothing gets out while its zone is down"
    yield saving("network", what, usd, usd, prices["nat.hour"].source)


def saving(
    node: str, what: str, low: float, high: float, source: str, *, is_taken: bool = False
) -> Saving:
    return Saving(
        node=node, what=what, lowest_usd=low, highest_usd=high, source=source, is_taken=is_taken
    )
