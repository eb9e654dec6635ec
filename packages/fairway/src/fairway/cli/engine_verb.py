"""`fairway engine`: what `fairway up --detach` leaves running. Not for people."""

import asyncio
from functools import partial
from pathlib import Path

import click

from fairway.cli import local, project, view

__all__ = ["command"]


@click.command("engine", hidden=True)
@project.folder_option
@project.environment_option
def command(folder: Path | None, environment: str) -> None:
    """Run the engine without a view."""
    found = project.find(folder, assume=True)
    told = partial(view.event, dated=True)  # its stderr is a log file
    asyncio.run(local.run_engine(found, environment, began=lambda _: None, told=told))
