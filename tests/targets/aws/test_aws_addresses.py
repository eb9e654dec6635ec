"""The addresses of an app's own network: what lies where, and that it does not move."""

import json
from dataclasses import replace
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.aws.decide.addresses import addresses_of, moved
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import Choices, choices_for, render
from fairway.targets.aws.render.addresses import (
    data,
    data_block,
    public,
    public_block,
    services,
)
from fairway.targets.aws.render.limits import limits
from tests.properties import examples
from tests.targets.aws.shapes import APPS, app, app_of, resources, templates

OTHER = 'addresses = "172.20.64.0/18"\n'
SHOP = """
[service.api]
asgi = "a:app"
public = true
uses = ["db"]
[database.db]
zones = 3
"""
OFFICE = '[network.office]\npeer = "vpc-01234567"\naddresses = "10.0.0.0/16"\n'
networks = st.builds(
    lambda number, bits: str(IPv4Network(((10 << 24) + (number << 12), bits), strict=False)),
    st.integers(0, 2**12 - 1),
    st.integers(16, 20),
)


@given(networks)
@examples(100)
def test_subnets_lie_in_their_network_apart_and_large_enough_for_a_balancer(network: str) -> None:
    whole = IPv4Network(network)
    found = {
        kind: [IPv4Network(of(network, zone)) for zone in range(3)]
        for kind, of in (("public", public), ("services", services), ("data", data))
    }
    subnets = [each for those in found.values() for each in those]
    assert all(each.subnet_of(whole) for each in subnets)
    assert not any(one.overlaps(two) for one, two in combinations(subnets, 2))
    # An Application Load Balancer asks for /27 in each zone (AWS, 2026-11).
    assert all(each.prefixlen <= 27 for each in subnets)
    assert all(each.prefixlen == whole.prefixlen + 4 for each in found["services"])
    blocks = {"public": public_block(network), "data": data_block(network)}
    for kind, block in blocks.items():
        assert all(each.subnet_of(IPv4Network(block)) for each in found[kind])
        others = [each for other, those in found.items() if other != kind for each in those]
        assert not any(each.overlaps(IPv4Network(block)) for each in others)


def test_the_usual_network_is_cut_as_it_always_was() -> None:
    network = "10.0.0.0/16"
    assert (public_block(network), data_block(network)) == ("10.0.0.0/22", "10.0.8.0/22")
    assert [public(network, 2), data(network, 2)] == ["10.0.2.0/24", "10.0.10.0/24"]
    found = [services(network, zone) for zone in range(3)]
    assert found == ["10.0.16.0/20", "10.0.32.0/20", "10.0.48.0/20"]


@pytest.mark.validated("R196")
def test_everything_rendered_follows_from_the_addresses_of_the_file() -> None:
    """No other address is left anywhere: not in an ACL, a group, a route or a variable."""
    usual, other = app_of(SHOP), app_of(OTHER + SHOP)
    (vpc,) = resources(other, "AWS::EC2::VPC").values()
    assert vpc["CidrBlock"] == "172.20.64.0/18"
    for egress in ("nat-per-zone", "endpoints"):
        choices = choices_for(other, egress=egress)
        assert "10.0." in whole(usual, choices)
        assert "10.0." not in whole(other, choices)
    container = templates(other)["service-api.json"]["Resources"]["ServiceTask"]["Properties"]
    variables = container["ContainerDefinitions"][0]["Environment"]
    (proxies,) = [each for each in variables if each["Name"].endswith("TRUSTED_PROXIES")]
    assert proxies["Value"] == public_block("172.20.64.0/18")


@pytest.mark.parametrize("name", APPS)
def test_the_usual_addresses_render_what_was_rendered_before(name: str) -> None:
    of = app(name, "production")
    assert render(replace(of, addresses="10.0.0.0/16")) == render(of)


def test_the_way_back_is_to_the_environment_s_own_addresses() -> None:
    said = {gap.where: gap.what for gap in gaps(app_of(f"{OTHER}{OFFICE}{SHOP}"))}
    assert "172.20.64.0/18" in said["network.office"]


def test_more_tasks_than_the_subnets_have_addresses_for_are_a_problem_at_plan() -> None:
    text = 'addresses = "10.20.0.0/20"\n[service.api]\nasgi = "a:app"\nreplicas = "2..502"\n'
    assert limits(app_of(text), choices_for(app_of(text))) == []
    more = app_of(f'{text}[service.web]\nasgi = "w:app"\nreplicas = 1\n')
    (problem,) = limits(more, choices_for(more))
    assert problem.where == "addresses"
    assert "502 tasks, and 503 may run" in problem.what
    function = more.services["web"]
    light = replace(more, services={**more.services, "web": replace(function, kind="function")})
    assert limits(light, choices_for(light)) == [], "a function's copies share addresses"


# -- A network that stands ---------------------------------------------------------------------


def test_a_network_that_stands_does_not_move() -> None:
    standing = addresses_of(templates(app_of(SHOP))["network.json"])
    wanted = addresses_of(templates(app_of(OTHER + SHOP))["network.json"])
    (problem,) = moved(standing, wanted, "production")
    assert problem.where == "addresses"
    assert "10.0.0.0/16" in problem.what
    assert "172.20.64.0/18" in problem.what
    assert 'addresses = "10.0.0.0/16" in [environment.production]' in problem.mend


def test_one_that_is_the_same_or_is_not_there_is_no_problem() -> None:
    assert moved("10.0.0.0/16", "10.0.0.0/16", "dev") == []
    assert moved(None, "10.0.0.0/16", "dev") == []
    assert addresses_of({"Resources": {}}) is None
    # A patch may have taken the words away: nothing is known then.
    assert addresses_of({"Resources": {"Network": {"Properties": {"CidrBlock": {}}}}}) is None


def whole(of: Any, choices: Choices) -> str:
    return json.dumps(templates(of, choices))
