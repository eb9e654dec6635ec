"""How ECS puts a new revision in place of the old one: rolling, blue/green, canary, linear.

ECS's own strategies, with its circuit breaker and the service's alarms: a fault goes back by
itself (R145-R153). What ECS cannot do of what the file asks is said in `gaps.py`. Pure.
"""

import math
from collections.abc import Sequence

from fairway.core.spec.model import Blue, Canary, CanaryStep, Rolling, Service
from fairway.targets.aws.render.template import Value

__all__ = ["LONGEST_HOURS", "deployment", "hold_minutes", "is_linear", "needs_two_groups"]

# Tasks that fail before a release is given up. AWS's own default is half of the desired count,
# from 3 to 200: with a bad image that is up to an hour.
FAILURES = 3
# After all traffic has moved, the old revision stays for this long.
KEEP_MINUTES = 10
LONGEST_HOURS = 33  # CloudFormation refuses longer canaries
LONGEST_STEP_MINUTES = 1440
LEAST_LINEAR_PERCENT = 3.0


def deployment(service: Service, alarms: Sequence[Value]) -> Value:
    """The service's deployment configuration."""
    said: dict[str, Value] = {
        "DeploymentCircuitBreaker": {
            "Enable": True,
            "Rollback": True,
            "ThresholdConfiguration": {"Type": "COUNT", "Value": FAILURES},
        },
        **_strategy(service),
    }
    if alarms:
        said["Alarms"] = {"AlarmNames": list(alarms), "Enable": True, "Rollback": True}
    return said


def needs_two_groups(service: Service) -> bool:
    """Whether the balancer holds both revisions at once."""
    return service.public and not isinstance(service.release, Rolling)


def is_linear(steps: Sequence[CanaryStep]) -> bool:
    """Whether the steps rise evenly up to the last before all, each held as long: `LINEAR`."""
    if len(steps) < 2:
        return False
    first = steps[0]
    even = all(
        math.isclose(step.percent, first.percent * number, abs_tol=0.05)
        and step.hold_seconds == first.hold_seconds
        for number, step in enumerate(steps, start=1)
    )
    rest = 100.0 - steps[-1].percent
    return even and first.percent >= LEAST_LINEAR_PERCENT and rest <= first.percent + 0.05


def hold_minutes(seconds: float) -> int:
    """Minutes, at least as long as the file says."""
    return math.ceil(seconds / 60)


def _strategy(service: Service) -> dict[str, Value]:
    match service.release:
        case _ if service.runs_alone:
            # The old task has ended before the new one starts.
            return {"MaximumPercent": 100, "MinimumHealthyPercent": 0, "Strategy": "ROLLING"}
        case Rolling(surge=surge):
            # ECS rounds down: a share that is less than one task more replaces none.
            ranges = [
                service.replicas,
                *([service.off_hours.replicas] if service.off_hours else []),
            ]
            least = max(1, min(each.minimum for each in ranges))
            return {
                "MaximumPercent": min(200, 100 + math.ceil(100 * surge / least)),
                "MinimumHealthyPercent": 100,
                "Strategy": "ROLLING",
            }
        case Blue(keep_seconds=keep):
            return {
                "BakeTimeInMinutes": min(LONGEST_STEP_MINUTES, hold_minutes(keep)),
                "Strategy": "BLUE_GREEN",
            }
        case Canary(steps=steps) if is_linear(steps):
            return {
                "BakeTimeInMinutes": KEEP_MINUTES,
                "LinearConfiguration": {
                    "StepBakeTimeInMinutes": hold_minutes(steps[0].hold_seconds),
                    "StepPercent": steps[0].percent,
                },
                "Strategy": "LINEAR",
            }
        case Canary(steps=steps):
            return {
                "BakeTimeInMinutes": KEEP_MINUTES,
                "CanaryConfiguration": {
                    "CanaryBakeTimeInMinutes": hold_minutes(steps[0].hold_seconds),
                    "CanaryPercent": steps[0].percent,
                },
                "Strategy": "CANARY",
            }
