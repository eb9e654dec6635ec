"""`fairway rollback [REVISION]`."""

from pathlib import Path

import click

from fairway.cli import project, talk
from fairway.cli.deploy_verb import report

__all__ = ["command"]


@click.command("rollback")
@click.argument("revision", required=False)
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(revision: str | None, folder: Path | None, *, as_json: bool) -> None:
    """Go back to REVISION, or to the one before: its code and its configuration."""
    found = project.find(folder)
    report(talk.ask(found, {"verb": "rollback", "revision": revision}), as_json=as_json)
