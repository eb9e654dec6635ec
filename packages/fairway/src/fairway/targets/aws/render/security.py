"""Security groups: closed both ways, opened by one rule a `uses` edge (R197, R199-R202).

A group stands in the stack of what it protects. The rules of an edge stand in the stack of the
node that uses: out of its own group, and into the group of what it uses. So an edge that leaves
the file closes both sides when that one stack is updated.
"""

from fairway.targets.aws.render.template import Draft, Value, get

__all__ = ["NOWHERE", "add_group", "open_to"]

# AWS opens a group without a rule to everywhere; a rule that no packet fits keeps it closed.
NOWHERE: Value = {
    "CidrIp": "255.255.255.255/32",
    "Description": "Nothing leaves.",
    "FromPort": 252,
    "IpProtocol": "icmp",
    "ToPort": 86,
}


def add_group(
    draft: Draft,
    id_: str,
    description: str,
    network: Value,
    *,
    out: tuple[tuple[str, int, str], ...] = (),
    into: tuple[tuple[str, int, str], ...] = (),
) -> Value:
    """Add a group; `out` and `into` are addresses, ports and why. Its id."""
    properties: dict[str, Value] = {
        "GroupDescription": description,
        "SecurityGroupEgress": [_by_address(*rule) for rule in out] or [NOWHERE],
        "VpcId": network,
    }
    if into:
        properties["SecurityGroupIngress"] = [_by_address(*rule) for rule in into]
    draft.add(id_, "AWS::EC2::SecurityGroup", properties)
    return get(id_, "GroupId")


def open_to(draft: Draft, id_: str, source: Value, target: Value, *, port: int, why: str) -> None:
    """Let the members of `source` speak to those of `target` on one port."""
    way: dict[str, Value] = {
        "Description": why,
        "FromPort": port,
        "IpProtocol": "tcp",
        "ToPort": port,
    }
    draft.add(
        f"{id_}Out",
        "AWS::EC2::SecurityGroupEgress",
        {**way, "DestinationSecurityGroupId": target, "GroupId": source},
    )
    draft.add(
        f"{id_}In",
        "AWS::EC2::SecurityGroupIngress",
        {**way, "GroupId": target, "SourceSecurityGroupId": source},
    )


def _by_address(address: str, port: int, why: str) -> Value:
    return {
        "CidrIp": address,
        "Description": why,
        "FromPort": port,
        "IpProtocol": "tcp",
        "ToPort": port,
    }
