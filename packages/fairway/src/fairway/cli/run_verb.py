"""`fairway run [ENVIRONMENT] JOB`, and workflows by the same word."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from fairway.cli import places, project, talk, view
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("run")
@click.argument("words", nargs=-1, required=True, metavar="[ENVIRONMENT] JOB")
@project.folder_option
@places.account_options
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--from-start", is_flag=True, help="Run a workflow that stopped from its first step.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
def command(
    words: tuple[str, ...],
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
    detach: bool,
    from_start: bool,
    as_json: bool,
) -> None:
    """Run JOB now and wait for its end; exit 1 if it failed.

    JOB may be a workflow: one that stopped goes on with the step that failed.
    """
    found = project.find(folder)
    environment, rest = places.split(found, words)
    if len(rest) != 1:
        raise click.UsageError("Name one job.")
    (job,) = rest
    if environment is not None:
        from fairway.cli import aws, aws_verbs
        from fairway.targets.aws.decide import asked

        sees = partial(asked.job, name=job)
        there = aws.opened(found, environment, region=region, profile=profile, sees=sees)
        aws_verbs.ran(there, job, detach=detach, from_start=from_start, as_json=as_json)
        return
    places.only_there("run", region=region, profile=profile)
    # The last lines of a run that failed come with its event, not with the answer.
    asked = {"verb": "run", "job": job, "wait": not detach, "from_start": from_start}
    goes_on = f"{job} goes on; see `fairway status`"
    result = talk.ask(found, asked, tell=view.event, goes_on=goes_on)
    if as_json:
        view.data(result)
    if detach:
        view.say(f"{job} runs as soon as it may; see `fairway status`")
        return
    if result.get("exit_code") != 0:
        raise Problems([failure(job, result)], exit_code=1)
    view.say(f"{result['run']} succeeded in {float(result['seconds']):.1f} s")


def failure(job: str, result: Mapping[str, object]) -> Problem:
    """A run that failed, and where to look."""
    where = str(result.get("run", job))
    step = result.get("stopped_at")
    if step:
        mend = f"Its output: `fairway logs {step}`. Then `fairway run {job}` goes on with {step}."
        return Problem(where, f"it {result['note']}", mend)
    if step is not None:  # a workflow that no step ended
        return Problem(where, str(result["note"]), f"See `fairway status {job}`.")
    what = f"it ended with exit code {result.get('exit_code')}"
    return Problem(where, what, f"Its output: `fairway logs {job}`.")
