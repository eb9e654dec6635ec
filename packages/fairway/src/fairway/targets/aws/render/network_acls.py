"""Network ACLs (R198): the second wall, by subnets, should a security group be wrong.

Data subnets hear services and each other, on nothing else. ACLs keep no state: answers come back
to ports above 1023, so these are open where anything is asked for.
"""

from typing import NamedTuple

from fairway.targets.aws.render import addresses
from fairway.targets.aws.render.template import Draft, ref

__all__ = ["add_network_acls"]


class Way(NamedTuple):
    """TCP between these ports, from (or to) this block."""

    block: str
    first: int
    last: int


ANSWERS = (1024, 65535)
PUBLIC_IN = (
    Way(addresses.ANYWHERE, 80, 80),
    Way(addresses.ANYWHERE, 443, 443),
    Way(addresses.ANYWHERE, *ANSWERS),
)


def add_network_acls(draft: Draft, network: str, zones: int) -> None:
    """Add one ACL a kind of subnet; `network` is the block of the app's own."""
    inside, anywhere = Way(network, 0, 65535), addresses.ANYWHERE
    public_out = (inside, Way(anywhere, 443, 443), Way(anywhere, *ANSWERS))
    services_in = (inside, Way(anywhere, *ANSWERS))
    # An app may have a server elsewhere (`url`): its port is said by the security group.
    services_out = (inside, Way(anywhere, 443, 65535))
    services = [addresses.services(network, zone) for zone in range(zones)]
    data = Way(addresses.data_block(network), 0, 65535)
    data_in = (
        *(Way(block, port, port) for block in services for port in (5432, 6379)),
        data,
    )
    data_out = (*(Way(block, *ANSWERS) for block in services), data)
    for kind, into, out in (
        ("Public", PUBLIC_IN, public_out),
        ("Services", services_in, services_out),
        ("Data", data_in, data_out),
    ):
        draft.add(f"{kind}Acl", "AWS::EC2::NetworkAcl", {"VpcId": ref("Network")})
        _entries(draft, kind, into, is_out=False)
        _entries(draft, kind, out, is_out=True)
        for zone in range(1, zones + 1):
            draft.add(
                f"{kind}{zone}Acl",
                "AWS::EC2::SubnetNetworkAclAssociation",
                {"NetworkAclId": ref(f"{kind}Acl"), "SubnetId": ref(f"{kind}{zone}")},
            )


def _entries(draft: Draft, kind: str, ways: tuple[Way, ...], *, is_out: bool) -> None:
    for number, way in enumerate(ways, start=1):
        draft.add(
            f"{kind}Acl{'Out' if is_out else 'In'}{number}",
            "AWS::EC2::NetworkAclEntry",
            {
                "CidrBlock": way.block,
                "Egress": is_out,
                "NetworkAclId": ref(f"{kind}Acl"),
                "PortRange": {"From": way.first, "To": way.last},
                "Protocol": 6,
                "RuleAction": "allow",
                "RuleNumber": 100 * number,
            },
        )
