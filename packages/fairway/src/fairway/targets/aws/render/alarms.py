"""The last stack: the app's dashboard, and the alarms of data, jobs and secrets (R75, R195).

A service's own alarms stand in its stack: its releases go back by them.
"""

from collections.abc import Iterator

from fairway.core import names
from fairway.core.spec.model import App
from fairway.targets.aws.render.dashboard import add_dashboard
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.jobs import dead_letters, machine_arn
from fairway.targets.aws.render.metrics import Metric, Query, When, add_alarm, topic_arn
from fairway.targets.aws.render.renewal import LONGEST, RENEWER, renews
from fairway.targets.aws.render.template import Draft, Stack, sub

__all__ = ["alarms"]

GIB = 1024**3
BUSY_PERCENT = 80
FULL_PERCENT = 85
LEFT_SHARE = 0.1
PERIODS = 3
LONG_PERIOD_SECONDS = 300


def alarms(app: App, ground: Ground) -> Stack:
    """Render it."""
    draft = ground.draft
    add_dashboard(app, draft)
    tell = topic_arn(app, draft)
    if tell:
        for id_, name, why, when in _watched(app, draft):
            add_alarm(draft, id_, when, name=name, why=why, actions=tell, tells_recovery=True)
    return draft.stack()


def _watched(app: App, draft: Draft) -> Iterator[tuple[str, str, str, When]]:
    """Id, name, why, when."""
    yield from _databases(app, draft)
    yield from _caches(app, draft)
    for node in (*app.jobs.values(), *app.workflows.values()):
        yield from _machine(node.name, draft)
    if renews(app):
        function = draft.called(RENEWER, limit=LONGEST)
        metric = Metric(
            namespace="AWS/Lambda",
            name="Errors",
            dimensions={"FunctionName": function},
            statistic="Sum",
            period_seconds=LONG_PERIOD_SECONDS,
        )
        why = "A secret could not be renewed."
        yield "RotationAlarm", RENEWER, why, When(of=metric, above=0, periods=1)


def _databases(app: App, draft: Draft) -> Iterator[tuple[str, str, str, When]]:
    for database in app.databases.values():
        if not database.is_made:
            continue
        name, id_ = database.name, names.logical_id("database", database.name)
        cpu, disk = (_of_database(draft, name, of) for of in ("CPUUtilization", "FreeStorageSpace"))
        busy = When(of=cpu, above=BUSY_PERCENT, periods=PERIODS)
        yield f"{id_}Cpu", f"{name}.cpu", f"{name}: its processor is busy.", busy
        if not database.serverless:
            left = When(
                of=disk,
                above=database.storage_gib * GIB * LEFT_SHARE,
                compare="LessThanThreshold",
                periods=1,
            )
            yield f"{id_}Disk", f"{name}.disk", f"{name}: its disk is nearly full.", left


def _of_database(draft: Draft, name: str, kind: str) -> Metric:
    return Metric(
        namespace="AWS/RDS",
        name=kind,
        dimensions={"DBInstanceIdentifier": draft.take(f"database/{name}/instance")},
        statistic="Average",
        period_seconds=LONG_PERIOD_SECONDS,
    )


def _caches(app: App, draft: Draft) -> Iterator[tuple[str, str, str, When]]:
    for cache in app.caches.values():
        if not cache.is_made:
            continue
        id_ = names.logical_id("cache", cache.name)
        group = draft.take(f"cache/{cache.name}/id")
        metric = Metric(
            namespace="AWS/ElastiCache",
            name="DatabaseMemoryUsagePercentage",
            dimensions={"CacheClusterId": sub("${Group}-001", Group=group)},
            statistic="Average",
            period_seconds=LONG_PERIOD_SECONDS,
        )
        why = f"{cache.name}: it is nearly full, and drops what is used least."
        yield f"{id_}Full", f"{cache.name}.full", why, When(of=metric, above=FULL_PERCENT)


def _machine(name: str, draft: Draft) -> Iterator[tuple[str, str, str, When]]:
    """A job that failed after its retries (R195), and one that could not even start."""
    id_ = names.logical_id("run", name)
    ends = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
    query = Query(
        expression="+".join(f"FILL(m{number},0)" for number, _ in enumerate(ends)),
        label="runs that failed",
        metrics={
            f"m{number}": Metric(
                namespace="AWS/States",
                name=end,
                dimensions={"StateMachineArn": machine_arn(draft, name)},
                statistic="Sum",
                period_seconds=LONG_PERIOD_SECONDS,
            )
            for number, end in enumerate(ends)
        },
    )
    why = f"{name}: a run failed; its log says why."
    yield f"{id_}Failed", f"{name}.failed", why, When(of=query, above=0, periods=1)
    waiting = Metric(
        namespace="AWS/SQS",
        name="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": dead_letters(draft, name)},
        statistic="Maximum",
        period_seconds=LONG_PERIOD_SECONDS,
    )
    why = f"{name}: a run could not be started; its dead-letter queue holds why."
    yield f"{id_}Unstarted", f"{name}.unstarted", why, When(of=waiting, above=0, periods=1)
