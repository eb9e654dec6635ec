"""The plan of an environment on AWS, held against what runs: change sets in the app's words."""

from dataclasses import replace

from fairway.cli import aws, plan_aws, view
from fairway.cli.build_sources import read_build_sources
from fairway.cli.plan_aws import Asked, Online
from fairway.core.build.images import images
from fairway.core.plan.cloud import CloudPlan
from fairway.core.plan.diff import Change
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.targets.aws.account import connect
from fairway.targets.aws.decide.differences import stack_of
from fairway.targets.aws.decide.order import images_asked
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.previewing import preview
from fairway.targets.aws.render import stacks
from fairway.targets.aws.render.wiring import PORT

__all__ = ["plan_of"]


def plan_of(app: App, asked: Asked, online: Online, *, notes: tuple[Problem, ...]) -> CloudPlan:
    """The plan; where AWS can't be asked and nobody insists, against an empty account."""
    try:
        account = connect(region=online.region, profile=online.profile)
        place = replace(asked, region=account.region)
        plan = plan_aws.plan_of(app, place, notes=notes)
        held_images = images(app, read_build_sources(online.folder, app), PORT)
        choices = plan_aws.chosen(app, asked, held_images)
        other = aws.others(app, account.region)
        environment = Environment(account, app, stacks(app, choices), other=other)
        said = {name: getattr(asked, name) for name in aws.REMEMBERED}
        kept = aws.remembered(choices, said, environment.store())
        if kept != choices:
            place = replace(place, **{name: getattr(kept, name) for name in aws.REMEMBERED})
            plan = plan_aws.plan_of(app, place, notes=notes)
            environment = replace(environment, stacks=stacks(app, kept))
        return held(plan, environment, online)
    except Problems as problems:
        if online.is_asked:
            raise
        for problem in problems:
            view.say(f"AWS was not asked: {problem.what}; the plan is against an empty account")
    return plan_aws.plan_of(app, asked, notes=notes)


def held(plan: CloudPlan, environment: Environment, online: Online) -> CloudPlan:
    """The plan against what is there: what comes only where its stack is not."""
    account = environment.account
    asked = images_asked(environment.stacks)
    values = {} if online.image is None else dict.fromkeys(asked, online.image)
    found = preview(environment, values, with_drift=online.with_drift)
    for name in found.busy:
        view.say(f"something goes on in {name}: what it would change is not known")
    gone = tuple(
        Change(sign="-", kind=kind, node=name, cause="nothing names it any more")
        for stack in environment.orphans()
        for kind, _, name in (stack.name.partition("-"),)
    )
    return replace(
        plan,
        creations=tuple(
            each
            for each in plan.creations
            if stack_of(environment.app, each.kind, each.name) not in found.there
        ),
        changes=(*found.changes, *gone),
        drift=found.drift,
        notes=(*found.refused, *plan.notes),
        compared=f"account {account.number} in {account.region}",
    )
