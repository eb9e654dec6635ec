"""What `promote`, `abort`, `pause` and `resume` share: one order to the release in progress."""

from pathlib import Path

import click

from fairway.cli import places, project, talk, view
from fairway.cli.main import VERBS

__all__ = ["steering"]

DONE = {
    "promote": "the hold ends",
    "abort": "the release goes back",
    "pause": "the release holds; `fairway resume` lets it go on",
    "resume": "the release goes on",
}
AT_AWS = {
    "promote": "a release that waits at a pause hook goes on.",
    "abort": "ECS takes the release in progress back, wherever it is.",
    "pause": "says how ECS holds a release, which it does by a hook in the template alone.",
    "resume": "a release that waits at a pause hook goes on.",
}


def steering(verb: str) -> click.Command:
    """The command of one such verb."""

    @click.command(verb, help=f"{VERBS[verb]}\n\nIn an ENVIRONMENT at AWS: {AT_AWS[verb]}")
    @click.argument("environment", default=places.HERE)
    @project.folder_option
    @places.account_options
    def command(
        environment: str, folder: Path | None, *, region: str | None, profile: str | None
    ) -> None:
        found = project.find(folder)
        if environment != places.HERE and places.is_there(found, environment):
            from fairway.cli import aws, aws_verbs

            there = aws.opened(found, environment, region=region, profile=profile)
            aws_verbs.steered(there, verb)
            return
        places.only_there(verb, region=region, profile=profile)
        if environment != places.HERE:
            from fairway.cli import local

            local.specified(found, environment)
        talk.ask(found, {"verb": verb}, tell=None)
        view.say(DONE[verb])

    return command
