"""Stacks made by moto, which has what ministack lacks: NAT, addresses, flow logs, rules of groups.

moto leaves out silently what it does not know: each logical id is looked for. It starts no task of
a service, and knows no change set without changes: ministack shows the rest.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render import stacks
from fairway.targets.aws.render.template import Draft
from fairway.targets.aws.scaling import scale
from tests.targets.aws.emulators import MINISTACK, MOTO, QUICK, account, moto, reduced
from tests.targets.aws.shapes import all_resources, app_of

# What moto itself warns of is not ours.
pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]

SHOP = """
[service.web]
asgi = "shop:app"
public = true
replicas = "1..4"
uses = ["files"]
[service.api]
asgi = "shop:api"
replicas = 1
uses = ["state"]
[worker.mails]
command = "mails"
replicas = "1..2"
uses = ["files"]
[worker.clock]
command = "clock"
[job.count]
command = "count"
schedule = "0 3 * * *"
[bucket.files]
[table.state]
key = "id"
"""


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """A shop whose stacks were all made once."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with moto() as url:
        of = account(url)
        of.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")
        app = app_of(SHOP, "dev")
        found = tuple(reduced(stack, MOTO)[0] for stack in stacks(app))
        # The dashboard shows figures of target groups, which moto does not name.
        found = tuple(stack for stack in found if stack.name != "alarms")
        made = Environment(of, app, found, QUICK)
        values = {**made.values(domain="shop.example.org", zone=None), "Image": "registry/shop:one"}
        for stack in found:
            assert made.formation().apply(stack, values, step=stack.name).outcome == "created"
        yield made


def test_every_resource_is_really_there(environment: Environment) -> None:
    for stack in environment.stacks:
        formation = environment.formation().formation(stack)
        found = formation.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
        assert {each["LogicalResourceId"] for each in found} == set(stack.resources), stack.name


def test_what_only_moto_has_is_made(environment: Environment) -> None:
    kinds = {resource.type for stack in environment.stacks for resource in stack.resources.values()}
    assert kinds >= {
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::NatGateway",
        "AWS::EC2::SecurityGroupIngress",
    }
    gateways = environment.account.client("ec2").describe_nat_gateways()["NatGateways"]
    assert len(gateways) == 1
    assert environment.account.client("ec2").describe_flow_logs()["FlowLogs"]


def test_a_number_suspends_the_services_own_scaling_and_auto_lets_it_go_on(
    environment: Environment,
) -> None:
    def target() -> dict[str, object]:
        client = environment.account.client("application-autoscaling")
        (found,) = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 4), "the file's own stay"
        return dict(found["SuspendedState"])

    def wanted() -> int:
        service = environment.running.service("web")
        assert service is not None
        return int(service["desiredCount"])

    # Its API is there, without the resource.
    environment.account.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/shop-dev/web",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    told = scale(environment, "web", 3)
    assert told == "web: 3 wanted, until `fairway scale dev web=auto`"
    assert wanted() == 3
    assert set(target().values()) == {True}
    assert scale(environment, "web", None) == "web: automatic, 1..4"
    assert set(target().values()) == {False}
    assert "the next deploy that changes the service" in scale(environment, "api", 2)


def test_what_moto_lacks_it_still_lacks(environment: Environment) -> None:
    draft = Draft(app="lacking", environment="production", name="all", description="")
    draft.add("There", "AWS::SNS::Topic", {})
    for number, kind in enumerate(sorted(each for each in MOTO.lacks if "@" not in each)):
        draft.add(f"It{number}", kind, {})
    formation = environment.account.client("cloudformation")
    stack = replace(draft.stack(), tags={})
    environment.formation().apply(stack, {}, step="all")
    found = formation.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
    # It lists what it left out, without an id.
    assert [each["LogicalResourceId"] for each in found if each.get("PhysicalResourceId")] == [
        "There"
    ]


def test_what_neither_has_is_little_and_known() -> None:
    rendered = {resource["Type"] for _, resource in all_resources()}
    both = MOTO.lacks & MINISTACK.lacks
    assert both <= rendered
    assert both == {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentConfig",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::EC2::NetworkAcl",
        "AWS::EC2::NetworkAclEntry",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SubnetNetworkAclAssociation",
        "AWS::Logs::Delivery",
        "AWS::Logs::DeliveryDestination",
        "AWS::Logs::DeliverySource",
    }
