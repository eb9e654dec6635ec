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
    logged = len(app.services) * assumed.requests_per_month * assumed.log_kb / 1e6
    if logged:
        yield flat(node, "logs taken in", prices, "logs.ingest", logged)
        kept = logged * LOGS_SHRINK_TO * assumed.log_days / MONTH_DAYS
        yield flat(node, f"logs of {assumed.log_days:g} days", prices, "logs.storage", kept)
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
