"""CloudWatch alarms as values: one metric, or several in an expression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fairway.core.spec.model import App
from fairway.targets.aws.render.template import ACCOUNT, PARTITION, REGION, Draft, Value, sub

__all__ = ["Metric", "Query", "When", "add_alarm", "topic_arn"]

Compare = Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: `statistic` is `Sum`, `Average`, `p95`, … over `period_seconds`."""

    namespace: str
    name: str
    dimensions: Mapping[str, Value]
    statistic: str
    period_seconds: int = 60

    def said(self) -> dict[str, Value]:
        """As an alarm writes it inside `Metrics`."""
        return {
            "Metric": {
                "Dimensions": [
                    {"Name": key, "Value": value} for key, value in sorted(self.dimensions.items())
                ],
                "MetricName": self.name,
                "Namespace": self.namespace,
            },
            "Period": self.period_seconds,
            "Stat": self.statistic,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An expression over metrics by their id in it."""

    expression: str
    label: str
    metrics: Mapping[str, Metric]

    def said(self) -> list[Value]:
        """As an alarm writes it."""
        return [
            {
                "Expression": self.expression,
                "Id": "judged",
                "Label": self.label,
                "ReturnData": True,
            },
            *(
                {"Id": id_, "MetricStat": metric.said(), "ReturnData": False}
                for id_, metric in sorted(self.metrics.items())
            ),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The metric beyond `above` in `periods` of the last `of_periods` (else: all of them)."""

    of: Metric | Query
    above: float
    periods: int = 3
    of_periods: int | None = None
    compare: Compare = "GreaterThanThreshold"


def add_alarm(
    draft: Draft,
    id_: str,
    when: When,
    *,
    name: str,
    why: str,
    actions: Sequence[Value] = (),
    tells_recovery: bool = False,
) -> Value:
    """Add an alarm; its name. No data is no alarm: nobody asks at night."""
    query = when.of
    if isinstance(query, Metric):
        query = Query(expression="m", label=query.name, metrics={"m": query})
    properties: dict[str, Value] = {
        "AlarmDescription": why,
        "AlarmName": draft.called(name),
        "ComparisonOperator": when.compare,
        "DatapointsToAlarm": when.periods,
        "EvaluationPeriods": when.of_periods or when.periods,
        "Metrics": query.said(),
        "Threshold": when.above,
        "TreatMissingData": "notBreaching",
    }
    if actions:
        properties["AlarmActions"] = list(actions)
    if actions and tells_recovery:
        properties["OKActions"] = list(actions)
    return draft.add(id_, "AWS::CloudWatch::Alarm", properties)


def topic_arn(app: App, draft: Draft) -> list[Value]:
    """Who is told: the app's topic, in the network's stack; nobody where the file names nobody."""
    if app.alarm is None:
        return []
    return [sub(f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:{draft.called(limit=200)}")]
