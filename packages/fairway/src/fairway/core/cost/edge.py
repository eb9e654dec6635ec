"""What lies between people and the app: network, balancer, CDN, firewall, transfer. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import flat, past_the_edge
from fairway.core.cost.layout import Layout
from fairway.core.cost.line import HOURS, Line
from fairway.core.cost.prices import Prices
from fairway.core.cost.watching import LOGS_SHRINK_TO
from fairway.core.spec.model import App

__all__ = ["Traffic", "balancer_units", "edge", "traffic_of"]

FREE_OUT_GB = 100.0  # a month, all services and regions of an account together
EDGE_FREE_GB = 1000.0
EDGE_FREE_REQUESTS = 10e6
# Transfer out: up to so many GB a month at the rate of the row (1 TB is 1024 GB there).
OUT_TIERS = (
    (10_240.0, "transfer.out"),
    (51_200.0, "transfer.out.from_10tb"),
    (153_600.0, "transfer.out.from_50tb"),
    (float("inf"), "transfer.out.from_150tb"),
)
# One balancer unit holds these (the dearest counts); a connection serves so many requests.
UNIT_GB_PER_HOUR = 1.0
UNIT_CONNECTIONS = 25.0
UNIT_ACTIVE = 3000.0
REQUESTS_PER_CONNECTION = 10.0
CONNECTION_SECONDS = 60.0
ACCESS_LOG_MONTHS = 12.0  # an access log is kept for a year


class Traffic(NamedTuple):
    """A month: requests and GB at the balancer, at the edge, and out of the region by itself."""

    balancer_requests: float
    balancer_gb: float
    edge_requests: float
    edge_gb: float
    out_gb: float


def traffic_of(app: App, assumed: Assumptions) -> Traffic:
    """Who answers what: the edge what it keeps, the balancer the rest."""
    requests = assumed.requests_per_month
    size_gb = assumed.response_kb / 1e6
    at_balancer = edge_requests = out_gb = 0.0
    for service in app.services.values():
        if not service.public:
            continue
        if service.cache:
            edge_requests += requests
        else:
            out_gb += requests * size_gb
        if service.kind == "container":
            at_balancer += past_the_edge(service, assumed)
    edge_requests += requests * len(app.sites)
    return Traffic(
        at_balancer, at_balancer * size_gb, edge_requests, edge_requests * size_gb, out_gb
    )


def balancer_units(requests: float, gigabytes: float) -> float:
    """Load balancer capacity units on average: the highest of its measures.

    New connections (25 a second), active ones (3,000 a minute) and GB an hour (1), as
    https://aws.amazon.com/elasticloadbalancing/pricing/ says; rules are few here.
    """
    new = requests / REQUESTS_PER_CONNECTION / (HOURS * 3600)
    active = new * CONNECTION_SECONDS
    return max(new / UNIT_CONNECTIONS, active / UNIT_ACTIVE, gigabytes / HOURS / UNIT_GB_PER_HOUR)


def edge(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    """The lines of what nobody's node is, but every node needs."""
    traffic = traffic_of(app, assumed)
    yield from of_balancer(traffic, prices, assumed, layout)
    yield from of_cdn(app, traffic, prices, assumed)
    yield from of_firewalls(traffic, prices, layout)
    yield from of_network(app, prices, assumed, layout)
    yield from of_transfer(traffic.out_gb, prices)


def of_balancer(
    traffic: Traffic, prices: Prices, assumed: Assumptions, layout: Layout
) -> Iterator[Line]:
    if not layout.balancers:
        return
    node = "balancer"
    yield flat(node, "balancer", prices, "alb.hour", HOURS * layout.balancers)
    units = balancer_units(traffic.balancer_requests, traffic.balancer_gb) * HOURS
    yield flat(node, "its capacity units", prices, "alb.lcu", units)
    addresses = layout.balancers * layout.zones
    what = f"public addresses, {addresses}"
    yield flat(node, what, prices, "ipv4.hour", HOURS * addresses)
    yield access_log(node, traffic.balancer_requests, prices, assumed)


def access_log(node: str, requests: float, prices: Prices, assumed: Assumptions) -> Line:
    """What lies in its bucket after a year, compressed; AWS delivers it there for nothing.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
    (2026-11): only what is stored is billed.
    """
    written = requests * assumed.access_kb / 1e6
    kept = written * LOGS_SHRINK_TO * ACCESS_LOG_MONTHS
    return flat(node, "access log, kept for a year", prices, "s3.storage", kept)


def of_cdn(app: App, traffic: Traffic, prices: Prices, assumed: Assumptions) -> Iterator[Line]:
    if not traffic.edge_requests and not app.sites:
        return
    billed = max(traffic.edge_requests - EDGE_FREE_REQUESTS, 0.0)
    out = max(traffic.edge_gb - EDGE_FREE_GB, 0.0)
    yield flat("edge", "requests beyond the free 10M", prices, "cloudfront.requests", billed)
    yield flat("edge", "sent beyond the free 1 TB", prices, "cloudfront.gb", out)
    yield access_log("edge", traffic.edge_requests, prices, assumed)
    for name in app.sites:
        yield flat(f"site {name}", "stored", prices, "s3.storage", assumed.object_kb / 1e3)


def of_firewalls(traffic: Traffic, prices: Prices, layout: Layout) -> Iterator[Line]:
    for place, rules, requests in (
        ("at the edge", layout.edge_rules, traffic.edge_requests),
        ("at the balancer", layout.balancer_rules, traffic.balancer_requests),
    ):
        if not rules:
            continue
        yield flat("firewall", f"firewall {place}", prices, "waf.acl", 1.0)
        yield flat("firewall", f"its {rules} rules {place}", prices, "waf.rule", float(rules))
        yield flat("firewall", f"requests judged {place}", prices, "waf.requests", requests)


def of_network(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    gateways = layout.nat_gateways
    if gateways:
        each = f"{gateways} NAT gateway{'' if gateways == 1 else 's'}"
        yield flat("network", f"way out: {each}", prices, "nat.hour", HOURS * gateways)
        yield flat("network", "through NAT", prices, "nat.gb", assumed.egress_gb)
        yield flat("network", "its public addresses", prices, "ipv4.hour", HOURS * gateways)
    if layout.interface_endpoints:
        count = layout.interface_endpoints * layout.zones
        what = f"{layout.interface_endpoints} private endpoints in {layout.zones} zones"
        yield flat("network", what, prices, "endpoint.hour", HOURS * count)
    servers = [name for name, database in app.databases.items() if database.is_server]
    pairs = sum(name in service.uses for service in app.services.values() for name in servers)
    if pairs and layout.zones > 1:
        crossing = pairs * assumed.requests_per_month * assumed.database_kb / 1e6
        share = (layout.zones - 1) / layout.zones
        billed = crossing * share * 2  # once on each side
        yield flat("network", "between zones, both sides", prices, "transfer.zone", billed)


def of_transfer(out_gb: float, prices: Prices) -> Iterator[Line]:
    """What the region sends to the internet, in AWS' tiers, beyond the free 100 GB."""
    below = FREE_OUT_GB
    for upto, key in OUT_TIERS:
        billed = min(out_gb, upto) - below
        if key == "transfer.out" and out_gb:
            what = "sent to the internet beyond the free 100 GB"
            yield flat("transfer", what, prices, key, max(billed, 0.0))
        elif billed > 0:
            what = f"sent beyond {below:,.0f} GB"
            yield flat("transfer", what, prices, key, billed)
        below = upto
