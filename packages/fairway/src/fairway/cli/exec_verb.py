"""`fairway exec NODE -- COMMAND...`."""

import os
import subprocess
from pathlib import Path

import click

from fairway.cli import local, project
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("node")
@click.argument(
    "arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND..."
)
@project.folder_option
def command(node: str, arguments: tuple[str, ...], folder: Path | None) -> int:
    """Run a command where a service or job runs: its revision, its environment, its variables.

    For example `fairway exec api -- python -m weather.statistics`, or `fairway exec api -- bash`.
    """
    found = project.find(folder)
    place = local.place_of(found, local.ENVIRONMENT, node, arguments)
    os.chdir(place.directory)
    try:
        return subprocess.call(place.argv, env=dict(place.environment))
    except OSError as error:
        what = f"`{arguments[0]}` can't be run: {error.strerror}"
        mend = "Programs are looked for in the app's environment, then in PATH."
        raise Problems([Problem(f"fairway exec {node}", what, mend)]) from error
