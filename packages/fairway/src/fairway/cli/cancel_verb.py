"""`fairway cancel [ENVIRONMENT]`."""

from pathlib import Path

import click

from fairway.cli import local, places, project, talk, view
from fairway.cli.steering import DONE

__all__ = ["command"]


@click.command("cancel")
@click.argument("environment", default=local.ENVIRONMENT)
@project.folder_option
@places.account_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    environment: str,
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
    yes: bool,
) -> None:
    """Take back what is in progress; on this machine the same as `abort`.

    In an ENVIRONMENT at AWS: releases and updates go back, and the lock of whoever began is taken
    away. What is created for the first time can only go on to its end.
    """
    found = project.find(folder)
    if places.is_there(found, environment):
        from fairway.cli import aws, aws_verbs

        there = aws.opened(found, environment, region=region, profile=profile)
        aws_verbs.cancelled(there, yes=yes)
        return
    places.only_there("cancel", region=region, profile=profile)
    local.specified(found, environment)
    talk.ask(found, {"verb": "abort"}, tell=None)
    view.say(DONE["abort"])
