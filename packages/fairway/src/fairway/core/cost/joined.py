"""The lines of networks that the app's is joined to: an attachment's hours, and gigabytes (R205).

A transit gateway bills each attachment by the hour, to whoever owns the network, and each GB that a
network sends into it (https://aws.amazon.com/transit-gateway/pricing/). A peering is free; between
zones it bills what any transfer there does, on both sides
(https://docs.aws.amazon.com/whitepapers/latest/building-scalable-secure-multi-vpc-network-infrastructure/vpc-peering.html,
both read 2026-11). Pure.
"""

from collections.abc import Iterator

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import flat
from fairway.core.cost.layout import Layout
from fairway.core.cost.line import HOURS, Line
from fairway.core.cost.prices import Prices
from fairway.core.spec.model import App

__all__ = ["joined", "unpriced_networks"]


def joined(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    """What each costs; between regions nothing is said of its gigabytes."""
    share = (layout.zones - 1) / layout.zones
    for network in app.networks.values():
        node = f"network {network.name}"
        if network.transit is not None:
            yield flat(node, "attachment to its gateway", prices, "transit.hour", HOURS)
            yield flat(node, "sent into its gateway", prices, "transit.gb", assumed.joined_gb)
        elif network.region is None:
            crossing = 2 * assumed.joined_gb * share  # what is sent, and what comes back
            yield flat(node, "to and from other zones", prices, "transfer.zone", crossing)


def unpriced_networks(app: App) -> Iterator[str]:
    """Of those whose gigabytes have no price here."""
    for network in app.networks.values():
        if network.transit is not None:
            yield f"network {network.name}: what its gateway's owner pays, for the way back too"
        elif network.region is not None:
            yield f"network {network.name}: each GB to {network.region} and back"
