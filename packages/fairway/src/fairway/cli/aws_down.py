"""`fairway down` of an environment at AWS: all but its data, or its data too."""

from dataclasses import replace

from fairway.cli import aws, view
from fairway.cli.aws_live import shown
from fairway.cli.project import Project
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.erasing import Erased, erase
from fairway.targets.aws.losing import losses
from fairway.targets.aws.takedown import standing_stacks, take_down

__all__ = ["erased", "taken_down"]


def taken_down(
    found: Project, name: str, *, region: str | None, profile: str | None, yes: bool
) -> None:
    """Delete all but data, after asking."""
    environment = aws.opened(found, name, region=region, profile=profile)
    going, kept = standing_stacks(environment)
    environment.opened()
    view.say(f"This deletes, in {place(environment)}:")
    for stack in going:
        view.say(f"  {stack.stack_name}")
    if going and not yes:
        view.confirm(f"Delete {len(going)} stacks?", to="delete")
    with shown(f"{environment.app.name} · {name} · down") as tell:
        take_down(replace(environment, tell=tell))
    names = ", ".join(stack.stack_name for stack in kept) or "nothing"
    view.say(f"down; kept with its data: {names}; `fairway deploy {name}` starts again")


def erased(
    found: Project, name: str, *, region: str | None, profile: str | None, yes: bool
) -> None:
    """Delete all of it, data too, after naming it and asking for the environment's name."""
    environment = aws.opened(found, name, region=region, profile=profile)
    lost = losses(environment)
    view.say(f"This deletes for good, in {place(environment)}:")
    width = max((len(each.what) for each in lost), default=0)
    for each in lost:
        view.say(f"  {each.what:<{width}}  {each.id}  {each.size}")
    stacks = [stack.stack_name for part in standing_stacks(environment) for stack in part]
    view.say(f"  and the stacks {', '.join([*stacks, environment.own.stack_name])}")
    if not yes:
        view.confirm_by_name(name, to="delete all this")
    with shown(f"{environment.app.name} · {name} · down, with its data") as tell:
        left = erase(replace(environment, tell=tell))
    report(left, name)


def report(left: Erased, name: str) -> None:
    """What stays, and what it costs to keep it."""
    for each in left.snapshots:
        view.say(f"final snapshot: {each}")
    for each in left.without:
        view.say(f"no final snapshot of {each} is there")
    for each in left.keys:
        view.say(f"kept: the key {each}; without it nobody can read the snapshots")
    for each in left.ending:
        view.say(f"the key {each} is deleted in 30 days; until then it can be brought back")
    view.say(f"{name} is deleted with its data")


def place(environment: Environment) -> str:
    """Where it acts."""
    return f"{environment.account.number} {environment.account.region}"
