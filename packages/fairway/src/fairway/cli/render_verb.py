"""`fairway render ENVIRONMENT --out FOLDER`."""

import os
from pathlib import Path

import click

from fairway import __version__
from fairway.cli import places, project, rendered_files, view
from fairway.cli.build_sources import read_build_sources
from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.problem import Problems
from fairway.core.spec.parse import parse
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import (
    Builds,
    Egress,
    Processor,
    Traces,
    choices_for,
    stacks,
)
from fairway.targets.aws.render.commands import by_hand, commands
from fairway.targets.aws.render.continuous import continuous
from fairway.targets.aws.render.continuous_away import continuous_away
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.render.template import text
from fairway.targets.aws.render.wiring import PORT

__all__ = ["command"]


@click.command("render")
@click.argument("environment")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to; it is made where it is not there.",
)
@places.layout_options()
@click.option(
    "--base",
    default=None,
    metavar="IMAGE",
    help="What images stand on, best by its digest; else python:VERSION-slim.",
)
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(  # noqa: PLR0913, PLR0917 - one argument an option
    environment: str,
    out: Path,
    egress: Egress | None,
    processor: Processor | None,
    base: str | None,
    builds: Builds | None,
    traces: Traces | None,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write ENVIRONMENT as plain files: CloudFormation, and what makes its images.

    The AWS CLI deploys them without Fairway, by the lines that are printed.

    Nothing is sent anywhere. Files that Fairway did not write are never replaced.
    """
    found = project.find(folder)
    app = parse(found.text).app(environment)
    sources = read_build_sources(found.folder, app)
    held = images(app, sources, PORT)
    choices = choices_for(
        app,
        egress=egress,
        processor=processor,
        builds=builds or "here",
        traces=traces or "none",
        images=held,
    )
    problems = limits(app, choices)
    if problems:
        raise Problems(problems)
    rendered = stacks(app, choices)
    left_out = [str(gap) for gap in gaps(app)]
    left_out += [str(problem) for image in held for problem in image.problems]
    role = continuous(app, choices)
    roles = [*([role] if role else []), *continuous_away(app)]
    files = {stack.path: text(stack) for stack in (*rendered, *roles)}
    files |= build_files(
        app.name, held, sources, version=__version__, runtime_version=__version__, base=base
    )
    written = rendered_files.write(out, files)
    here = os.path.relpath(found.folder)
    lines = commands(app, rendered, str(out), held, choices, project=here)
    once = [by_hand(each, str(out)) for each in roles]
    if as_json:
        view.data({"files": written, "commands": lines, "once": once, "gaps": left_out})
        return
    view.notes("gap", left_out)
    for path in written:
        view.say(f"wrote {out / path}")
    for line in once:
        view.say(f"once, by somebody who may make roles: {line}")
    for line in lines:
        view.text(line)
