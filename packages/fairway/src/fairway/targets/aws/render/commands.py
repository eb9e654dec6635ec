"""The lines that deploy rendered templates with the AWS CLI, in their order. Pure."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence

from fairway.core import names, pages
from fairway.core.build.images import Image
from fairway.core.spec.model import App, Site
from fairway.targets.aws.render import Choices, Stack, choices_for
from fairway.targets.aws.render.accounts import SERVICES_DOMAIN, account_of_home, away, home
from fairway.targets.aws.render.build_commands import build_commands
from fairway.targets.aws.render.continuous import is_by_hand
from fairway.targets.aws.render.hosts import address
from fairway.targets.aws.render.template import text

__all__ = ["by_hand", "commands"]

# Larger templates go through a bucket of yours.
LARGEST_DIRECT_BYTES = 51_200
SEEN = "--exclude index.html --exclude '.*' --exclude '*/.*' --include '.well-known/*'"
QUERY = " --query Parameter.Value --output text)"


def by_hand(stack: Stack, folder: str) -> str:
    """The line of a stack that people deploy themselves: a pipeline's own role."""
    return _deploy(stack, folder, {})


def commands(
    app: App,
    stacks: Sequence[Stack],
    folder: str,
    images: Sequence[Image] = (),
    choices: Choices | None = None,
    *,
    project: str = ".",
) -> list[str]:
    """One line a stack; between them, what is built, and what runs once.

    `$NAME`s are the user's own values.
    """
    chosen = choices or choices_for(app)
    builder = "build" if chosen.builds == "remote" else "data"
    domains = {
        names.logical_id(account, "domain"): f"{names.variable_stem(account)}_DOMAIN"
        for account in away(app)
    }
    lines = list(_of_their_account(app))
    for stack in stacks:
        lines.append(_deploy(stack, folder, domains))
        if stack.name == builder:
            lines += build_commands(app, images, chosen, folder, project)
        if stack.name == "before":
            lines += [line for name in _before(app) for line in _once(app, name)]
        if stack.region is not None:
            there = home(app) if stack.account is None else away(app)[stack.account]
            lines += [line for name in there.sites for line in _files(app, app.sites[name], stack)]
    return lines


def _of_their_account(app: App) -> Iterator[str]:
    """Lines that stop where one is signed in to another account than the file says."""
    own = account_of_home(app)
    if own is not None and own in app.accounts:
        yield _is_signed_in("", app.accounts[own], "you are not signed in to")
    for account in away(app):
        who = f"{names.variable_stem(account)}_PROFILE is not of"
        yield _is_signed_in(_profile(account), app.accounts[account], who)


def _is_signed_in(profile: str, number: str, who: str) -> str:
    asked = f"aws sts get-caller-identity{profile} --query Account --output text"
    return f"test \"$({asked})\" = {number} || {{ echo '{who} account {number}' >&2; exit 1; }}"


def _profile(account: str | None) -> str:
    """How a line says whose it is: the profile of another account than home."""
    return "" if account is None else f' --profile "${names.variable_stem(account)}_PROFILE"'


def _deploy(stack: Stack, folder: str, domains: Mapping[str, str]) -> str:
    """The line of a stack; `domains` are parameters that are a domain of another account."""
    own = "" if stack.account is None else f"{names.variable_stem(stack.account)}_"
    words = [
        "aws cloudformation deploy",
        f"--stack-name {stack.stack_name}",
        f"--template-file {shlex.quote(f'{folder}/{stack.path}')}",
        "--no-fail-on-empty-changeset",
    ]
    if any(resource.type == "AWS::IAM::Role" for resource in stack.resources.values()):
        words.append("--capabilities CAPABILITY_IAM")
    if stack.region is not None:
        words.append(f"--region {stack.region}")
    if not is_by_hand(stack.name):
        words.append(f'${{{own}DEPLOY_ROLE:+--role-arn "${own}DEPLOY_ROLE"}}')
    asked = [name for name, said in stack.parameters.items() if "Default" not in said]
    if asked:
        said = {SERVICES_DOMAIN: "DOMAIN", **domains}
        values = " ".join(f'{name}="${said.get(name, own + _shouted(name))}"' for name in asked)
        words.append(f"--parameter-overrides {values}")
    if len(text(stack).encode()) > LARGEST_DIRECT_BYTES:
        words.append(f'--s3-bucket "${own}TEMPLATES_BUCKET"')
    return " ".join(words) + _profile(stack.account)


def _shouted(name: str) -> str:
    """`HostedZoneId` -> `HOSTED_ZONE_ID`."""
    return "".join(f"_{each}" if each.isupper() else each.upper() for each in name).lstrip("_")


def _before(app: App) -> list[str]:
    return [service.name for service in app.programs.values() if service.before is not None]


def _once(app: App, name: str) -> list[str]:
    """Run a migration and wait for it; the last line fails where it failed."""

    def value(key: str) -> str:
        path = names.cloud_path(app.name, app.environment, key)
        return f"$(aws ssm get-parameter --name {path}" + QUERY

    cluster = names.cloud_name(app.name, app.environment, limit=255)
    network = (
        f"awsvpcConfiguration={{subnets=[{value('services/subnets')}],"
        f"securityGroups=[{value(f'before/{name}/group')}],assignPublicIp=DISABLED}}"
    )
    start = (
        f"aws ecs run-task --cluster {cluster} --launch-type FARGATE"
        f' --task-definition "{value(f"before/{name}/task")}"'
        f' --network-configuration "{network}"'
        " --query 'tasks[0].taskArn' --output text"
    )
    ended = (
        f'aws ecs describe-tasks --cluster {cluster} --tasks "$TASK"'
        " --query 'tasks[0].containers[0].exitCode' --output text"
    )
    return [
        f"TASK=$({start})",
        f'aws ecs wait tasks-stopped --cluster {cluster} --tasks "$TASK"',
        f'test "$({ended})" = 0',
    ]


def _files(app: App, site: Site, stack: Stack) -> list[str]:
    """Send a site's files, the page itself last, and have the CDN ask anew for the page."""
    profile = _profile(stack.account)
    region = f"--region {stack.region}{profile}"

    def value(key: str) -> str:
        path = names.cloud_path(app.name, app.environment, "site", site.name, key)
        return f"$(aws ssm get-parameter {region} --name {path}" + QUERY

    root = shlex.quote(site.root)
    page = shlex.quote(f"{site.root}/index.html")
    addresses = {name: address(home(app), name, "$DOMAIN") for name in site.calls}
    told = json.dumps(pages.told(site, addresses))  # quoted for a shell too, which fills in $DOMAIN
    own = shlex.quote(f"{site.root}/{pages.TOLD}")
    bucket = f"s3://{value('bucket')}/"
    tell = (
        f"test -e {own} || printf %s {told} | aws s3 cp {region} -"
        f' "{bucket}{pages.TOLD}"'
        " --content-type application/json --cache-control no-cache"
    )
    anew = (
        f'aws cloudfront create-invalidation{profile} --distribution-id "{value("distribution")}"'
        " --paths /index.html"
    )
    return [
        *([] if site.build is None else [site.build]),
        f'aws s3 sync {region} {root} "{bucket}" {SEEN}',
        tell,
        f'aws s3 cp {region} {page} "{bucket}" --cache-control no-cache',
        anew,
    ]
