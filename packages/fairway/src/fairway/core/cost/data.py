"""What data costs: databases, caches, buckets, tables, streams, secrets. Pure."""

from collections.abc import Iterator

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.compute import flat
from fairway.core.cost.layout import CACHE_CLASS, DATABASE_CLASS, Layout
from fairway.core.cost.line import HOURS, Line
from fairway.core.cost.prices import Prices
from fairway.core.spec.model import App, Bucket, Cache, Database

__all__ = ["cache_key", "data", "database_key"]

TABLE_FREE_GB = 25.0
BACKUP_CHANGE = 0.02  # of a database's disk changes a day and is kept as log


def data(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    """The lines of every node that keeps something."""
    for database in app.databases.values():
        if database.is_made:
            yield from of_database(app, database, prices, assumed, layout)
    for cache in app.caches.values():
        if cache.is_made:
            yield from of_cache(cache, prices, layout)
    for bucket in app.buckets.values():
        yield from of_bucket(bucket, prices, assumed)
    for name in app.tables:
        yield from of_table(f"table {name}", users(app, name), prices, assumed)
    for name in app.streams:
        yield flat(f"stream {name}", "taken in", prices, "firehose.gb", assumed.stream_gb)
    if layout.secrets:
        yield flat("secrets", "kept secret", prices, "secrets.secret", layout.secrets)
    if layout.keys:
        yield flat("secrets", "encryption key of your own", prices, "kms.key", layout.keys)


def database_key(database: Database, *, zones: int) -> str:
    """The row of its class: one that stands in two zones has its own rate."""
    return f"rds.{database.size or DATABASE_CLASS}.{'multi' if zones > 1 else 'single'}"


def storage_key(zones: int) -> str:
    """The row of its disk."""
    return "rds.storage.multi" if zones > 1 else "rds.storage.single"


def cache_key(cache: Cache, layout: Layout) -> str:
    """The row of its class."""
    return f"elasticache.{cache.size or CACHE_CLASS}.{layout.cache_engine}"


def of_database(
    app: App, database: Database, prices: Prices, assumed: Assumptions, layout: Layout
) -> Iterator[Line]:
    node = f"database {database.name}"
    if database.serverless:
        yield from of_serverless(app, database, prices, assumed, layout)
        return
    key = database_key(database, zones=database.zones)
    if key not in prices:
        return
    zones = "in 2 zones" if database.zones > 1 else "in 1 zone"
    size = database.size or DATABASE_CLASS
    storage = storage_key(database.zones)
    disk = float(database.storage_gib)
    yield flat(node, f"{size}, {zones}", prices, key, HOURS)
    yield flat(node, f"disk, {zones}", prices, storage, disk)
    count = database.read_replicas
    if count:
        replica = database_key(database, zones=database.replica_zones)
        what = f"{count} read replica{'' if count == 1 else 's'}"
        if database.replica_zones > 1:
            what += " in 2 zones"
        yield flat(node, what, prices, replica, HOURS * count)
        storage = storage_key(database.replica_zones)
        yield flat(node, f"disk of {what}", prices, storage, disk * count)
    if database.backups_seconds:
        days = database.backups_seconds / 86400
        kept = disk * BACKUP_CHANGE * days
        what = f"backups of {days:g} days, beyond the free {disk:g} GB"
        yield flat(node, what, prices, "rds.backup", kept)


def of_serverless(
    app: App, database: Database, prices: Prices, assumed: Assumptions, layout: Layout
) -> Iterator[Line]:
    """Capacity by the hour, disk by what is stored, each read and write of the disk."""
    node = f"database {database.name}"
    count = max(database.zones, 1 + database.read_replicas) * HOURS
    least = min(layout.least_acu, assumed.database_acu)
    yield Line(
        node=node,
        what=f"{assumed.database_acu:g} ACU on average, serverless",
        price=prices["aurora.acu"],
        quantity=count * assumed.database_acu,
        lowest=count * least,
        highest=count * max(layout.most_acu, assumed.database_acu),
    )
    yield flat(node, "disk", prices, "aurora.storage", float(database.storage_gib))
    times = users(app, database.name) * assumed.requests_per_month * assumed.database_ios
    yield flat(node, "reads and writes of the disk", prices, "aurora.io", times)


def of_cache(cache: Cache, prices: Prices, layout: Layout) -> Iterator[Line]:
    key = cache_key(cache, layout)
    if key in prices:
        count = layout.cache_nodes
        nodes = "1 node" if count == 1 else f"{count} nodes in 2 zones"
        what = f"{cache.size or CACHE_CLASS}, {layout.cache_engine.capitalize()}, {nodes}"
        yield flat(f"cache {cache.name}", what, prices, key, HOURS * count)


def of_bucket(bucket: Bucket, prices: Prices, assumed: Assumptions) -> Iterator[Line]:
    node = f"bucket {bucket.name}"
    size = assumed.bucket_gb
    if bucket.tiering:
        yield flat(node, "stored, none of it rare yet", prices, "s3.tiering.frequent", size)
        count = size * 1e6 / assumed.object_kb if assumed.object_kb else 0.0
        yield flat(node, "objects watched for tiering", prices, "s3.tiering.watch", count)
    else:
        yield flat(node, "stored", prices, "s3.storage", size)
    yield flat(node, "objects written", prices, "s3.put", assumed.bucket_puts)
    yield flat(node, "objects read", prices, "s3.get", assumed.bucket_gets)


def of_table(node: str, count: int, prices: Prices, assumed: Assumptions) -> Iterator[Line]:
    times = count * assumed.requests_per_month * assumed.table_ops
    yield flat(node, "reads", prices, "dynamodb.read", times)
    yield flat(node, "writes", prices, "dynamodb.write", times / 2)
    stored = max(assumed.bucket_gb - TABLE_FREE_GB, 0.0)
    yield flat(node, "stored beyond the free 25 GB", prices, "dynamodb.storage", stored)


def users(app: App, name: str) -> int:
    """How many services use a node."""
    return sum(name in each.uses for each in app.services.values())
