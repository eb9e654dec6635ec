"""`fairway status`."""

from pathlib import Path

import click

from fairway.cli import local, project, talk, view
from fairway.core.problem import Problem, Problems
from fairway.core.status import JobLine, Status

__all__ = ["command"]


@click.command("status")
@click.argument("job", required=False)
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write it as a picture to a file.")
def command(job: str | None, folder: Path | None, *, as_json: bool, svg: Path | None) -> None:
    """Show what runs: replicas, health, traffic, jobs, what happened last.

    With the name of a JOB: the history of its runs.
    """
    result = talk.ask(project.find(folder), {"verb": "status"}, tell=None)
    if as_json:
        view.data(result)
        return
    from rich.console import Console

    from fairway.cli.render_status import as_svg, history, picture

    status = local.status_from(result)
    if job is not None:
        Console().print(history(job_of(status, job)))
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
