"""AWS's CloudFormation from an app: `render(app)` -> {path: template}. Pure, deterministic.

Place in the flow: the CLI writes the texts to files that the AWS CLI deploys without Fairway.
A stack a concern, so that nothing stateful is in what a release rolls back: network, data,
renewal (of secrets), build (where AWS builds the image), balancer, before (migrations),
service-<name>, worker-<name>, job-<name>, workflow-<name>, edge, alarms; edge-<account> where
sites stand in an account of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.accounts import away, home
from fairway.targets.aws.render.alarms import alarms
from fairway.targets.aws.render.balancer import balancer
from fairway.targets.aws.render.before import before
from fairway.targets.aws.render.choices import (
    Builds,
    Choices,
    Egress,
    Processor,
    Traces,
    choices_for,
)
from fairway.targets.aws.render.data import data
from fairway.targets.aws.render.edge import REGION_OF_EDGE, edge, has_edge
from fairway.targets.aws.render.function import function
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.jobs import job, workflow
from fairway.targets.aws.render.network import network
from fairway.targets.aws.render.remote_build import remote_build
from fairway.targets.aws.render.renewal import renewal
from fairway.targets.aws.render.service import service
from fairway.targets.aws.render.template import Draft, Stack, text

__all__ = [
    "Builds",
    "Choices",
    "Egress",
    "Processor",
    "Stack",
    "Traces",
    "choices_for",
    "render",
    "stacks",
]


def render(app: App, choices: Choices | None = None) -> Mapping[str, str]:
    """Path -> template, sorted by path; the same app and choices give the same bytes."""
    found = {stack.path: text(stack) for stack in stacks(app, choices)}
    return dict(sorted(found.items()))


def stacks(app: App, choices: Choices | None = None) -> tuple[Stack, ...]:
    """Every stack, in the order in which they are deployed."""
    found = _stacks(app, choices or choices_for(app))
    own = app.patch.aws
    return tuple(
        replace(each, patches=own[each.path]) if each.path in own else each for each in found
    )


def _stacks(whole: App, choices: Choices) -> Iterator[Stack]:
    app = home(whole)

    def draft(name: str, description: str, region: str | None = None) -> Draft:
        return Draft(
            app=app.name,
            environment=app.environment,
            name=name,
            description=f"{app.name} in {app.environment}: {description}.",
            region=region,
        )

    def ground(name: str, description: str) -> Ground:
        return Ground(draft(name, description), choices)

    yield network(app, draft("network", "network, key, topic"), choices)
    yield data(app, draft("data", "databases, caches, buckets, secrets, images"), choices)
    yield from renewal(app, ground("renewal", "renews secrets"))
    if choices.builds == "remote":
        yield remote_build(ground("build", "builds images from sources that are sent"))
    yield balancer(whole, ground("balancer", "cluster, balancer, certificate"))
    if any(each.before for each in app.programs.values()):
        yield before(app, ground("before", "what runs once before a release"))
    for each in _used_first(app):
        place = ground(f"{each.node_kind}-{each.name}", f"the {each.node_kind} {each.name}")
        is_function = each.kind == "function"
        yield function(whole, each, place) if is_function else service(app, each, place)
    for each in app.jobs.values():
        yield job(app, each, ground(f"job-{each.name}", f"the job {each.name}"))
    for each in app.workflows.values():
        yield workflow(each, ground(f"workflow-{each.name}", f"the workflow {each.name}"))
    if has_edge(app):
        description = "sites, kept answers, their certificate and firewall"
        yield edge(app, Ground(draft("edge", description, REGION_OF_EDGE), choices))
    for account, there in away(whole).items():
        description = f"sites in the account {account}, their certificate and firewall"
        place = Ground(draft(f"edge-{account}", description, REGION_OF_EDGE), choices)
        yield replace(edge(there, place, whole), account=account)
    yield alarms(app, ground("alarms", "dashboard, alarms of data and jobs"))


def _used_first(app: App) -> list[Service]:
    """The services, each after those that it uses: their groups must be there; then workers."""
    ordered: dict[str, Service] = {}

    def visit(node: Service) -> None:
        for name in node.uses:
            if name in app.services and name not in ordered:
                visit(app.services[name])
        ordered[node.name] = node

    for each in app.services.values():
        visit(each)
    return [*ordered.values(), *(each.program for each in app.workers.values())]
