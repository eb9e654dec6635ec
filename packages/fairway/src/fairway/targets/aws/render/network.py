"""The network's stack: zones, subnets, the way out, network ACLs, flow logs; the key, the topic.

Services and data have private subnets (R86, R196); data has no way out at all. Who may speak to
whom is said by security groups, which stand where their services are (R197). Pure.
"""

from collections.abc import Sequence

from fairway.core.spec.model import App
from fairway.core.spec.renewal import started_anew
from fairway.targets.aws.render import addresses
from fairway.targets.aws.render.choices import Choices
from fairway.targets.aws.render.joined import add_joined
from fairway.targets.aws.render.keys import add_key
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.network_acls import add_network_acls
from fairway.targets.aws.render.policies import add_role, statement
from fairway.targets.aws.render.security import NOWHERE
from fairway.targets.aws.render.template import (
    REGION,
    Draft,
    Stack,
    Value,
    each,
    get,
    join,
    ref,
    sub,
)
from fairway.targets.aws.render.topic import add_topic

__all__ = ["network"]

# What Fargate and the app's SDKs call, where no NAT leads out. S3 and DynamoDB have gateways.
INTERFACES = (
    "ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "secretsmanager", "sns", "sqs", "ssm",
    "states", "sts",
)  # fmt: skip
ECS = "ecs"  # what renews secrets asks it to start their readers anew


def network(app: App, draft: Draft, choices: Choices) -> Stack:
    """Render it."""
    key = add_key(draft)
    if app.alarm is not None:
        add_topic(draft, app.alarm, key)
    draft.add(
        "Network",
        "AWS::EC2::VPC",
        {
            "CidrBlock": app.addresses,
            "EnableDnsHostnames": True,
            "EnableDnsSupport": True,
        },
    )
    draft.add("Gateway", "AWS::EC2::InternetGateway", {})
    draft.add(
        "GatewayAttachment",
        "AWS::EC2::VPCGatewayAttachment",
        {"InternetGatewayId": ref("Gateway"), "VpcId": ref("Network")},
    )
    for zone in range(choices.zones):
        _subnets(draft, app.addresses, zone)
    _ways_out(draft, choices)
    add_joined(app, draft, choices.zones)
    add_network_acls(draft, app.addresses, choices.zones)
    interfaces = (*INTERFACES, ECS) if started_anew(app) else INTERFACES
    _endpoints(draft, app.addresses, choices, interfaces)
    _flow_logs(draft, key, choices)
    for kind in ("Public", "Services", "Data"):
        ids: list[Value] = [ref(f"{kind}{zone + 1}") for zone in range(choices.zones)]
        draft.give(f"{kind.lower()}/subnets", join(",", ids), "StringList")
    draft.give("network", ref("Network"))
    return draft.stack()


def _subnets(draft: Draft, network: str, zone: int) -> None:
    for kind, block in (
        ("Public", addresses.public(network, zone)),
        ("Services", addresses.services(network, zone)),
        ("Data", addresses.data(network, zone)),
    ):
        draft.add(
            f"{kind}{zone + 1}",
            "AWS::EC2::Subnet",
            {
                "AvailabilityZone": each({"Fn::GetAZs": ""}, zone),
                "CidrBlock": block,
                "MapPublicIpOnLaunch": False,
                "VpcId": ref("Network"),
            },
        )


def _route_table(draft: Draft, id_: str, subnets: list[str]) -> None:
    draft.add(id_, "AWS::EC2::RouteTable", {"VpcId": ref("Network")})
    for subnet in subnets:
        draft.add(
            f"{subnet}Routes",
            "AWS::EC2::SubnetRouteTableAssociation",
            {"RouteTableId": ref(id_), "SubnetId": ref(subnet)},
        )


