"""The templates as text: golden, deterministic, small enough, and in an order that deploys."""

import json
import re
from collections.abc import Callable

import pytest

from fairway.targets.aws.render import Egress, Stack, choices_for, render, stacks
from tests.targets.aws.shapes import APPS, ENVIRONMENTS, app, app_of

Golden = Callable[[str, str], None]
LARGEST_DIRECT_BYTES = 51_200


@pytest.mark.validated("R139")
@pytest.mark.parametrize("name", APPS)
def test_every_template_of_production_is_written_down(name: str, golden: Golden) -> None:
    for path, text in render(app(name, "production")).items():
        golden(f"{name}/{path}", text)


@pytest.mark.parametrize("environment", ["dev", "staging"])
@pytest.mark.parametrize("name", APPS)
def test_what_other_environments_hold_is_written_down(
    name: str, environment: str, golden: Golden
) -> None:
    lines: list[str] = []
    for path, text in render(app(name, environment)).items():
        lines.append(path)
        held = json.loads(text)["Resources"]
        lines += [f"  {key:<32} {resource['Type']}" for key, resource in held.items()]
    golden(f"{name}/{environment}.txt", "\n".join([*lines, ""]))


@pytest.mark.parametrize("name", APPS)
def test_the_same_app_gives_the_same_bytes(name: str) -> None:
    assert render(app(name, "production")) == render(app(name, "production"))


def test_templates_are_small_enough_to_be_sent_without_a_bucket() -> None:
    for name in APPS:
        for environment in ENVIRONMENTS:
            for path, text in render(app(name, environment)).items():
                assert len(text.encode()) < LARGEST_DIRECT_BYTES, (name, environment, path)


@pytest.mark.parametrize("name", APPS)
def test_a_stack_takes_only_what_an_earlier_one_gives(name: str) -> None:
    given: set[str] = set()
    for stack in stacks(app(name, "production")):
        missing = taken(stack) - given
        assert not missing, stack.name
        if stack.region is None:
            given |= gives(stack)
        else:
            assert not taken(stack), "another region's parameters cannot be read"


def test_services_come_after_those_that_they_use() -> None:
    several = app_of(
        '[service.a]\nasgi = "a:app"\nuses = ["b"]\n'
        '[service.b]\nasgi = "b:app"\nuses = ["c"]\n'
        '[service.c]\nasgi = "c:app"\nbefore = "migrate"\n'
    )
    names = [stack.name for stack in stacks(several)]
    assert names.index("service-c") < names.index("service-b") < names.index("service-a")


def test_no_stack_of_a_release_holds_data() -> None:
    data = re.compile(r"AWS::(RDS|DynamoDB|ElastiCache|ECR|KMS|S3|SecretsManager)::")
    for name in APPS:
        for stack in stacks(app(name, "production")):
            if stack.name.startswith(("service-", "before", "job-", "workflow-", "balancer")):
                assert not [r for r in stack.resources.values() if data.match(r.type)], stack.name


@pytest.mark.requirement("R52", "R246")
def test_what_holds_data_outlives_its_stack() -> None:
    kept = ("Database", "Table", "Bucket", "Cache", "Secret", "Registry", "Key")
    types = re.compile(
        r"AWS::(RDS::DB(Instance|Cluster)|DynamoDB::Table|S3::Bucket|ECR::Repository|KMS::Key)$"
    )
    for name in APPS:
        for stack in stacks(app(name, "production")):
            for key, resource in stack.resources.items():
                copies = {"DBClusterIdentifier", "SourceDBInstanceIdentifier"}
                if types.match(resource.type) and not copies & resource.properties.keys():
                    assert resource.keep is not None, (name, key)
                    assert key.startswith((*kept, "LogsBucket", "Site")), key


def test_no_secret_stands_in_a_template() -> None:
    for name in APPS:
        for environment in ENVIRONMENTS:
            for text in render(app(name, environment)).values():
                for address in re.findall(r"(?:postgresql|rediss?)://[^\"]*", text):
                    assert "{{resolve:secretsmanager:" in address


def test_a_way_out_is_chosen_for_the_environment() -> None:
    hello = app("hello", "production")
    counts: tuple[tuple[Egress, int], ...] = (
        ("nat-per-zone", 2),
        ("one-nat", 1),
        ("endpoints", 0),
    )
    for egress, count in counts:
        network = next(iter(stacks(hello, choices_for(hello, egress=egress))))
        types = [resource.type for resource in network.resources.values()]
        assert types.count("AWS::EC2::NatGateway") == count
        assert (types.count("AWS::EC2::VPCEndpoint") > 2) == (egress == "endpoints")


def test_two_hundred_services_are_rendered() -> None:
    lines = ["[database.db]"]
    lines += [f'[service.s{n}]\nasgi = "m:app"\nuses = ["db"]' for n in range(200)]
    assert len(render(app_of("\n".join(lines)))) == 205


def taken(stack: Stack) -> set[str]:
    """The paths that a stack reads."""
    return {
        str(said["Default"])
        for said in stack.parameters.values()
        if str(said["Type"]).startswith("AWS::SSM::")
    }


def gives(stack: Stack) -> set[str]:
    """The paths that a stack writes."""
    return {
        str(resource.properties["Name"])
        for resource in stack.resources.values()
        if resource.type == "AWS::SSM::Parameter"
    }
