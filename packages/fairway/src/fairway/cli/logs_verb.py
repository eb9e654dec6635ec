"""`fairway logs [NODE...]`."""

from functools import partial
from pathlib import Path

import click

from fairway.cli import logs, places, project
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("logs")
@click.argument("nodes", nargs=-1, metavar="[ENVIRONMENT] [NODES]...")
@project.folder_option
@places.account_options
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="How many to begin with.",
)
def command(
    nodes: tuple[str, ...],
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
    follow: bool,
    lines: int,
) -> None:
    """Show what replicas, jobs and nodes print, merged by time; only NODES, if named.

    With an ENVIRONMENT: what they print at AWS, of the last hour.
    """
    found = project.find(folder)
    environment, rest = places.split(found, nodes)
    if environment is not None:
        from fairway.cli import aws, aws_verbs
        from fairway.targets.aws.decide import asked

        sees = partial(asked.nodes, names=rest)
        there = aws.opened(found, environment, region=region, profile=profile, sees=sees)
        aws_verbs.printed(there, rest, lines=lines, follow=follow)
        return
    places.only_there("logs", region=region, profile=profile)
    sources = logs.sources(found.state / "logs", nodes)
    if nodes and not sources:
        known = ", ".join(logs.nodes(found.state / "logs")) or "none yet"
        raise Problems(
            [
                Problem(
                    where=f"fairway logs {' '.join(nodes)}",
                    what="nothing of that name has printed anything",
                    mend=f"There are lines of: {known}.",
                )
            ]
        )
    logs.show(found.state / "logs", nodes, lines=lines, follow=follow)
