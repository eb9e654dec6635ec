"""`fairway deploy`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fairway.cli import local, project, talk, view
from fairway.core.problem import Problem, Problems

__all__ = ["command", "report"]


@click.command("deploy")
@click.argument("environment", default=local.ENVIRONMENT)
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(environment: str, folder: Path | None, *, as_json: bool) -> None:
    """Release what the folder holds now; exit 1 if it was rolled back."""
    found = project.find(folder, assume=True)
    local.specified(found, environment)
    check(environment)
    result = talk.ask(found, {"verb": "deploy"})
    report(result, as_json=as_json)


def check(environment: str) -> None:
    """Only the local target can be deployed to so far."""
    if environment != local.ENVIRONMENT:
        raise Problems(
            [
                Problem(
                    where=f"fairway deploy {environment}",
                    what="only the local environment can be deployed to in this version",
                    mend=f"`fairway up -e {environment}` runs its settings on this machine.",
                )
            ]
        )


def report(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Say how it ended; raises where the app is not on the wanted revision."""
    if as_json:
        view.data(result)
    outcome, revision = result["outcome"], result["revision"]
    if outcome == "unchanged":
        view.say(f"nothing to do: revision {revision} is in service")
        return
    if outcome == "promoted":
        view.say(f"revision {revision} is in service")
        return
    raise Problems(
        [
            Problem(
                where=f"revision {result['tried']}",
                what=f"{outcome.replace('_', ' ')}: {result['reason']}",
                mend=f"Revision {result['before']} serves as before. Mend the app, then deploy "
                "again.",
            )
        ],
        exit_code=1,
    )
