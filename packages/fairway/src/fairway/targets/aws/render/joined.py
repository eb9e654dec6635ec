"""Other networks that the app's is joined to: a peering or a transit gateway, and the way there.

Part of the network's stack (R205). Only the subnets of services have routes there: data keeps no
way out, and what is public has none but the internet's. Which port a service may ask there, its
own group says (`reach.py`); who is there asks nothing here. Pure.
"""

from fairway.core import names
from fairway.core.spec.model import App, Network
from fairway.targets.aws.render.template import Draft, Value, ref

__all__ = ["add_joined"]

THERE = "pcx-"  # a peering that somebody has made and accepted


def add_joined(app: App, draft: Draft, zones: int) -> None:
    """Add what joins each network, and a route for each of its blocks in each zone."""
    for network in app.networks.values():
        id_ = names.logical_id("network", network.name)
        if network.transit is not None:
            made = _attach(draft, id_, network.transit, zones)
            way: dict[str, Value] = {"TransitGatewayId": network.transit}
        else:
            made, way = _peer(draft, id_, network)
        for zone in range(1, zones + 1):
            for number, block in enumerate(network.addresses, start=1):
                draft.add(
                    f"{id_}Route{zone}To{number}",
                    "AWS::EC2::Route",
                    {
                        "DestinationCidrBlock": block,
                        "RouteTableId": ref(f"ServicesTable{zone}"),
                        **way,
                    },
                    after=made,
                )


def _attach(draft: Draft, id_: str, gateway: str, zones: int) -> list[str]:
    """Attach to a transit gateway, in each zone: what a route there waits for."""
    subnets: list[Value] = [ref(f"Services{zone}") for zone in range(1, zones + 1)]
    draft.add(
        f"{id_}Attachment",
        "AWS::EC2::TransitGatewayVpcAttachment",
        {
            "Options": {"DnsSupport": "enable"},
            "SubnetIds": subnets,
            "TransitGatewayId": gateway,
            "VpcId": ref("Network"),
        },
    )
    return [f"{id_}Attachment"]


def _peer(draft: Draft, id_: str, network: Network) -> tuple[list[str], dict[str, Value]]:
    """Peer with a network, unless that was done: what a route waits for, and where it leads."""
    assert network.peer is not None, "the file says one of both"
    if network.peer.startswith(THERE):
        return [], {"VpcPeeringConnectionId": network.peer}
    peering: dict[str, Value] = {"PeerVpcId": network.peer, "VpcId": ref("Network")}
    if network.role is not None:
        # The role's account is the network's: arn:aws:iam::222222222222:role/name.
        peering |= {"PeerOwnerId": network.role.split(":")[4], "PeerRoleArn": network.role}
    if network.region is not None:
        peering["PeerRegion"] = network.region
    draft.add(f"{id_}Peering", "AWS::EC2::VPCPeeringConnection", peering)
    return [], {"VpcPeeringConnectionId": ref(f"{id_}Peering")}
