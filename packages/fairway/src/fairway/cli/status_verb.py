"""`fairway status`."""

from pathlib import Path

import click

from fairway.cli import local, project, talk, view

__all__ = ["command"]


@click.command("status")
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write it as a picture to a file.")
def command(folder: Path | None, *, as_json: bool, svg: Path | None) -> None:
    """Show what runs: replicas, health, traffic, jobs, what happened last."""
    result = talk.ask(project.find(folder), {"verb": "status"}, tell=None)
    if as_json:
        view.data(result)
        return
    from rich.console import Console

    from fairway.cli.render_status import as_svg, picture

    status = local.status_from(result)
    if svg is not None:
        svg.write_text(as_svg(status), encoding="utf-8")
        view.say(f"wrote {svg}")
        return
    Console().print(picture(status))
