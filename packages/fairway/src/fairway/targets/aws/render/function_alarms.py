"""The alarms of a function (R189-R193): people are told. No release is judged by them.

What people see is measured at the gateway; of a function without one, by Lambda itself.
"""

from collections.abc import Mapping

from fairway.core.spec.model import App, Service
from fairway.core.spec.readers.sentences import above_percent, above_seconds
from fairway.targets.aws.render.metrics import Metric, Query, When, add_alarm, topic_arn
from fairway.targets.aws.render.service_alarms import LEAST_REQUESTS
from fairway.targets.aws.render.template import Draft, Value, ref

__all__ = ["add_function_alarms"]

MILLISECONDS = 1000


def add_function_alarms(app: App, service: Service, draft: Draft) -> None:
    """Add them where the file asks for alarms."""
    wanted = app.alarm
    if wanted is None:
        return
    function: Mapping[str, Value] = {"FunctionName": ref("Function")}
    failed = measured("AWS/Lambda", function, e="Errors", r="Invocations")
    slow = Metric(namespace="AWS/Lambda", name="Duration", dimensions=function, statistic="p95")
    if service.public:
        gateway: Mapping[str, Value] = {"ApiId": ref("Api")}
        failed = measured("AWS/ApiGateway", gateway, e="5xx", r="Count")
        slow = Metric(
            namespace="AWS/ApiGateway", name="Latency", dimensions=gateway, statistic="p95"
        )
    share = Query(
        expression=f"IF(FILL(r,0)>={LEAST_REQUESTS},100*FILL(e,0)/FILL(r,1),0)",
        label="failed requests, %",
        metrics=failed,
    )
    seconds = Query(expression=f"FILL(p,0)/{MILLISECONDS}", label="p95, s", metrics={"p": slow})
    refused = measured("AWS/Lambda", function, t="Throttles")["t"]
    name = service.name
    for id_, ending, why, when in (
        (
            "ErrorsAlarm",
            "errors",
            f"failed requests {wanted.error_rate}",
            When(of=share, above=above_percent(wanted.error_rate), periods=2, of_periods=3),
        ),
        (
            "SlowAlarm",
            "p95",
            f"the 95th percentile {wanted.p95}",
            When(of=seconds, above=above_seconds(wanted.p95), periods=2, of_periods=3),
        ),
        (
            "ThrottledAlarm",
            "throttled",
            f"all {service.replicas.maximum} copies are busy; requests are refused",
            When(of=refused, above=0, periods=2, of_periods=3),
        ),
    ):
        add_alarm(
            draft,
            id_,
            when,
            name=f"{name}.{ending}",
            why=f"{name}: {why}.",
            actions=topic_arn(app, draft),
            tells_recovery=True,
        )


def measured(namespace: str, dimensions: Mapping[str, Value], **named: str) -> dict[str, Metric]:
    """Counts a minute, each under the id that an expression has for it."""
    return {
        id_: Metric(namespace=namespace, name=name, dimensions=dimensions, statistic="Sum")
        for id_, name in named.items()
    }
