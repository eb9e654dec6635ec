"""`fairway plan [ENVIRONMENT]`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairway.cli import places, project
from fairway.cli.places import HERE
from fairway.core.problem import Problem, Problems

if TYPE_CHECKING:
    from fairway.targets.aws.render import Builds, Egress, Processor, Traces

__all__ = ["command"]

REGION = "us-east-1"


@click.command("plan")
@click.argument("environment", default=HERE)
@project.folder_option
@click.option(
    "--target",
    type=click.Choice(["local", "aws"]),
    metavar="PLACE",
    help="`local` or `aws`; else this machine for `local`, and AWS for every other environment.",
)
@click.option("--region", metavar="NAME", help=f"At AWS: the region; else {REGION}.")
@places.layout_options()
@click.option(
    "--requests-per-month",
    metavar="NUMBER",
    help="At AWS: the traffic that is priced; short for `--assume requests_per_month=NUMBER`.",
)
@click.option(
    "--assume",
    multiple=True,
    metavar="NAME=NUMBER",
    help="At AWS: another number that is priced; the plan names them all. May be given again.",
)
@click.option(
    "--online/--offline",
    "is_online",
    default=None,
    help="At AWS: hold it against what runs there, or not; else where there are credentials.",
)
@click.option(
    "--profile",
    metavar="NAME",
    help="At AWS: the profile of your credentials; else AWS_PROFILE, or the default.",
)
@click.option(
    "--image",
    metavar="ADDRESS",
    help="At AWS: the image that would be deployed; else the one that is.",
)
@click.option(
    "--drift",
    is_flag=True,
    help="At AWS: look for what was changed by hand, too; takes up to some minutes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(  # noqa: PLR0913 - one a flag
    environment: str,
    folder: Path | None,
    *,
    target: str | None,
    region: str | None,
    egress: "Egress | None",
    processor: "Processor | None",
    builds: "Builds | None",
    traces: "Traces | None",
    requests_per_month: str | None,
    assume: tuple[str, ...],
    is_online: bool | None,
    profile: str | None,
    image: str | None,
    drift: bool,
    as_json: bool,
) -> int:
    """Say what `fairway up` or `deploy` would change: exit 0 nothing, 2 changes, 1 error.

    A file or an option that can't be read is an error too: 2 always means changes.

    For a cloud: what would change there and what it costs a month, line by line. Without a login
    nothing is asked of it: the plan is against an empty account.
    """
    traffic = () if requests_per_month is None else (f"requests_per_month={requests_per_month}",)
    numbers = (*assume, *traffic)
    try:
        found = project.find(folder, assume=True)
        if (target or (HERE if environment == HERE else "aws")) == HERE:
            from fairway.cli import plan_here

            said = {
                "region": region,
                "egress": egress,
                "processor": processor,
                "build": builds,
                "traces": traces,
                "assume": numbers,
                "online": is_online,
                "profile": profile,
                "image": image,
                "drift": drift,
            }
            if useless := [f"--{name}" for name, value in said.items() if value]:
                raise Problems([only_for_aws(name, environment) for name in useless])
            return plan_here.show(found, environment, as_json=as_json)
        from fairway.cli import plan_aws

        asked = plan_aws.Asked(
            region=region or REGION,
            egress=egress,
            processor=processor,
            builds=builds,
            traces=traces,
            assume=numbers,
        )
        online = plan_aws.Online(
            folder=found.folder,
            is_asked=True if drift or image else is_online,
            region=region,
            profile=profile,
            image=image,
            with_drift=drift,
        )
        return plan_aws.show(found, environment, asked, online, as_json=as_json)
    except Problems as problems:
        raise Problems(problems.problems, exit_code=1) from problems


def only_for_aws(option: str, environment: str) -> Problem:
    """An option that says nothing here."""
    mend = f"Leave it out, or ask for AWS: fairway plan {environment} --target aws {option} …"
    return Problem(option, "it is for AWS, and this plan is for this machine", mend)
