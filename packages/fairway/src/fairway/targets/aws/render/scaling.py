"""Autoscaling as the file says it (R236-R242, R115): up by any signal, down by all of them.

Steps by alarms rather than target tracking: target tracking knows one threshold, the file two.
"""

import math
from collections.abc import Mapping

from fairway.core.spec.model import Service
from fairway.core.spec.quantities import Replicas
from fairway.targets.aws.render.metrics import Metric, Query, When, add_alarm
from fairway.targets.aws.render.service_alarms import inside, requests
from fairway.targets.aws.render.template import Draft, Value, ref

__all__ = ["add_scaling", "scales"]

UP_COOLDOWN_SECONDS = 60
DOWN_COOLDOWN_SECONDS = 300
UP_PERCENT = 50  # more than one at a time where many run: spikes (R245)
DIMENSION = "ecs:service:DesiredCount"


def scales(service: Service) -> bool:
    """Whether anything but people changes how many run."""
    return service.replicas.minimum < service.replicas.maximum or service.off_hours is not None


def add_scaling(service: Service, draft: Draft, groups: Mapping[str, Value]) -> None:
    """Add the range, its hours, and both policies with their alarms."""
    draft.add(
        "Scaling",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MaxCapacity": service.replicas.maximum,
            "MinCapacity": service.replicas.minimum,
            "ResourceId": f"service/{draft.called()}/{service.name}",
            "ScalableDimension": DIMENSION,
            "ScheduledActions": _hours(service),
            "ServiceNamespace": "ecs",
        },
        after=["Service"],
    )
    up = _policy(draft, service, "Up", UP_COOLDOWN_SECONDS, UP_PERCENT)
    down = _policy(draft, service, "Down", DOWN_COOLDOWN_SECONDS, None)
    scale = service.scale
    periods = max(1, math.ceil(scale.up_after_seconds / 60))
    cpu, memory = (inside(draft, service, f"{kind}Utilization") for kind in ("CPU", "Memory"))
    signals: list[tuple[str, Metric | Query, float]] = [
        ("cpu", cpu, scale.cpu_percent),
        ("memory", memory, scale.memory_percent),
    ]
    if scale.requests is not None and groups:
        signals.append(("requests", _per_replica(draft, groups), scale.requests))
    for kind, metric, above in signals:
        add_alarm(
            draft,
            f"Up{kind.title()}Alarm",
            When(
                of=metric,
                above=above,
                periods=periods,
            ),
            name=f"{service.name}.up-{kind}",
            why=f"{service.name} needs more replicas: {kind} above {above:g}.",
            actions=[up],
        )
    idle = Query(
        expression=f"IF(c<{scale.down.cpu_percent:g} AND m<{scale.down.memory_percent:g},1,0)",
        label="idle",
        metrics={"c": cpu, "m": memory},
    )
    add_alarm(
        draft,
        "DownAlarm",
        When(
            of=idle,
            above=1,
            compare="GreaterThanOrEqualToThreshold",
            periods=max(1, math.ceil(scale.down.after_seconds / 60)),
        ),
        name=f"{service.name}.down",
        why=f"{service.name} needs fewer replicas: CPU and memory are low.",
        actions=[down],
    )


def _policy(draft: Draft, service: Service, way: str, cooldown: int, percent: int | None) -> Value:
    step: dict[str, Value] = {
        "MetricIntervalLowerBound": 0,
        "ScalingAdjustment": percent if percent is not None else -1,
    }
    said: dict[str, Value] = {
        "AdjustmentType": "ChangeInCapacity" if percent is None else "PercentChangeInCapacity",
        "Cooldown": cooldown,
        "MetricAggregationType": "Average",
        "StepAdjustments": [step],
    }
    if percent is not None:
        said["MinAdjustmentMagnitude"] = 1
    return draft.add(
        f"{way}Policy",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyName": f"{service.name}-{way.lower()}",
            "PolicyType": "StepScaling",
            "ScalingTargetId": ref("Scaling"),
            "StepScalingPolicyConfiguration": said,
        },
    )


def _per_replica(draft: Draft, groups: Mapping[str, Value]) -> Query:
    """Requests a second of one replica, whichever revision it runs."""
    counts = "+".join(f"FILL(r{letter},0)" for letter in groups)
    hosts = "+".join(f"FILL(h{letter},0)" for letter in groups)
    return Query(
        expression=f"IF(({hosts})>0,({counts})/60/({hosts}),0)",
        label="requests a second of a replica",
        metrics={
            **requests(draft, groups, "r", "RequestCount", "Sum"),
            **requests(draft, groups, "h", "HealthyHostCount", "Average"),
        },
    )


def _hours(service: Service) -> list[Value]:
    """The range for some hours of the day, UTC, and back."""
    hours = service.off_hours
    if hours is None:
        return []
    return [
        _action("off-hours", hours.start_minute, hours.replicas),
        _action("usual-hours", hours.end_minute, service.replicas),
    ]


def _action(name: str, minute: int, replicas: Replicas) -> Value:
    return {
        "ScalableTargetAction": {
            "MaxCapacity": replicas.maximum,
            "MinCapacity": replicas.minimum,
        },
        "Schedule": f"cron({minute % 60} {minute // 60} * * ? *)",
        "ScheduledActionName": name,
        "Timezone": "UTC",
    }
