"""Networks that the app's is joined to: what is read, and what an environment says of them."""

import pytest

from fairway.core.plan.diff import diff
from fairway.core.problem import Problems
from fairway.core.spec.parse import parse

OFFICE = """
app = "shop"
[network.office]
peer = "vpc-0123456789abcdef0"
addresses = ["10.40.0.0/16", "192.168.7.0/24"]
region = "eu-west-1"
role = "arn:aws:iam::222222222222:role/accepts-peering"
"""


@pytest.mark.requirement("R205")
def test_a_network_is_joined_in_the_environments_that_say_so() -> None:
    one = (
        '[environment.production.network.office]\npeer = "pcx-01234567"\naddresses = "10.9.0.0/16"'
    )
    found = parse(f'app = "shop"\n{one}')
    assert found.app("production").networks["office"].peer == "pcx-01234567"
    assert not found.app("staging").networks


@pytest.mark.requirement("R205")
def test_an_environment_leaves_a_network_of_the_others() -> None:
    found = parse(f"{OFFICE}\n[environment.dev]\nnetwork.office = false")
    assert found.app("production").node("office") is not None
    assert not found.app("dev").networks


@pytest.mark.requirement("R205")
def test_an_environment_joins_it_another_way_and_what_belonged_to_the_first_goes() -> None:
    gateway = 'network.office.transit = "tgw-0123456789abcdef0"'
    office = parse(f"{OFFICE}\n[environment.dev]\n{gateway}").app("dev").networks["office"]
    assert (office.peer, office.region, office.role) == (None, None, None)
    assert office.transit == "tgw-0123456789abcdef0"
    assert office.addresses == ("10.40.0.0/16", "192.168.7.0/24")


def test_a_problem_of_many_networks_is_found_at_once() -> None:
    lines = ['app = "shop"']
    for number in range(200):
        lines += [
            f"[network.n{number}]",
            f'peer = "vpc-{number:017x}"',
            f'addresses = ["10.{1 + number % 100}.0.0/16"]',
        ]
    with pytest.raises(Problems) as caught:
        parse("\n".join(lines))
    assert len(caught.value.problems) == 100


@pytest.mark.requirement("R205")
def test_a_plan_says_what_is_joined_and_how_it_changes() -> None:
    before, after = parse('app = "shop"').app(), parse(OFFICE).app()
    assert "+ network office" in str(diff(before, after))
    assert "addresses: 10.40.0.0/16, 192.168.7.0/24" in str(diff(before, after))
    assert "- network office" in str(diff(after, before))
    other = parse(OFFICE.replace("eu-west-1", "eu-west-2")).app()
    assert "region: eu-west-1 → eu-west-2" in str(diff(after, other))


@pytest.mark.requirement("R205")
def test_each_environment_has_the_addresses_that_it_says() -> None:
    text = f'{OFFICE}\n[environment.production]\naddresses = "10.20.0.0/16"'
    found = parse(text)
    assert found.app("production").addresses == "10.20.0.0/16"
    assert found.app("staging").addresses == "10.0.0.0/16"


def test_what_is_joined_may_have_the_usual_addresses_where_the_app_has_others() -> None:
    """A company's network is 10.0.0.0/16 too: the app moves out of its way."""
    company = OFFICE.replace("10.40.0.0/16", "10.0.0.0/16")
    assert parse(f'addresses = "10.20.0.0/18"\n{company}').app().addresses == "10.20.0.0/18"
    with pytest.raises(Problems, match=r"has addresses of the app's own network, 10\.0\.0\.0/16"):
        parse(company)


@pytest.mark.requirement("R205")
def test_environments_that_join_one_network_with_the_same_addresses_are_noted() -> None:
    (note,) = parse(OFFICE).notes
    assert note.where == "fairway.toml:3 network.office"
    assert note.what.endswith("addresses of 10.0.0.0/16 too. (In dev, staging and production.)")
    apart = 'environment.{}.addresses = "10.{}.0.0/16"'
    two = "\n".join((apart.format("dev", 1), apart.format("staging", 2)))
    assert parse(f"{two}\n{OFFICE}").notes == ()
    one = parse(f"{apart.format('dev', 1)}\n{OFFICE}")
    assert {name for name, notes in one.noted.items() if notes} == {"staging", "production"}


def test_a_peering_that_is_there_belongs_to_one_environment_and_is_not_noted() -> None:
    there = '[network.old]\npeer = "pcx-01234567"\naddresses = "10.9.0.0/16"'
    assert parse(f'app = "shop"\n{there}').notes == ()
