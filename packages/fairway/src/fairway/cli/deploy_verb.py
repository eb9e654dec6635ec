"""`fairway deploy [ENVIRONMENT]`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fairway.cli import local, places, project, talk, view
from fairway.core.problem import Problem, Problems

__all__ = ["command", "report"]


@click.command("deploy")
@click.argument("environment", default=local.ENVIRONMENT)
@project.folder_option
@click.option(
    "--image",
    multiple=True,
    metavar="[NAME=]ADDRESS",
    help="At AWS: the image, by its digest or by a tag that never moves. Once for each of several.",
)
@click.option(
    "--domain",
    metavar="NAME",
    help="At AWS: where people reach the app; said once, then remembered.",
)
@click.option(
    "--zone",
    metavar="ID",
    help="At AWS: the hosted zone that holds the domain; else it is looked up.",
)
@places.layout_options(is_kept=True)
@places.account_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(environment: str, folder: Path | None, *, as_json: bool, **said: Any) -> None:
    """Release what the folder holds now; exit 1 if it was rolled back.

    To ENVIRONMENT at AWS: stacks in their order, migrations once, then the services, until ECS
    says that they are in service.
    """
    found = project.find(folder, assume=True)
    if places.is_there(found, environment):
        from fairway.cli import aws_deploy

        aws_deploy.deployed(found, environment, aws_deploy.Asked(**said), as_json=as_json)
        return
    local.specified(found, environment)
    check(environment)
    places.only_there("deploy", build=said.pop("builds"), **said)
    result = talk.ask(found, {"verb": "deploy"}, goes_on=talk.RELEASING)
    report(result, as_json=as_json)


def check(environment: str) -> None:
    """An environment that is called like a node is nowhere."""
    if environment != local.ENVIRONMENT:
        what = "a node has the name of the environment"
        mend = "Give one of the two another name."
        raise Problems([Problem(f"fairway deploy {environment}", what, mend)])


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
