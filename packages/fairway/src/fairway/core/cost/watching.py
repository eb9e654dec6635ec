"""What it costs to see what happens: logs, metrics, alarms, the dashboard. Pure."""

from collections.abc import Iterator

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import flat, past_the_edge
from fairway.core.cost.layout import Layout
from fairway.core.cost.line import Line
from fairway.core.cost.prices import Prices
from fairway.core.spec.model import App, Service

__all__ = ["watching"]

FREE_DASHBOARDS = 3
# Container Insights bills as metrics of one's own: processor, memory, network and disk of cluster,
# service and task, and counts of tasks, deployments and services. The names are those of
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/appinsights-metrics-ecs.html, read
# 2026-11; those of a job's tasks last as long as its run, and are left out.
INSIGHTS_OF_CLUSTER = 10
INSIGHTS_OF_SERVICE = 13 + 8
LOGS_SHRINK_TO = 0.15  # stored logs are compressed, to about so much, and billed by that
MONTH_DAYS = 30.4


def watching(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    """The lines of logs and alarms; metrics that AWS sends by itself are free."""
    node = "watching"
    requests = len(app.services) * assumed.requests_per_month
    logged = requests * assumed.log_kb / 1e6
    flows = requests * assumed.flow_kb / 1e6
    gateways = sum(asked_of_gateway(each, assumed) for each in app.services.values())
    asked = gateways * assumed.gateway_kb / 1e6
    if logged or flows:
        kept = (logged + flows + asked) * LOGS_SHRINK_TO * layout.log_days / MONTH_DAYS
        yield flat(node, "logs of the app", prices, "logs.ingest", logged)
        yield flat(node, "logs of the network", prices, "logs.ingest", flows)
        if gateways:
            yield flat(node, "access logs of gateways", prices, "logs.ingest", asked)
        yield flat(node, f"logs kept for {layout.log_days} days", prices, "logs.storage", kept)
    if layout.metrics:
        yield flat(node, "metrics of your own", prices, "cloudwatch.metric", layout.metrics)
    tasks = sum(each.kind == "container" for each in app.programs.values())
    if layout.has_insights and tasks:
        count = INSIGHTS_OF_CLUSTER + INSIGHTS_OF_SERVICE * tasks
        yield flat(node, "metrics of containers", prices, "cloudwatch.metric", count)
    if layout.alarms:
        yield flat(node, "metrics that alarms look at", prices, "cloudwatch.alarm", layout.alarms)
    if layout.traced:
        count = layout.traced * assumed.requests_per_month * assumed.traced / 100
        yield flat(node, "traces that X-Ray records", prices, "xray.trace", count)
    if layout.dashboards:
        billed = max(layout.dashboards - FREE_DASHBOARDS, 0)
        yield flat(node, "dashboards beyond 3", prices, "cloudwatch.dashboard", billed)


def asked_of_gateway(service: Service, assumed: Assumptions) -> float:
    """Requests of which a gateway writes a line: only a public function has one."""
    is_behind_one = service.kind == "function" and service.public
    return past_the_edge(service, assumed) if is_behind_one else 0.0
