"""`fairway run JOB`."""

from pathlib import Path

import click

from fairway.cli import project, talk, view
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("run")
@click.argument("job")
@project.folder_option
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
def command(job: str, folder: Path | None, *, detach: bool, as_json: bool) -> None:
    """Run JOB now and wait for its end; exit 1 if it failed."""
    found = project.find(folder)
    result = talk.ask(found, {"verb": "run", "job": job, "wait": not detach})
    if as_json:
        view.data(result)
    if detach:
        view.say(f"{job} runs as soon as it may; see `fairway status`")
        return
    if result.get("exit_code") != 0:
        raise Problems(
            [
                Problem(
                    where=str(result.get("run", job)),
                    what=f"it ended with exit code {result.get('exit_code')}",
                    mend=f"Its output: `fairway logs {job}`.",
                )
            ],
            exit_code=1,
        )
    view.say(f"{result['run']} succeeded in {float(result['seconds']):.1f} s")
