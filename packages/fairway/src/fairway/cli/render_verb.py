"""`fairway render ENVIRONMENT --out FOLDER`."""

from pathlib import Path

import click

from fairway.cli import project, rendered_files, view
from fairway.core.problem import Problems
from fairway.core.spec.parse import parse
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import Egress, Processor, choices_for, stacks
from fairway.targets.aws.render.commands import commands
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.render.template import text

__all__ = ["command"]


@click.command("render")
@click.argument("environment")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to; it is made where it is not there.",
)
@click.option(
    "--egress",
    type=click.Choice(("nat-per-zone", "one-nat", "endpoints")),
    default=None,
    help="How services reach the outside; else nat-per-zone in production, one-nat elsewhere.",
)
@click.option(
    "--processor",
    type=click.Choice(("X86_64", "ARM64")),
    default=None,
    help="What the image is built for; else X86_64.",
)
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    environment: str,
    out: Path,
    egress: Egress | None,
    processor: Processor | None,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write ENVIRONMENT as CloudFormation that the AWS CLI deploys without Fairway.

    Nothing is sent anywhere. Files that Fairway did not write are never replaced.
    """
    app = parse(project.find(folder).text).app(environment)
    choices = choices_for(app, egress=egress, processor=processor)
    problems = limits(app, choices)
    if problems:
        raise Problems(problems)
    found = stacks(app, choices)
    left_out = [str(gap) for gap in gaps(app)]
    written = rendered_files.write(out, {stack.path: text(stack) for stack in found})
    lines = commands(app, found, str(out))
    if as_json:
        view.data({"files": written, "commands": lines, "gaps": left_out})
        return
    view.notes("gap", left_out)
    for path in written:
        view.say(f"wrote {out / path}")
    for line in lines:
        view.text(line)
