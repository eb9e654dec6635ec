"""`fairway status`."""

from pathlib import Path

import click

from fairway.cli import local, places, project, talk, view
from fairway.core.problem import Problem, Problems
from fairway.core.status import JobLine, Status

__all__ = ["command"]


@click.command("status")
@click.argument("name", required=False, metavar="[JOB|ENVIRONMENT]")
@project.folder_option
@places.account_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write it as a picture to a file.")
def command(
    name: str | None,
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
    as_json: bool,
    svg: Path | None,
) -> None:
    """Show what runs: replicas, health, traffic, jobs, what happened last.

    With the name of a JOB: the history of its runs. With an ENVIRONMENT: what runs at AWS.
    """
    found = project.find(folder)
    if name is not None and places.is_there(found, name):
        from fairway.cli import aws_status

        aws_status.show(found, name, region=region, profile=profile, as_json=as_json)
        return
    places.only_there("status", region=region, profile=profile)
    result = talk.ask(found, {"verb": "status"}, tell=None)
    if as_json:
        view.data(result)
        return
    from rich.console import Console

    from fairway.cli.render_status import as_svg, history, picture

    status = local.status_from(result)
    if name is not None:
        Console().print(history(job_of(status, name)))
        return
    if svg is not None:
        svg.write_text(as_svg(status), encoding="utf-8")
        view.say(f"wrote {svg}")
        return
    Console().print(picture(status))


def job_of(status: Status, name: str) -> JobLine:
    """The job of that name."""
    for line in status.jobs:
        if line.name == name:
            return line
    known = ", ".join(line.name for line in status.jobs) or "none"
    raise Problems([Problem("fairway.toml", f"there is no job `{name}`", f"There are: {known}.")])
