"""How long a release of a stack holds by itself: its steps and what bakes after them. Pure.

Whoever waits for CloudFormation waits that much longer: a canary of four hours is not stuck.
"""

import math
from collections.abc import Mapping
from typing import Any, cast

from fairway.targets.aws.render.template import Stack

__all__ = ["held_seconds"]

MINUTE = 60.0


def held_seconds(stack: Stack) -> float:
    """Of all its services together: they may go one after the other."""
    return MINUTE * sum(
        _minutes(resource.type, cast("Mapping[str, Any]", resource.properties))
        for resource in stack.resources.values()
    )


def _minutes(kind: str, said: Mapping[str, Any]) -> float:
    match kind:
        case "AWS::ECS::Service":
            way = cast("Mapping[str, Any]", said.get("DeploymentConfiguration", {}))
            canary, linear = way.get("CanaryConfiguration", {}), way.get("LinearConfiguration", {})
            steps = math.ceil(100 / linear.get("StepPercent", 100))
            return float(
                way.get("BakeTimeInMinutes", 0)
                + canary.get("CanaryBakeTimeInMinutes", 0)
                + linear.get("StepBakeTimeInMinutes", 0) * steps
            )
        case "AWS::CodeDeploy::DeploymentConfig":
            way = cast("Mapping[str, Any]", said.get("TrafficRoutingConfig", {}))
            canary, linear = way.get("TimeBasedCanary", {}), way.get("TimeBasedLinear", {})
            steps = math.ceil(100 / linear.get("LinearPercentage", 100))
            return float(canary.get("CanaryInterval", 0) + linear.get("LinearInterval", 0) * steps)
        case _:
            return 0.0
