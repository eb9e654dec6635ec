"""`fairway rollback [ENVIRONMENT] [REVISION]`."""

from pathlib import Path

import click

from fairway.cli import places, project, talk
from fairway.cli.deploy_verb import report

__all__ = ["command"]


@click.command("rollback")
@click.argument("words", nargs=-1, metavar="[ENVIRONMENT] [REVISION]")
@project.folder_option
@places.account_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    words: tuple[str, ...],
    folder: Path | None,
    *,
    region: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """Go back to REVISION, or to the one before: its code and its configuration.

    In an ENVIRONMENT at AWS: its image and its templates; data and migrations stay.
    """
    found = project.find(folder)
    environment, rest = places.split(found, words)
    if len(rest) > 1:
        raise click.UsageError(f"Too many words: {' '.join(rest)}")
    revision = next(iter(rest), None)
    if environment is not None:
        from fairway.cli import aws_deploy

        aws_deploy.rolled_back(
            found, environment, revision, region=region, profile=profile, as_json=as_json
        )
        return
    places.only_there("rollback", region=region, profile=profile)
    message = {"verb": "rollback", "revision": revision}
    report(talk.ask(found, message, goes_on=talk.RELEASING), as_json=as_json)
