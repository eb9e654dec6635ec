"""`estimate(app, prices)`: what an app costs a month on AWS, line by line (R256, R262-R264).

Place in the flow: `fairway plan ENV` prints it. Pure: the prices are given, the traffic is
assumed and said, and what has no price here is named instead of guessed.
"""

from collections.abc import Iterator

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import compute
from fairway.core.cost.data import cache_key, data, database_key
from fairway.core.cost.edge import edge
from fairway.core.cost.joined import joined, unpriced_networks
from fairway.core.cost.layout import Layout, fargate_size, layout_of
from fairway.core.cost.line import Estimate, Line
from fairway.core.cost.prices import Prices
from fairway.core.cost.savings import savings
from fairway.core.cost.watching import watching
from fairway.core.spec.model import App

__all__ = ["estimate"]


def estimate(
    app: App,
    prices: Prices,
    assumptions: Assumptions | None = None,
    *,
    layout: Layout | None = None,
) -> Estimate:
    """Every line of a month's bill, in the region of `prices`; `layout` as the target makes it."""
    assumed = assumptions or Assumptions()
    around = layout or layout_of(app)
    lines: list[Line] = [
        *compute(app, prices, assumed, around),
        *data(app, prices, assumed, around),
        *edge(app, prices, assumed, around),
        *joined(app, prices, assumed, around),
        *watching(app, prices, assumed, around),
    ]
    order = {node: at for at, node in enumerate(dict.fromkeys(line.node for line in lines))}
    lines.sort(key=lambda line: order[line.node])
    return Estimate(
        region=prices.region,
        lines=tuple(lines),
        savings=savings(app, lines, prices, assumed, around),
        unpriced=tuple(unpriced(app, prices, around)),
        assumptions=assumed,
    )


def unpriced(app: App, prices: Prices, layout: Layout) -> Iterator[str]:
    """What the total leaves out, said."""
    for database in app.databases.values():
        key = database_key(database, zones=database.zones)
        if database.is_made and not database.serverless and key not in prices:
            yield f"database {database.name}: no price of {database.size} in {prices.region} here"
    for cache in app.caches.values():
        if cache.is_made and cache_key(cache, layout) not in prices:
            yield f"cache {cache.name}: no price of {cache.size} in {prices.region} here"
    yield from unpriced_networks(app)
    yield from unpriced_runs(app)


def unpriced_runs(app: App) -> Iterator[str]:
    """Of what runs and what streams."""
    for node in (*app.programs.values(), *app.jobs.values()):
        if fargate_size(node.cpu, node.memory_mib) is None:
            yield f"{node.name}: no task has {node.cpu:g} vCPU and {node.memory_mib} MiB"
    for job in app.jobs.values():
        if job.on_new is not None:
            yield f"job {job.name}: its runs on new objects, as often as they come"
    for model in app.models.values():
        if model.endpoint:
            yield f"model {model.name}: an endpoint of its own"
    for stream in app.streams:
        yield f"stream {stream}: its conversion to Parquet"
