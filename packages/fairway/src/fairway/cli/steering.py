"""What `promote`, `abort`, `pause` and `resume` share: one order to the release in progress."""

from pathlib import Path

import click

from fairway.cli import project, talk, view
from fairway.cli.main import VERBS

__all__ = ["steering"]

DONE = {
    "promote": "the hold ends",
    "abort": "the release goes back",
    "pause": "the release holds; `fairway resume` lets it go on",
    "resume": "the release goes on",
}


def steering(verb: str) -> click.Command:
    """The command of one such verb."""

    @click.command(verb, help=VERBS[verb])
    @project.folder_option
    def command(folder: Path | None) -> None:
        talk.ask(project.find(folder), {"verb": verb}, tell=None)
        view.say(DONE[verb])

    return command
