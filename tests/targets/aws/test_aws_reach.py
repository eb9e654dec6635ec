"""Who may speak to whom: the rendered security groups against the edges of the file."""

from typing import Any

import pytest

from fairway.core.spec.model import App
from fairway.targets.aws.render.security import NOWHERE
from tests.targets.aws.shapes import APPS, app, app_of, templates

APP = """
[service.web]
asgi = "w:app"
public = true
uses = ["api", "sessions"]
[service.api]
asgi = "a:app"
uses = ["db"]
[service.lonely]
asgi = "l:app"
[database.db]
[database.archive]
[cache.sessions]
"""


def edges(of: App) -> set[tuple[str, str, int]]:
    """From group, to group, port: where both sides of a rule agree."""
    out: set[tuple[str, str, int]] = set()
    into: set[tuple[str, str, int]] = set()
    for path, template in templates(of).items():
        for resource in template["Resources"].values():
            said = resource["Properties"]
            if resource["Type"] == "AWS::EC2::SecurityGroupEgress":
                source = named(said["GroupId"], path, template)
                target = named(said["DestinationSecurityGroupId"], path, template)
                out.add((source, target, said["FromPort"]))
            if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
                source = named(said["SourceSecurityGroupId"], path, template)
                target = named(said["GroupId"], path, template)
                into.add((source, target, said["FromPort"]))
    assert out == into, "a rule opens one side only"
    return out


def named(end: dict[str, Any], path: str, template: dict[str, Any]) -> str:
    """`service/api/group`, wherever the group stands."""
    if "Ref" in end:
        default: str = template["Parameters"][end["Ref"]]["Default"]
        return default.split("/", 4)[4]
    group = end["Fn::GetAtt"][0]
    if path.startswith("service-"):
        return f"service/{path.removeprefix('service-').removesuffix('.json')}/group"
    return f"{path.removesuffix('.json')}:{group}"


@pytest.mark.requirement("R197", "R200", "R201", "R202")
def test_only_edges_of_the_file_are_open() -> None:
    assert edges(app_of(APP)) == {
        ("balancer/group", "service/web/group", 8000),
        ("service/web/group", "service/api/group", 8000),
        ("service/web/group", "cache/sessions/group", 6379),
        ("service/api/group", "database/db/group", 5432),
        # What renews their logins.
        ("renewal:RotationGroup", "database/db/group", 5432),
        ("renewal:RotationGroup", "database/archive/group", 5432),
    }


@pytest.mark.requirement("R202")
def test_two_services_without_an_edge_cannot_reach_each_other() -> None:
    for name in APPS:
        of = app(name, "production")
        for source, target, _ in edges(of):
            if source.startswith("service/") and target.startswith("service/"):
                assert target.split("/")[1] in of.services[source.split("/")[1]].uses


@pytest.mark.requirement("R199")
def test_the_app_listens_to_the_balancer_only() -> None:
    planner = edges(app("planner", "production"))
    into = {(source, port) for source, target, port in planner if target == "service/web/group"}
    assert into == {("balancer/group", 8501)}


@pytest.mark.requirement("R86", "R196", "R202")
def test_groups_are_closed_but_for_the_balancer_s_door_and_tls_to_the_outside() -> None:
    for path, template in templates(app_of(APP)).items():
        for key, resource in template["Resources"].items():
            if resource["Type"] != "AWS::EC2::SecurityGroup":
                continue
            said = resource["Properties"]
            ports = [rule["FromPort"] for rule in said.get("SecurityGroupIngress", [])]
            assert ports == ([80, 443] if key == "BalancerGroup" else []), (path, key)
            out = said["SecurityGroupEgress"]
            if path.startswith("service-") or path == "renewal.json":
                assert [rule["ToPort"] for rule in out] == [443]
            else:
                assert out == [NOWHERE], (path, key)


@pytest.mark.requirement("R86", "R196")
def test_services_and_data_have_no_public_address() -> None:
    for path, template in templates(app("weather", "production")).items():
        for resource in template["Resources"].values():
            said = resource["Properties"]
            if resource["Type"] == "AWS::ECS::Service":
                network = said["NetworkConfiguration"]["AwsvpcConfiguration"]
                assert network["AssignPublicIp"] == "DISABLED"
            if resource["Type"] == "AWS::RDS::DBInstance":
                assert said["PubliclyAccessible"] is False, path
    routes = templates(app("weather", "production"))["network.json"]["Resources"]
    assert not [key for key in routes if "Data" in key and routes[key]["Type"] == "AWS::EC2::Route"]


def test_a_server_elsewhere_opens_its_own_port_only() -> None:
    text = '[service.api]\nasgi="a:app"\nuses=["db"]\n[database.db]\nurl="env:SHOP_URL"'
    group = templates(app_of(text))["service-api.json"]["Resources"]["ServiceGroup"]
    assert [rule["ToPort"] for rule in group["Properties"]["SecurityGroupEgress"]] == [443, 5432]
