"""The alarms of a service (R160, R189-R193): people are told, and a release goes back by them.

Each revision is judged by itself while two are live: a canary that fails is not hidden behind
the share of the old one.
"""

from collections.abc import Mapping

from fairway.core.spec.model import Alarm, App, Service
from fairway.core.spec.readers.sentences import above_percent, above_seconds
from fairway.targets.aws.render.metrics import Metric, Query, When, add_alarm, topic_arn
from fairway.targets.aws.render.template import Draft, Value

__all__ = ["LEAST_REQUESTS", "add_service_alarms", "inside", "requests"]

LEAST_REQUESTS = 10  # a minute: below that, a share says nothing
MISSING_PERIODS = 5  # longer than a release takes to start a task in place of another
MEMORY_PERIODS = 10  # longer than scaling takes: only if scaling did not help (C17)


def add_service_alarms(
    app: App, service: Service, draft: Draft, groups: Mapping[str, Value]
) -> list[Value]:
    """Add them; the names of those that end a release.

    `groups` are the target groups that ECS alternates between, by a letter: `a`, and `b` where a
    release has two.
    """
    wanted = app.alarm or Alarm()
    tell = topic_arn(app, draft)
    name = service.name
    judged: list[Value] = []
    releasing = (
        ("Errors", "errors", "failed requests", wanted.error_rate, above_percent, errors),
        ("Slow", "p95", "the 95th percentile", wanted.p95, above_seconds, slowness),
    )
    for id_, ending, what, threshold, above, of in releasing if groups else ():
        judged.append(
            add_alarm(
                draft,
                f"{id_}Alarm",
                When(of=of(draft, groups), above=above(threshold), periods=2, of_periods=3),
                name=f"{name}.{ending}",
                why=f"{name}: {what} {threshold}.",
                actions=tell,
                tells_recovery=True,
            )
        )
    if app.alarm is not None:
        _people(service, draft, wanted, groups, tell)
    return judged


def _people(
    service: Service, draft: Draft, wanted: Alarm, groups: Mapping[str, Value], tell: list[Value]
) -> None:
    name = service.name
    loads = [("Memory", wanted.memory)]
    if wanted.cpu is not None:
        loads.append(("CPU", wanted.cpu))
    for kind, threshold in loads:
        add_alarm(
            draft,
            f"{kind}Alarm",
            When(
                of=inside(draft, service, f"{kind}Utilization"),
                above=above_percent(threshold),
                periods=MEMORY_PERIODS,
            ),
            name=f"{name}.{kind.lower()}",
            why=f"{name}: {kind} {threshold}, and scaling did not help.",
            actions=tell,
            tells_recovery=True,
        )
    if not service.answers:
        _missing(service, draft, tell)
    if groups:
        add_alarm(
            draft,
            "UnhealthyAlarm",
            When(
                of=Query(
                    expression=_most(groups, "u"),
                    label="unhealthy replicas",
                    metrics=requests(draft, groups, "u", "UnHealthyHostCount", "Maximum"),
                ),
                above=0,
                periods=5,
            ),
            name=f"{name}.unhealthy",
            why=f"{name}: a replica does not answer its probe.",
            actions=tell,
            tells_recovery=True,
        )


def _missing(worker: Service, draft: Draft, tell: list[Value]) -> None:
    """Fewer of a worker run than should: the only sign that nobody who waits would give."""
    counts = {
        id_: Metric(
            namespace="ECS/ContainerInsights",
            name=f"{kind}TaskCount",
            dimensions={"ClusterName": draft.called(), "ServiceName": worker.name},
            statistic="Average",
        )
        for id_, kind in (("d", "Desired"), ("r", "Running"))
    }
    add_alarm(
        draft,
        "MissingAlarm",
        When(
            of=Query(expression="FILL(d,0)-FILL(r,0)", label="tasks missing", metrics=counts),
            above=0,
            periods=MISSING_PERIODS,
        ),
        name=f"{worker.name}.missing",
        why=f"{worker.name}: fewer run than should; its log says why.",
        actions=tell,
        tells_recovery=True,
    )


def errors(draft: Draft, groups: Mapping[str, Value]) -> Query:
    """The share of failed requests in percent, of the worse revision."""
    shares = [
        f"IF(FILL(r{letter},0)>={LEAST_REQUESTS},100*FILL(e{letter},0)/FILL(r{letter},1),0)"
        for letter in groups
    ]
    return Query(
        expression=shares[0] if len(shares) == 1 else f"MAX([{','.join(shares)}])",
        label="failed requests, %",
        metrics={
            **requests(draft, groups, "e", "HTTPCode_Target_5XX_Count", "Sum"),
            **requests(draft, groups, "r", "RequestCount", "Sum"),
        },
    )


def slowness(draft: Draft, groups: Mapping[str, Value]) -> Query:
    """The 95th percentile in seconds, of the slower revision."""
    return Query(
        expression=_most(groups, "p"),
        label="p95, s",
        metrics=requests(draft, groups, "p", "TargetResponseTime", "p95"),
    )


def _most(groups: Mapping[str, Value], prefix: str) -> str:
    filled = [f"FILL({prefix}{letter},0)" for letter in groups]
    return filled[0] if len(filled) == 1 else f"MAX([{','.join(filled)}])"


def requests(
    draft: Draft, groups: Mapping[str, Value], prefix: str, name: str, statistic: str
) -> dict[str, Metric]:
    """What the balancer measured of each target group."""
    balancer = draft.take("balancer/name")
    return {
        f"{prefix}{letter}": Metric(
            namespace="AWS/ApplicationELB",
            name=name,
            dimensions={"LoadBalancer": balancer, "TargetGroup": group},
            statistic=statistic,
        )
        for letter, group in groups.items()
    }


def inside(draft: Draft, service: Service, name: str) -> Metric:
    """What ECS measures of the service's tasks, in percent of what they have."""
    return Metric(
        namespace="AWS/ECS",
        name=name,
        dimensions={"ClusterName": draft.called(), "ServiceName": service.name},
        statistic="Average",
    )
