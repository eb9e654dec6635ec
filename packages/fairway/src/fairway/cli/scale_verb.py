"""`fairway scale [ENVIRONMENT] SERVICE=N`."""

from functools import partial
from pathlib import Path

import click

from fairway.cli import places, project, talk, view
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("scale")
@click.argument("sizes", nargs=-1, required=True, metavar="[ENVIRONMENT] SERVICE=N|auto...")
@project.folder_option
@places.account_options
def command(
    sizes: tuple[str, ...], folder: Path | None, *, region: str | None, profile: str | None
) -> None:
    """Set how many replicas of a service or worker run, for example `fairway scale api=3`.

    The number stays, whatever the load, until `fairway scale api=auto`.
    """
    if "=" not in sizes[0]:
        found = project.find(folder)
        environment, rest = places.split(found, sizes)
        wanted = [parse(size) for size in rest or sizes]
        if environment is not None and rest:
            from fairway.cli import aws, aws_verbs
            from fairway.targets.aws.decide import asked

            sees = partial(asked.programs, names=[name for name, _ in wanted], verb="scale")
            there = aws.opened(found, environment, region=region, profile=profile, sees=sees)
            aws_verbs.scaled(there, wanted)
            return
    places.only_there("scale", region=region, profile=profile)
    for service, replicas in [parse(size) for size in sizes]:
        message = {"verb": "scale", "service": service, "replicas": replicas}
        talk.ask(project.find(folder), message, tell=None)
        wanted = "automatic" if replicas is None else f"{replicas} wanted"
        view.say(f"{service}: {wanted}; see `fairway status`")


def parse(size: str) -> tuple[str, int | None]:
    """`api=3` -> ("api", 3), `api=auto` -> ("api", None)."""
    service, equals, count = size.partition("=")
    if equals and count == "auto":
        return service, None
    if not equals or not count.isdecimal() or not 0 <= int(count) <= 100:
        raise Problems(
            [
                Problem(
                    where=f"fairway scale {size}",
                    what="this is not SERVICE=N with N from 0 to 100, or SERVICE=auto",
                    mend="Write, for example, `fairway scale api=3`.",
                )
            ]
        )
    return service, int(count)
