"""Roles and what they allow: each statement names its actions and its resources.

`ON_ANY` are the few actions that AWS lets nobody narrow to a resource; tests fail on any other
that is allowed on `*`.
"""

from collections.abc import Mapping, Sequence

from fairway.core import names
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Value,
    get,
    sub,
)

__all__ = [
    "LOG_DELIVERY",
    "LONGEST_ROLE",
    "ON_ANY",
    "TRACING",
    "add_role",
    "may_stand_in_network",
    "policy",
    "statement",
    "trust",
]

LONGEST_ROLE = 64
# What a state machine needs to write its log, and to send its traces.
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
TRACING = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
# What Lambda needs to stand in a network of yours; looking is possible on any resource only.
IN_NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
LOOKS_AT_NETWORK = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
# Actions without a resource of their own (service authorization reference, 2026-11).
ON_ANY = frozenset(
    {
        *LOG_DELIVERY,
        *LOOKS_AT_NETWORK,
        *TRACING,
        "ecr:GetAuthorizationToken",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "secretsmanager:GetRandomPassword",
    }
)


def statement(
    actions: Sequence[str],
    resources: Value,
    *,
    principal: Value | None = None,
    when: Mapping[str, Value] | None = None,
    effect: str = "Allow",
) -> Value:
    """One statement of a policy."""
    said: dict[str, Value] = {
        "Effect": effect,
        "Action": sorted(actions),
        "Resource": resources,
    }
    if principal is not None:
        said["Principal"] = principal
    if when:
        said["Condition"] = when
    return said


def may_stand_in_network(function: str) -> tuple[Value, ...]:
    """What lets Lambda put the function of this name into the network; its code may not.

    An interface has no name before it is made:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    itself = sub(f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{function}")
    return (
        statement(LOOKS_AT_NETWORK, "*"),
        statement(
            [each for each in IN_NETWORK if each not in LOOKS_AT_NETWORK],
            sub(f"arn:{PARTITION}:ec2:{REGION}:{ACCOUNT}:*/*"),
        ),
        statement(
            IN_NETWORK,
            "*",
            when={"ArnEquals": {"lambda:SourceFunctionArn": itself}},
            effect="Deny",
        ),
    )


def policy(name: str, statements: Sequence[Value]) -> Value:
    """An inline policy of a role."""
    return {
        "PolicyName": name,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
    }


def trust(service: Value, *, of_this_account: bool = True) -> Value:
    """Who may take a role: a service of AWS, for this account only (no confused deputy)."""
    said: dict[str, Value] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
    }
    if of_this_account:
        said["Condition"] = {"StringEquals": {"aws:SourceAccount": sub(ACCOUNT)}}
    return {"Version": "2012-10-17", "Statement": [said]}


def add_role(
    draft: Draft,
    id: str,  # noqa: A002 - CloudFormation's own word
    service: Value,
    statements: Sequence[Value],
    *,
    of_this_account: bool = True,
    is_passed: bool = False,
) -> Value:
    """Add a role that `service` takes; its ARN.

    `is_passed`: a policy of elsewhere names it by its start; where that would be cut, by its path.
    """
    properties: dict[str, Value] = {
        "AssumeRolePolicyDocument": trust(service, of_this_account=of_this_account)
    }
    if statements:
        properties["Policies"] = [policy("only", statements)]
    if is_passed and not names.keeps_its_name(draft.stack_name, id, limit=LONGEST_ROLE):
        properties["Path"] = draft.path(draft.name, "")
    draft.add(id, "AWS::IAM::Role", properties)
    return get(id)
