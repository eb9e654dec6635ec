"""Metrics from the JSON lines that the runtime writes (R161, R170): failures and scenarios."""

from fairway.core.spec.model import Service
from fairway.targets.aws.render.dashboard import metrics_namespace
from fairway.targets.aws.render.template import Draft, ref

__all__ = ["add_log_metrics"]


def add_log_metrics(service: Service, draft: Draft) -> None:
    """Add the filters of a service whose lines are the runtime's."""
    if service.command is not None:
        return
    for id_, name, pattern, value in (
        ("FailedFilter", "failed", "{ $.success IS FALSE }", "1"),
        ("ScenariosFilter", "scenarios", "{ $.scenarios > 0 }", "$.scenarios"),
    ):
        draft.add(
            id_,
            "AWS::Logs::MetricFilter",
            {
                "FilterPattern": pattern,
                "LogGroupName": ref("ServiceLogs"),
                "MetricTransformations": [
                    {
                        "MetricName": f"{service.name}-{name}",
                        "MetricNamespace": metrics_namespace(draft),
                        "MetricValue": value,
                    }
                ],
            },
        )
