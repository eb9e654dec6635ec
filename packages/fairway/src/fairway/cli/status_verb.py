"""`fairway status`."""

from pathlib import Path

import click

from fairway.cli import local, project, talk, view

__all__ = ["command"]


@click.command("status")
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(folder: Path | None, *, as_json: bool) -> None:
    """Show what runs: replicas, health, traffic, jobs, what happened last."""
    result = talk.ask(project.find(folder), {"verb": "status"}, tell=None)
    if as_json:
        view.data(result)
        return
    from rich.console import Console

    from fairway.cli.render_status import picture

    Console().print(picture(local.status_from(result)))
