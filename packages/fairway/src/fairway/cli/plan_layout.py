"""What the AWS target really makes, as the estimate counts it: the plan prices what is rendered.

Place in the flow: between `targets/aws/render` and `core/cost`, which know nothing of each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from fairway.core.cost.layout import Layout, layout_of
from fairway.core.problem import Problem
from fairway.core.spec.model import App
from fairway.targets.aws.render import Choices, Stack
from fairway.targets.aws.render.traces import NAME as COLLECTOR

__all__ = ["honoured", "layout_as_rendered"]


def layout_as_rendered(app: App, choices: Choices, found: Sequence[Stack]) -> Layout:
    """The layout with everything counted that the stacks hold."""
    layout = layout_of(
        app,
        zones=choices.zones,
        egress=choices.egress,
        is_arm=choices.processor == "ARM64",
        log_days=choices.log_days,
    )
    return replace(
        layout,
        nat_gateways=len(properties(found, "AWS::EC2::NatGateway")),
        interface_endpoints=sum(
            each["VpcEndpointType"] == "Interface"
            for each in properties(found, "AWS::EC2::VPCEndpoint")
        ),
        balancers=len(properties(found, "AWS::ElasticLoadBalancingV2::LoadBalancer")),
        keys=len(properties(found, "AWS::KMS::Key")),
        secrets=len(properties(found, "AWS::SecretsManager::Secret")),
        alarms=sum(map(watched, properties(found, "AWS::CloudWatch::Alarm"))),
        edge_rules=rules(found, "CLOUDFRONT"),
        balancer_rules=rules(found, "REGIONAL"),
        metrics=len(properties(found, "AWS::Logs::MetricFilter")),
        dashboards=len(properties(found, "AWS::CloudWatch::Dashboard")),
        has_insights=any(map(has_insights, properties(found, "AWS::ECS::Cluster"))),
        traced=sum(map(is_traced, properties(found, "AWS::ECS::TaskDefinition"))),
        has_builds=bool(properties(found, "AWS::CodeBuild::Project")),
    )


def properties(found: Sequence[Stack], type_: str) -> list[Mapping[str, object]]:
    """The properties of every resource of a type."""
    return [
        resource.properties
        for stack in found
        for resource in stack.resources.values()
        if resource.type == type_
    ]


def watched(alarm: Mapping[str, object]) -> int:
    """The metrics that one alarm looks at: each is billed as an alarm."""
    metrics = cast("Sequence[Mapping[str, object]]", alarm.get("Metrics", ()))
    return sum("MetricStat" in each for each in metrics) or 1


def rules(found: Sequence[Stack], scope: str) -> int:
    """The rules of the firewalls of one scope."""
    lists = [each for each in properties(found, "AWS::WAFv2::WebACL") if each["Scope"] == scope]
    return sum(len(cast("Sequence[object]", each["Rules"])) for each in lists)


def is_traced(task: Mapping[str, object]) -> bool:
    """Whether spans of a task leave it: a collector runs beside the app."""
    containers = cast("Sequence[Mapping[str, object]]", task["ContainerDefinitions"])
    return any(each["Name"] == COLLECTOR for each in containers)


def has_insights(cluster: Mapping[str, object]) -> bool:
    """Whether the cluster sends the metrics of its containers."""
    settings = cast("Sequence[Mapping[str, object]]", cluster.get("ClusterSettings", ()))
    return any(
        each["Name"] == "containerInsights" and each["Value"] != "disabled" for each in settings
    )


def honoured(app: App, gaps: Sequence[Problem], found: Sequence[Stack]) -> App:
    """The app as the target runs it: priced is what would be there.

    A function that runs as a container is one; without a CDN nothing is kept at the edge; streams
    and models of which a gap tells are not made.
    """
    where = {gap.where for gap in gaps}
    has_edge = bool(properties(found, "AWS::CloudFront::Distribution"))
    services = {
        name: replace(
            service,
            kind="container" if f"service.{name}.kind" in where else service.kind,
            cache=service.cache if has_edge else {},
        )
        for name, service in app.services.items()
    }
    return replace(
        app,
        services=services,
        streams={n: each for n, each in app.streams.items() if f"stream.{n}" not in where},
        models={n: each for n, each in app.models.items() if f"model.{n}" not in where},
    )
