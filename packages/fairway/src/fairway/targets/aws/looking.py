"""Looks at an environment without changing it: stacks, services, jobs, releases, who holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from fairway.core import names
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide import releases
from fairway.targets.aws.decide.others import domain_of
from fairway.targets.aws.decide.standing import (
    JobStanding,
    ReleaseLine,
    ServiceStanding,
    StackStanding,
    Standing,
    of_execution,
    of_service,
)
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.functions import standing
from fairway.targets.aws.render.accounts import away, home
from fairway.targets.aws.render.hosts import prefix, public_services

__all__ = ["look", "machine_of"]

RELEASES_SHOWN = 10


def look(environment: Environment) -> Standing:
    """Everything that `fairway status` shows; raises `Problems` where nothing is deployed."""
    store = environment.opened()
    app = environment.app
    formation = environment.formation()
    known = store.releases()
    now = releases.current(known)
    nodes = (*app.jobs, *app.workflows)
    return Standing(
        app=app.name,
        environment=app.environment,
        region=environment.account.region,
        account=environment.account.number,
        now=environment.clock.now(),
        url=address(environment, {} if now is None else now.values),
        revision="" if now is None else now.revision,
        held=store.holder(),
        stacks=tuple(
            StackStanding(name=stack.name, status=formation.status(stack) or "")
            for stack in environment.stacks
        ),
        services=tuple(of(environment, name) for name in app.programs),
        jobs=tuple(last_run(environment, name) for name in nodes),
        releases=tuple(
            ReleaseLine(
                revision=each.revision,
                at=each.at,
                by=each.by,
                image=each.image,
                outcome=each.outcome,
                reason=each.reason,
            )
            for each in known[-RELEASES_SHOWN:]
        ),
    )


def address(environment: Environment, values: Mapping[str, str]) -> str:
    """Where people begin: the first site, or the first public service."""
    app = environment.app
    first = next(iter([*app.sites, *(each.name for each in public_services(app))]), None)
    if first is None:
        return ""
    there = {site: name for name, each in away(app).items() for site in each.sites}
    account = there.get(first)
    domain = values.get(domain_of(account))
    part = home(app) if account is None else away(app)[account]
    return "" if domain is None else f"https://{prefix(part, first)}{domain}"


def of(environment: Environment, name: str) -> ServiceStanding:
    """One service or worker with its tasks, or the function that it is."""
    program = environment.app.programs[name]
    if program.kind == "function":
        return standing(environment, name)
    service = environment.running.service(name)
    found = of_service(name, service, () if service is None else tasks(environment, name))
    return found if program.answers else replace(found, kind="worker")


def tasks(environment: Environment, service: str) -> Sequence[Mapping[str, Any]]:
    """The service's tasks that run, or are about to."""
    ecs = environment.account.client("ecs")
    arns = [
        str(each)
        for each in ecs.pages(
            "list_tasks", "taskArns", cluster=environment.cluster, serviceName=service
        )
    ]
    found: list[Mapping[str, Any]] = []
    for first in range(0, len(arns), 100):
        answer = ecs.describe_tasks(cluster=environment.cluster, tasks=arns[first : first + 100])
        found += cast("Sequence[Mapping[str, Any]]", answer["tasks"])
    return found


def last_run(environment: Environment, name: str) -> JobStanding:
    """The last run of a job or a workflow."""
    found: Sequence[Mapping[str, Any]] = ()
    try:
        found = environment.account.client("stepfunctions").list_executions(
            stateMachineArn=machine_of(environment, name), maxResults=1
        )["executions"]
    except Refused as refused:
        if refused.code not in {"StateMachineDoesNotExist", "InvalidArn"}:
            raise
    return of_execution(name, found[0] if found else None)


def machine_of(environment: Environment, name: str) -> str:
    """The ARN of a job's or a workflow's state machine, by its name alone."""
    account, app = environment.account, environment.app
    machine = names.cloud_name(app.name, app.environment, name, limit=80)
    partition = account.who.split(":")[1] or "aws"
    return f"arn:{partition}:states:{account.region}:{account.number}:stateMachine:{machine}"
