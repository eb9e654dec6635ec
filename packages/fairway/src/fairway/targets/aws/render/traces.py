"""Spans to X-Ray (R184): a collector beside the app, which takes OTLP and sends to X-Ray.

AWS's own distribution of the OpenTelemetry collector, with the configuration that its image brings
(`ecs-xray.yaml`: OTLP on 4318, X-Ray outward, no metrics). It is not essential: when it ends, the
app goes on without spans. Chosen when an environment is rendered (`--traces xray`). Pure.
"""

from collections.abc import Mapping

from fairway.core.spec.model import Job, Service
from fairway.targets.aws.render.choices import Choices
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import REGION, Value, ref, sub
from fairway_runtime import contract

__all__ = ["NAME", "collector", "is_traced", "may_trace", "traced"]

NAME = "collector"
IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0"
ENDPOINT = "http://127.0.0.1:4318"
MEMORY_MIB = 128  # of the task's own; more is taken from the collector, not from the app
# A tenth of the requests, and all of those that somebody traces already.
SHARE = "0.1"
ACTIONS = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)


def is_traced(node: Service | Job, choices: Choices) -> bool:
    """Whether spans of this node leave: of services that the runtime serves."""
    return choices.traces == "xray" and isinstance(node, Service) and node.command is None


def traced(variables: Mapping[str, Value]) -> dict[str, Value]:
    """A node's variables with those that OpenTelemetry reads; its own win."""
    own = {
        contract.OTLP_ENDPOINT: ENDPOINT,
        contract.TRACES_SAMPLER: "parentbased_traceidratio",
        contract.TRACES_SAMPLER_ARG: SHARE,
    }
    return dict(sorted({**own, **variables}.items()))


def may_trace() -> Value:
    """What the task may do for it; X-Ray has no resources of its own to name."""
    return statement(ACTIONS, "*")


def collector(logs: str) -> Value:
    """The container beside the app's, hardened as it is; `logs` is the id of their log group."""
    return {
        "Command": ["--config=/etc/ecs/ecs-xray.yaml"],
        "Essential": False,
        "Image": IMAGE,
        "LinuxParameters": {"Capabilities": {"Drop": ["ALL"]}, "InitProcessEnabled": True},
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": ref(logs),
                "awslogs-region": sub(REGION),
                "awslogs-stream-prefix": "collector",
                "max-buffer-size": "1m",
                "mode": "non-blocking",
            },
        },
        "Memory": MEMORY_MIB,
        "Name": NAME,
        "ReadonlyRootFilesystem": True,
        "User": "4317:4317",
    }
