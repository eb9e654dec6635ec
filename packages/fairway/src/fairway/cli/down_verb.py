"""`fairway down [ENVIRONMENT]`."""

import shutil
from pathlib import Path

import click

from fairway.cli import local, places, project, talk, view
from fairway.cli.project import Project
from fairway.engine.client import Absent
from fairway.engine.lock import wait_until_free

__all__ = ["DELETED", "command"]

# What `--delete-data` deletes of `.fairway/`.
DELETED = ("data", "secrets", "journal.jsonl", "logs", "balancer", "run")

END_SECONDS = 10.0  # from everything stopped to the engine's own end


@click.command("down")
@click.argument("environment", required=False)
@project.folder_option
@places.account_options
@click.option("--quick", is_flag=True, help="Do not wait for requests in flight.")
@click.option("--delete-data", is_flag=True, help="Delete databases, caches and buckets too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    environment: str | None,
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
    quick: bool,
    delete_data: bool,
    yes: bool,
) -> None:
    """Stop everything; data stays unless --delete-data says otherwise.

    In an ENVIRONMENT at AWS: its stacks are deleted, but for data and the network that it is in.
    With --delete-data all of it, and what Fairway keeps; last snapshots of databases stay.
    """
    found = project.find(folder)
    if environment is not None and places.is_there(found, environment):
        from fairway.cli import aws_down

        take = aws_down.erased if delete_data else aws_down.taken_down
        take(found, environment, region=region, profile=profile, yes=yes)
        return
    places.only_there("down", region=region, profile=profile)
    if environment is not None:
        local.specified(found, environment)
    lost = local.data_sizes(found) if delete_data else []
    if delete_data and not yes:
        confirm(found, lost)
    try:
        talk.ask(found, {"verb": "down", "quick": quick})
        # Whoever types `fairway up` next must not find an engine that is about to end.
        wait_until_free(found.state / "lock", END_SECONDS)
    except Absent:
        # No engine: what an engine that was killed left running is stopped here.
        local.stop_without_engine(found)
    if delete_data:
        with local.locked(found, purpose="down"):
            delete(found)
        view.say("stopped; data deleted")
        return
    view.say("stopped; data is kept in .fairway, `fairway up` starts again")


def confirm(found: Project, lost: list[tuple[str, str]]) -> None:
    """Name what will be lost, then ask."""
    view.say(f"This deletes for good, in {found.state}:")
    for name, size in lost:
        view.say(f"  {name}  {size}")
    view.confirm("Delete?", to="delete")


def delete(found: Project) -> None:
    """Delete all data and what belongs to it."""
    for name in DELETED:
        path = found.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
