"""Networks of one's own that the app's is joined to: what leads there, and what does not."""

from typing import Any

import pytest

from fairway.core.cost.estimate import estimate
from fairway.core.cost.layout import layout_of
from fairway.core.plan.creation import creations
from fairway.targets.aws.decide.differences import changes_of, stack_of
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import choices_for
from fairway.targets.aws.render.limits import limits
from tests.core.cost.price_tables import prices
from tests.targets.aws.shapes import app_of, resources, templates

PEERED = """
[network.office]
peer = "vpc-0123456789abcdef0"
addresses = ["10.40.0.0/16", "192.168.7.0/24"]
"""
ROLE = "arn:aws:iam::222222222222:role/accepts-peering"
GATEWAY = """
[network.plant]
transit = "tgw-0123456789abcdef0"
addresses = "172.20.0.0/14"
"""
THERE = '[network.old]\npeer = "pcx-0123456789abcdef0"\naddresses = "10.80.0.0/16"\n'
DATA = """
[service.api]
asgi = "a:app"
public = true
uses = ["old-orders", "db"]
[database.db]
[database.old-orders]
url = "env:ORDERS_URL"
"""


def network(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = templates(app_of(text))["network.json"]["Resources"]
    return found


def routes(text: str) -> dict[str, dict[str, Any]]:
    """The routes to blocks of other networks, by their id."""
    return {
        key: each["Properties"]
        for key, each in network(text).items()
        if each["Type"] == "AWS::EC2::Route"
        and each["Properties"]["DestinationCidrBlock"] != "0.0.0.0/0"
    }


@pytest.mark.validated("R205")
def test_a_peer_has_a_route_for_each_block_in_each_zone() -> None:
    peering = network(PEERED)["NetworkOfficePeering"]
    assert peering["Type"] == "AWS::EC2::VPCPeeringConnection"
    assert peering["Properties"]["PeerVpcId"] == "vpc-0123456789abcdef0"
    assert peering["Properties"]["VpcId"] == {"Ref": "Network"}
    led = {
        (each["RouteTableId"]["Ref"], each["DestinationCidrBlock"])
        for each in routes(PEERED).values()
    }
    assert led == {
        (f"ServicesTable{zone}", block)
        for zone in (1, 2)
        for block in ("10.40.0.0/16", "192.168.7.0/24")
    }
    ways = [each["VpcPeeringConnectionId"] for each in routes(PEERED).values()]
    assert ways == [{"Ref": "NetworkOfficePeering"}] * 4


@pytest.mark.validated("R205")
def test_a_peer_elsewhere_is_named_by_its_region_and_by_the_account_of_its_role() -> None:
    said = network(f'{PEERED}role = "{ROLE}"\nregion = "eu-west-1"\n')["NetworkOfficePeering"]
    found = said["Properties"]
    assert (found["PeerOwnerId"], found["PeerRoleArn"]) == ("222222222222", ROLE)
    assert found["PeerRegion"] == "eu-west-1"
    here = network(PEERED)["NetworkOfficePeering"]["Properties"]
    assert not {"PeerOwnerId", "PeerRoleArn", "PeerRegion"} & here.keys()


@pytest.mark.validated("R205")
def test_a_peering_that_is_there_gets_routes_alone() -> None:
    assert {each["VpcPeeringConnectionId"] for each in routes(THERE).values()} == {
        "pcx-0123456789abcdef0"
    }
    assert not [each for each in network(THERE).values() if "Peering" in each["Type"]]


@pytest.mark.validated("R205")
def test_a_transit_gateway_is_attached_in_each_zone_before_packets_are_led_there() -> None:
    found = network(f"{GATEWAY}{DATA}[environment.production.database.db]\nzones = 3")
    attached = found["NetworkPlantAttachment"]
    assert attached["Type"] == "AWS::EC2::TransitGatewayVpcAttachment"
    assert [each["Ref"] for each in attached["Properties"]["SubnetIds"]] == [
        "Services1",
        "Services2",
        "Services3",
    ]
    led = [each for key, each in found.items() if key.startswith("NetworkPlantRoute")]
    assert len(led) == 3
    for each in led:
        assert each["DependsOn"] == ["NetworkPlantAttachment"]
        assert each["Properties"]["TransitGatewayId"] == "tgw-0123456789abcdef0"


@pytest.mark.validated("R205", "R196")
def test_only_services_are_led_to_another_network_never_data_nor_what_is_public() -> None:
    text = f"{PEERED}{GATEWAY}{THERE}{DATA}"
    tables = {each["RouteTableId"]["Ref"] for each in routes(text).values()}
    assert tables == {"ServicesTable1", "ServicesTable2"}


@pytest.mark.validated("R205", "R198")
def test_a_network_that_is_joined_opens_nothing_to_whom_is_there() -> None:
    """ACLs and groups are as without it: services ask, answers come back, data hears services."""
    joined, alone = app_of(f"{PEERED}{DATA}"), app_of(DATA)
    for kind in ("NetworkAclEntry", "SecurityGroup", "SecurityGroupIngress"):
        assert resources(joined, f"AWS::EC2::{kind}") == resources(alone, f"AWS::EC2::{kind}")
    entries = resources(joined, "AWS::EC2::NetworkAclEntry")
    data = {each["CidrBlock"] for key, each in entries.items() if "/DataAcl" in key}
    assert data == {"10.0.8.0/22", "10.0.16.0/20", "10.0.32.0/20"}


@pytest.mark.validated("R205")
def test_the_database_there_is_asked_at_its_port_through_group_and_acl() -> None:
    of = app_of(f"{PEERED}{DATA}")
    group = templates(of)["service-api.json"]["Resources"]["ServiceGroup"]["Properties"]
    assert [rule["ToPort"] for rule in group["SecurityGroupEgress"]] == [443, 5432]
    entries = resources(of, "AWS::EC2::NetworkAclEntry")
    out = [each for key, each in entries.items() if "ServicesAclOut" in key]
    anywhere = [each["PortRange"] for each in out if each["CidrBlock"] == "0.0.0.0/0"]
    assert any(ports["From"] <= 5432 <= ports["To"] for ports in anywhere)
    back = [each for key, each in entries.items() if "ServicesAclIn" in key]
    answers = [each["PortRange"] for each in back if each["CidrBlock"] == "0.0.0.0/0"]
    assert {"From": 1024, "To": 65535} in answers


def test_an_app_without_networks_is_rendered_as_before() -> None:
    assert not routes(DATA)


def test_what_the_other_side_has_to_do_is_a_gap() -> None:
    said = {gap.where: gap for gap in gaps(app_of(f"{PEERED}{GATEWAY}")) if "network" in gap.where}
    assert set(said) == {"network.office", "network.plant", "network.plant.transit"}
    assert "10.0.0.0/16" in said["network.office"].what
    assert all(gap.mend for gap in said.values())


@pytest.mark.parametrize(
    ("kind", "count"), [("transit", 6), ("peer", 51)], ids=["gateways", "peerings"]
)
def test_more_than_aws_joins_is_a_problem_before_the_deploy(kind: str, count: int) -> None:
    start = "tgw" if kind == "transit" else "vpc"
    lines = [
        f'[network.n{n}]\n{kind} = "{start}-{n:017x}"\naddresses = "10.{n + 1}.0.0/16"'
        for n in range(count)
    ]
    of = app_of("\n".join(lines))
    (problem,) = limits(of, choices_for(of))
    assert problem.where == "network"
    fewer = app_of("\n".join(lines[1:]))
    assert limits(fewer, choices_for(fewer)) == []


def test_a_plan_names_it_beside_the_app_s_own_network() -> None:
    of = app_of(f"{PEERED}{GATEWAY}")
    made = {each.node: each.what for each in creations(of, layout_of(of))}
    assert made["network office"].startswith("peered: vpc-0123456789abcdef0, 10.40.0.0/16 and")
    assert made["network plant"] == "through tgw-0123456789abcdef0, 172.20.0.0/14"
    assert "network" in made
    assert stack_of(of, "network", "office") == "network"


def test_a_change_of_it_is_told_by_its_name() -> None:
    change = {
        "ResourceChange": {
            "Action": "Add",
            "LogicalResourceId": "NetworkOfficePeering",
            "ResourceType": "AWS::EC2::VPCPeeringConnection",
        }
    }
    (told,) = changes_of(app_of(PEERED), "network", [change])
    assert (told.sign, told.kind, told.node) == ("+", "network", "office")


def test_what_has_no_price_here_is_named_and_not_guessed() -> None:
    of = app_of(f"{PEERED}{GATEWAY}")
    found = estimate(of, prices())
    assert [each for each in found.unpriced if each.startswith("network ")] == [
        "network plant: what its gateway's owner pays, for the way back too",
    ]
    assert [line.price.key for line in found.of("network office")] == ["transfer.zone"]
    assert [line.price.key for line in found.of("network plant")] == ["transit.hour", "transit.gb"]