def _ways_out(draft: Draft, choices: Choices) -> None:
    """Route tables: public to the gateway, services through a NAT (or nowhere), data nowhere."""
    zones = range(1, choices.zones + 1)
    _route_table(draft, "PublicTable", [f"Public{zone}" for zone in zones])
    draft.add(
        "PublicRoute",
        "AWS::EC2::Route",
        {
            "DestinationCidrBlock": addresses.ANYWHERE,
            "GatewayId": ref("Gateway"),
            "RouteTableId": ref("PublicTable"),
        },
        after=["GatewayAttachment"],
    )
    _route_table(draft, "DataTable", [f"Data{zone}" for zone in zones])
    nats = {"nat-per-zone": choices.zones, "one-nat": 1, "endpoints": 0}[choices.egress]
    for zone in range(1, nats + 1):
        draft.add(f"Address{zone}", "AWS::EC2::EIP", {"Domain": "vpc"}, after=["GatewayAttachment"])
        draft.add(
            f"Nat{zone}",
            "AWS::EC2::NatGateway",
            {
                "AllocationId": get(f"Address{zone}", "AllocationId"),
                "SubnetId": ref(f"Public{zone}"),
            },
        )
    for zone in zones:
        _route_table(draft, f"ServicesTable{zone}", [f"Services{zone}"])
        if nats:
            draft.add(
                f"ServicesRoute{zone}",
                "AWS::EC2::Route",
                {
                    "DestinationCidrBlock": addresses.ANYWHERE,
                    "NatGatewayId": ref(f"Nat{min(zone, nats)}"),
                    "RouteTableId": ref(f"ServicesTable{zone}"),
                },
            )


def _endpoints(draft: Draft, network: str, choices: Choices, interfaces: Sequence[str]) -> None:
    """S3 and DynamoDB without the NAT and its price; with `endpoints`, the rest of AWS too."""
    zones = range(1, choices.zones + 1)
    for service in ("s3", "dynamodb"):
        draft.add(
            f"{service.title()}Endpoint",
            "AWS::EC2::VPCEndpoint",
            {
                "RouteTableIds": [ref(f"ServicesTable{zone}") for zone in zones],
                "ServiceName": sub(f"com.amazonaws.{REGION}.{service}"),
                "VpcEndpointType": "Gateway",
                "VpcId": ref("Network"),
            },
        )
    if choices.egress != "endpoints":
        return
    draft.add(
        "EndpointsGroup",
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": "Endpoints of AWS; services speak to them.",
            "SecurityGroupEgress": [NOWHERE],
            "SecurityGroupIngress": [
                {
                    "CidrIp": addresses.services(network, zone),
                    "Description": "Services to AWS.",
                    "FromPort": 443,
                    "IpProtocol": "tcp",
                    "ToPort": 443,
                }
                for zone in range(choices.zones)
            ],
            "VpcId": ref("Network"),
        },
    )
    for service in interfaces:
        words = "".join(word.title() for word in service.split("."))
        draft.add(
            f"{words}Endpoint",
            "AWS::EC2::VPCEndpoint",
            {
                "PrivateDnsEnabled": True,
                "SecurityGroupIds": [ref("EndpointsGroup")],
                "ServiceName": sub(f"com.amazonaws.{REGION}.{service}"),
                "SubnetIds": [ref(f"Services{zone}") for zone in zones],
                "VpcEndpointType": "Interface",
                "VpcId": ref("Network"),
            },
        )


def _flow_logs(draft: Draft, key: Value, choices: Choices) -> None:
    """Who spoke to whom, and what was refused (R164)."""
    add_log_group(draft, "FlowLogs", draft.path("network", "flow"), key, choices.log_days)
    role = add_role(
        draft,
        "FlowLogsRole",
        "vpc-flow-logs.amazonaws.com",
        [
            statement(
                ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
                get("FlowLogs"),
            )
        ],
    )
    draft.add(
        "FlowLog",
        "AWS::EC2::FlowLog",
        {
            "DeliverLogsPermissionArn": role,
            "LogDestination": get("FlowLogs"),
            "LogDestinationType": "cloud-watch-logs",
            "ResourceId": ref("Network"),
            "ResourceType": "VPC",
            "TrafficType": "ALL",
        },
    )
