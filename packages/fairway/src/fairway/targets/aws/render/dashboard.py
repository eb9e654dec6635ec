"""The app's dashboard (R167-R175, R181): a row a service, a worker, then its data and its jobs."""

import json
from collections.abc import Sequence
from typing import TypeAlias

from fairway.core import names
from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.deployment import needs_two_groups
from fairway.targets.aws.render.function_names import function_name
from fairway.targets.aws.render.jobs import machine_name
from fairway.targets.aws.render.template import ACCOUNT, PARTITION, REGION, Draft, sub

__all__ = ["add_dashboard", "metrics_namespace"]

Json: TypeAlias = str | int | bool | Sequence["Json"] | dict[str, "Json"]

WIDTH, HEIGHT = 6, 6
PER_ROW = 4


def metrics_namespace(draft: Draft) -> str:
    """Where metrics from the app's own log lines are."""
    return f"fairway/{draft.app}/{draft.environment}"


def add_dashboard(app: App, draft: Draft) -> None:
    """Add it; one of four graphs a row."""
    graphs: list[tuple[str, list[Json]]] = []
    for service in app.services.values():
        is_function = service.kind == "function"
        graphs += _function(service, draft) if is_function else _service(service, draft)
    for name in app.workers:
        graphs += [_load(name, draft), _worker(name, draft)]
    for database in app.databases.values():
        if database.is_made:
            graphs.append((f"{database.name}: connections, IOPS", _database(database.name, draft)))
    for name in (*app.jobs, *app.workflows):
        graphs.append((f"{name}: runs", _runs(name, draft)))
    widgets: list[Json] = [
        {
            "type": "metric",
            "x": WIDTH * (number % PER_ROW),
            "y": HEIGHT * (number // PER_ROW),
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {
                "title": title,
                "region": REGION,
                "period": 60,
                "view": "timeSeries",
                "metrics": metrics,
            },
        }
        for number, (title, metrics) in enumerate(graphs)
    ]
    draft.add(
        "Dashboard",
        "AWS::CloudWatch::Dashboard",
        {
            "DashboardBody": sub(json.dumps({"widgets": widgets}, separators=(",", ":"))),
            "DashboardName": draft.called(),
        },
    )


def _service(service: Service, draft: Draft) -> list[tuple[str, list[Json]]]:
    name = service.name
    graphs: list[tuple[str, list[Json]]] = []
    if service.public:
        letters = "ab" if needs_two_groups(service) else "a"
        groups = [_taken(draft, f"service/{name}/targets/{letter}") for letter in letters]
        balancer = _taken(draft, "balancer/name")

        def lines(metric: str, *statistics: str) -> list[Json]:
            ends: list[Json] = []
            for group in groups:
                for statistic in statistics:
                    at: list[Json] = ["AWS/ApplicationELB", metric, "LoadBalancer", balancer]
                    ends.append([*at, "TargetGroup", group, {"stat": statistic}])
            return ends

        graphs = [
            (f"{name}: requests a minute", lines("RequestCount", "Sum")),
            (f"{name}: p50, p95, p99", lines("TargetResponseTime", "p50", "p95", "p99")),
            (
                f"{name}: errors a minute",
                [
                    *lines("HTTPCode_Target_5XX_Count", "Sum"),
                    *lines("HTTPCode_Target_4XX_Count", "Sum"),
                ],
            ),
        ]
    graphs.append(_load(name, draft))
    kinds = ("RunningTaskCount", "NetworkRxBytes", "NetworkTxBytes", "StorageReadBytes")
    graphs.append((f"{name}: tasks, network, disk", _inside(name, draft, kinds)))
    graphs.append((f"{name}: from its log", _from_log(name, draft)))
    return graphs


def _load(name: str, draft: Draft) -> tuple[str, list[Json]]:
    own: list[Json] = [
        ["AWS/ECS", f"{kind}Utilization", "ClusterName", draft.called(), "ServiceName", name]
        for kind in ("CPU", "Memory")
    ]
    return f"{name}: CPU and memory, %", own


def _inside(name: str, draft: Draft, kinds: Sequence[str]) -> list[Json]:
    return [
        ["ECS/ContainerInsights", kind, "ClusterName", draft.called(), "ServiceName", name]
        for kind in kinds
    ]


def _worker(name: str, draft: Draft) -> tuple[str, list[Json]]:
    kinds = ("DesiredTaskCount", "RunningTaskCount", "PendingTaskCount")
    return f"{name}: tasks wanted, running, starting", _inside(name, draft, kinds)


def _from_log(name: str, draft: Draft) -> list[Json]:
    return [
        [metrics_namespace(draft), f"{name}-{kind}", {"stat": "Sum"}]
        for kind in ("failed", "scenarios")
    ]


def _function(service: Service, draft: Draft) -> list[tuple[str, list[Json]]]:
    """What people see is measured at the gateway, the rest by Lambda."""
    name = service.name
    at: list[Json] = ["FunctionName", function_name(draft, name)]
    graphs: list[tuple[str, list[Json]]] = []
    if service.public:
        api: list[Json] = ["ApiId", _taken(draft, f"service/{name}/api")]

        def lines(metric: str, *statistics: str) -> list[Json]:
            return [["AWS/ApiGateway", metric, *api, {"stat": each}] for each in statistics]

        graphs = [
            (f"{name}: requests a minute", lines("Count", "Sum")),
            (f"{name}: p50, p95, p99, ms", lines("Latency", "p50", "p95", "p99")),
            (f"{name}: errors a minute", [*lines("5xx", "Sum"), *lines("4xx", "Sum")]),
        ]
    copies: list[Json] = [
        ["AWS/Lambda", "ConcurrentExecutions", *at, {"stat": "Maximum"}],
        ["AWS/Lambda", "Throttles", *at, {"stat": "Sum"}],
        ["AWS/Lambda", "Errors", *at, {"stat": "Sum"}],
    ]
    took: list[Json] = [["AWS/Lambda", "Duration", *at, {"stat": each}] for each in ("p50", "p95")]
    graphs.append((f"{name}: copies at once, refused, failed", copies))
    graphs.append((f"{name}: in the function, ms", took))
    graphs.append((f"{name}: from its log", _from_log(name, draft)))
    return graphs


def _database(name: str, draft: Draft) -> list[Json]:
    instance = _taken(draft, f"database/{name}/instance")
    return [
        ["AWS/RDS", kind, "DBInstanceIdentifier", instance]
        for kind in ("DatabaseConnections", "ReadIOPS", "WriteIOPS", "CPUUtilization")
    ]


def _runs(name: str, draft: Draft) -> list[Json]:
    machine = machine_name(draft, name)
    arn = f"arn:{PARTITION}:states:{REGION}:{ACCOUNT}:stateMachine:{machine}"
    return [
        ["AWS/States", kind, "StateMachineArn", arn, {"stat": "Sum"}]
        for kind in ("ExecutionsSucceeded", "ExecutionsFailed", "ExecutionTime")
    ]


def _taken(draft: Draft, key: str) -> str:
    """What another stack hands over, inside the dashboard's text."""
    draft.take(key)
    return f"${{{names.logical_id('take', *key.split('/'))}}}"
