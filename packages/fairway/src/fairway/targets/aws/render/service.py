"""A service's or a worker's stack: its task, its place at the balancer, its scaling, its alarms.

A stack a service, so that what a release changes, and takes back, is this service and nothing
else. A worker is an ECS service that nobody can reach. While a release is in progress the weights
of its rule belong to ECS. Pure.
"""

import hashlib
import math

from fairway.core.spec.model import App, Rolling, Service
from fairway.targets.aws.render.deployment import deployment, needs_two_groups
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.hosts import host, is_at_edge
from fairway.targets.aws.render.log_metrics import add_log_metrics
from fairway.targets.aws.render.policies import add_role, statement
from fairway.targets.aws.render.reach import add_reach
from fairway.targets.aws.render.scaling import add_scaling, scales
from fairway.targets.aws.render.security import open_to
from fairway.targets.aws.render.service_alarms import add_service_alarms
from fairway.targets.aws.render.tasks import add_task, probe_path
from fairway.targets.aws.render.template import Stack, Value, get, ref, sub
from fairway.targets.aws.render.wiring import INSIDE_PORT, port_of

__all__ = ["is_used", "rule_priority", "service"]

PROBE_SECONDS = 10
LEAST_PROBE_TIMEOUT_SECONDS = 2  # the balancer knows no shorter one (R158 says 1)
DAY_SECONDS = 86400


def service(app: App, node: Service, ground: Ground) -> Stack:
    """Render it."""
    draft = ground.draft
    group = add_reach(app, node, ground, "Service", is_in_mesh=True)
    if node.answers:
        draft.give(f"service/{node.name}/group", group)
    task = add_task(app, node, ground, "Service")
    groups: dict[str, Value] = {}
    if node.public:
        groups = _at_balancer(app, node, ground, group)
    alarms = add_service_alarms(app, node, draft, groups)
    for letter, name in groups.items():
        draft.give(f"service/{node.name}/targets/{letter}", name)
    add_log_metrics(node, draft)
    properties: dict[str, Value] = {
        "Cluster": draft.take("cluster"),
        "DeploymentConfiguration": deployment(node, alarms),
        "DeploymentController": {"Type": "ECS"},
        "EnableECSManagedTags": True,
        "EnableExecuteCommand": False,
        **_capacity(node),
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "AssignPublicIp": "DISABLED",
                "SecurityGroups": [group],
                "Subnets": ground.subnets("services"),
            }
        },
        "PlatformVersion": "LATEST",
        "PropagateTags": "SERVICE",
        "ServiceName": node.name,
        "TaskDefinition": task,
        **_mesh(app, node, ground),
    }
    # A task in a better zone would run beside the one that it is to take over from.
    if isinstance(node.release, Rolling) and not node.runs_alone:
        properties["AvailabilityZoneRebalancing"] = "ENABLED"
    # A count that scaling owns is not said: an update would set it back.
    if not scales(node):
        properties["DesiredCount"] = node.replicas.minimum
    after: list[str] = []
    if node.public:
        properties["HealthCheckGracePeriodSeconds"] = math.ceil(node.timeouts.startup_seconds)
        properties["LoadBalancers"] = [_target(node, ground)]
        # A group without a listener takes no task; with two, the role's reference waits already.
        after = [] if needs_two_groups(node) else ["Rule"]
    draft.add("Service", "AWS::ECS::Service", properties, after=after)
    if scales(node):
        add_scaling(node, draft, groups)
    return draft.stack()


def is_used(app: App, name: str) -> bool:
    """Whether another service or a worker uses this one."""
    return any(name in other.uses for other in app.programs.values())


