"""`fairway exec [ENVIRONMENT] NODE -- COMMAND...`."""

import os
import subprocess
from functools import partial
from pathlib import Path

import click

from fairway.cli import local, places, project
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("node", metavar="[ENVIRONMENT] NODE")
@click.argument(
    "arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND..."
)
@project.folder_option
@places.account_options
def command(
    node: str,
    arguments: tuple[str, ...],
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
) -> int:
    """Run a command where a service, worker or job runs: its revision, its Python, its variables.

    For example `fairway exec api -- python -m weather.statistics`, or `fairway exec api -- bash`.
    In an ENVIRONMENT at AWS it runs in a task of its own, without a keyboard.
    """
    found = project.find(folder)
    if places.is_there(found, node):
        from fairway.cli import aws, aws_verbs
        from fairway.targets.aws.decide import asked

        if len(arguments) < 2:
            raise click.UsageError(f"Name a service: fairway exec {node} api -- COMMAND")
        sees = partial(asked.programs, names=arguments[:1], verb="exec")
        there = aws.opened(found, node, region=region, profile=profile, sees=sees)
        return aws_verbs.executed(there, arguments[0], arguments[1:])
    places.only_there("exec", region=region, profile=profile)
    place = local.place_of(found, local.ENVIRONMENT, node, arguments)
    os.chdir(place.directory)
    try:
        return subprocess.call(place.argv, env=dict(place.environment))
    except OSError as error:
        what = f"`{arguments[0]}` can't be run: {error.strerror}"
        mend = "Programs are looked for in the app's environment, then in PATH."
        raise Problems([Problem(f"fairway exec {node}", what, mend)]) from error
