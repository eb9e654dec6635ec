"""What it costs to see what happens: logs, metrics, alarms, the dashboard. Pure."""

from collections.abc import Iterator

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import flat
from fairway.core.cost.layout import Layout
from fairway.core.cost.line import Line
from fairway.core.cost.prices import Prices
from fairway.core.spec.model import App

__all__ = ["watching"]

FREE_DASHBOARDS = 3
LOGS_SHRINK_TO = 0.15  # stored logs are compressed, to about so much, and billed by that
MONTH_DAYS = 30.4


def watching(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    """The lines of logs and alarms; metrics that AWS sends by itself are free."""
    node = "watching"
    requests = len(app.services) * assumed.requests_per_month
    logged = requests * assumed.log_kb / 1e6
    flows = requests * assumed.flow_kb / 1e6
    if logged or flows:
        kept = (logged + flows) * LOGS_SHRINK_TO * layout.log_days / MONTH_DAYS
        yield flat(node, "logs of the app", prices, "logs.ingest", logged)
        yield flat(node, "logs of the network", prices, "logs.ingest", flows)
        yield flat(node, f"logs kept for {layout.log_days} days", prices, "logs.storage", kept)
    if layout.metrics:
        yield flat(node, "metrics of your own", prices, "cloudwatch.metric", layout.metrics)
    if layout.insight_metrics:
        count = layout.insight_metrics
        yield flat(node, "container insights", prices, "insights.metric", count)
    if layout.alarms:
        yield flat(node, "alarms", prices, "cloudwatch.alarm", layout.alarms)
    if layout.dashboards:
        billed = max(layout.dashboards - FREE_DASHBOARDS, 0)
        yield flat(node, "dashboards beyond 3", prices, "cloudwatch.dashboard", billed)