def _capacity(node: Service) -> dict[str, Value]:
    """What it runs on: an ECS service has a strategy, or a launch type."""
    if not node.interruptible:
        return {"LaunchType": "FARGATE"}
    return {"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]}


def rule_priority(name: str) -> int:
    """The place of a service's rule, by its name alone: other services come and go beside it."""
    return 1 + int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 49_999


def _mesh(app: App, node: Service, ground: Ground) -> dict[str, Value]:
    """Service Connect: how services that use each other find each other, inside the network."""
    uses = any(name in app.services for name in node.uses)
    if not uses and not is_used(app, node.name):
        return {}
    said: dict[str, Value] = {"Enabled": True, "Namespace": ground.draft.take("namespace")}
    if is_used(app, node.name):
        said["Services"] = [
            {
                "ClientAliases": [{"DnsName": node.name, "Port": INSIDE_PORT}],
                "DiscoveryName": node.name,
                "PortName": "http",
            }
        ]
    return {"ServiceConnectConfiguration": said}


def _at_balancer(app: App, node: Service, ground: Ground, group: Value) -> dict[str, Value]:
    """Target groups, the rule that leads to them, and the way through the security groups."""
    draft = ground.draft
    letters = "AB" if needs_two_groups(node) else "A"
    for letter in letters:
        _target_group(node, ground, f"Targets{letter}")
    hosts: list[Value] = [host(app, node.name, "${TakeDomain}")]
    if is_at_edge(app, node.name):
        hosts.append(sub(f"origin-{node.name}.${{TakeDomain}}"))
    draft.take("domain")
    forward: dict[str, Value] = {
        "TargetGroups": [
            {"TargetGroupArn": ref(f"Targets{letter}"), "Weight": 100 if letter == "A" else 0}
            for letter in letters
        ]
    }
    if node.sticky and len(letters) > 1:
        forward["TargetGroupStickinessConfig"] = {"DurationSeconds": DAY_SECONDS, "Enabled": True}
    draft.add(
        "Rule",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        {
            "Actions": [{"ForwardConfig": forward, "Type": "forward"}],
            "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": hosts}}],
            "ListenerArn": draft.take("balancer/listener"),
            "Priority": rule_priority(node.name),
        },
    )
    open_to(
        draft,
        "FromBalancer",
        draft.take("balancer/group"),
        group,
        port=port_of(node),
        why=f"The balancer leads to {node.name}.",
    )
    return {letter.lower(): get(f"Targets{letter}", "TargetGroupFullName") for letter in letters}


def _target_group(node: Service, ground: Ground, id_: str) -> None:
    attributes: dict[str, Value] = {
        "deregistration_delay.timeout_seconds": str(math.ceil(node.timeouts.drain_seconds)),
        "load_balancing.algorithm.type": "least_outstanding_requests",
    }
    if node.sticky:
        attributes["stickiness.enabled"] = "true"
        attributes["stickiness.lb_cookie.duration_seconds"] = str(DAY_SECONDS)
        attributes["stickiness.type"] = "lb_cookie"
    ground.draft.add(
        id_,
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "HealthCheckIntervalSeconds": PROBE_SECONDS,
            "HealthCheckPath": probe_path(node),
            "HealthCheckProtocol": "HTTP",
            "HealthCheckTimeoutSeconds": LEAST_PROBE_TIMEOUT_SECONDS,
            "HealthyThresholdCount": 2,
            "Matcher": {"HttpCode": "200"},
            "Port": port_of(node),
            "Protocol": "HTTP",
            "TargetGroupAttributes": [
                {"Key": key, "Value": value} for key, value in sorted(attributes.items())
            ],
            "TargetType": "ip",
            "UnhealthyThresholdCount": 3,
            "VpcId": ground.network,
        },
    )


def _target(node: Service, ground: Ground) -> Value:
    said: dict[str, Value] = {
        "ContainerName": node.name,
        "ContainerPort": port_of(node),
        "TargetGroupArn": ref("TargetsA"),
    }
    if not needs_two_groups(node):
        return said
    role = add_role(
        ground.draft,
        "TrafficRole",
        "ecs.amazonaws.com",
        [
            statement(
                (
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                ),
                "*",
            ),
            statement(("elasticloadbalancing:ModifyRule",), ref("Rule")),
            statement(
                (
                    "elasticloadbalancing:DeregisterTargets",
                    "elasticloadbalancing:RegisterTargets",
                ),
                [ref("TargetsA"), ref("TargetsB")],
            ),
        ],
        of_this_account=False,
    )
    said["AdvancedConfiguration"] = {
        "AlternateTargetGroupArn": ref("TargetsB"),
        "ProductionListenerRule": ref("Rule"),
        "RoleArn": role,
    }
    return said
