"""`fairway init`."""

from pathlib import Path

import click

from fairway.cli import detection, init_copilot, project, view
from fairway.cli.git_ignore import keep_env_out
from fairway.core.copilot.importing import Imported
from fairway.core.problem import Problem, Problems

__all__ = ["command"]


@click.command("init")
@click.argument("where", required=False, type=click.Path(path_type=Path, file_okay=False))
@project.folder_option
@click.option("--print", "only_print", is_flag=True, help="Print the file; write nothing.")
@click.option("--force", is_flag=True, help="Replace a fairway.toml that is there.")
@click.option(
    "--from-copilot",
    is_flag=True,
    help="Take over AWS Copilot's manifests; what has no like is listed, never dropped.",
)
def command(
    where: Path | None, folder: Path | None, *, only_print: bool, force: bool, from_copilot: bool
) -> None:
    """Read the project in WHERE, or here, and write its fairway.toml.

    The code is read, never imported or run. What was found, and where, is said.
    """
    here = (where or folder or Path.cwd()).resolve()
    if not here.is_dir():
        raise Problems([Problem(str(here), "there is no such folder", "Check the path.")])
    target = here / project.FILE
    if target.exists() and not force and not only_print:
        raise Problems(
            [
                Problem(
                    where=str(target),
                    what="it is there already",
                    mend="See what would be written with --print, replace it with --force.",
                )
            ]
        )
    found: detection.Detected | Imported
    if from_copilot:
        found = init_copilot.read_workspace(here)
        init_copilot.tell(found)
    else:
        found = detection.read(here)
        view.say(found.explanation.rstrip("\n"))
        if (here / "copilot" / ".workspace").is_file():
            view.say("Copilot was here: `fairway init --from-copilot` takes its manifests over.")
    if only_print:
        view.text(found.text.rstrip("\n"))
        return
    temporary = target.with_suffix(".toml.tmp")
    temporary.write_text(found.text, encoding="utf-8")
    temporary.replace(target)
    if said := keep_env_out(here):
        view.say(said)
    then = "run it with `fairway up`" if found.runs else "say in it how the app runs"
    if isinstance(found, detection.Detected) and found.runs and not found.is_told:
        then = "mend what could not be told, then run it with `fairway up`"
    view.say(f"wrote {target}; {then}")
