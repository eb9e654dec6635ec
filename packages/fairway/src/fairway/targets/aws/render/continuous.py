"""The role that a pipeline on GitHub takes, without a password: `ci.json` (R127, R203).

GitHub signs who runs: only this repository's branch that leads to this environment, or its jobs of
the environment's own name (where GitHub asks people first), get the role. It may change the app's
stacks through the role that CloudFormation is given, push images, run migrations and send files;
not its own stack, nor anything of another app. Rendered where `[pipeline]` names a repository;
deployed once by people, never by the pipeline itself. Pure.
"""

from collections.abc import Callable, Iterator

from fairway.core import names
from fairway.core.spec.model import App, Pipeline
from fairway.targets.aws.render.accounts import home
from fairway.targets.aws.render.choices import Choices
from fairway.targets.aws.render.edge import REGION_OF_EDGE, bucket_of_site
from fairway.targets.aws.render.policies import LONGEST_ROLE, policy, statement
from fairway.targets.aws.render.registry import registry_name
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Stack,
    Value,
    get,
    sub,
)

__all__ = [
    "NAME",
    "add_ci_role",
    "continuous",
    "is_by_hand",
    "may_change",
    "may_send_files",
    "subjects",
]

NAME = "ci"
HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
HOUR = 3600
CHANGE = (
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:ExecuteChangeSet",
)
READ = (
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
)
PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


def subjects(pipeline: Pipeline, environment: str) -> tuple[str, ...]:
    """Whom GitHub says is running: branches that lead here, and jobs of this environment."""
    if pipeline.repository is None:
        return ()
    of = f"repo:{pipeline.repository}"
    branches = [branch for branch, name in pipeline.on_push.items() if name == environment]
    found = [f"{of}:ref:refs/heads/{branch}" for branch in branches]
    if environment in pipeline.promote or branches:
        found.append(f"{of}:environment:{environment}")
    return tuple(sorted(found))


def continuous(app: App, choices: Choices) -> Stack | None:
    """Render it; None where no repository deploys to this environment.

    It acts in the account of the services: for sites of another one there is `continuous_away`.
    """
    app = home(app)
    who = subjects(app.pipeline, app.environment) if app.pipeline else ()
    if not who:
        return None
    draft = Draft(
        app=app.name,
        environment=app.environment,
        name=NAME,
        description=f"{app.name} in {app.environment}: the role that its pipeline takes.",
    )
    add_ci_role(draft, who, lambda deployer: _statements(app, draft, choices, deployer))
    return draft.stack()


def is_by_hand(name: str) -> bool:
    """Whether people deploy the stack of this name themselves: a pipeline's own role."""
    return name == NAME or name.startswith(f"{NAME}-")


def add_ci_role(
    draft: Draft, who: tuple[str, ...], allowed: Callable[[Value], Iterator[Value]]
) -> None:
    """Add the role that `who` takes; `allowed` is given the role that CloudFormation takes."""
    deployer = draft.ask(
        "DeployRole",
        "The ARN of the role that CloudFormation takes to change the app's stacks.",
        AllowedPattern=r"arn:[^:]+:iam::\d{12}:role/\S+",
    )
    draft.add(
        "Role",
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": _trust(who),
            "MaxSessionDuration": HOUR,
            "Policies": [policy("only", list(allowed(deployer)))],
        },
    )
    draft.give(f"{draft.name}/role", get("Role"))


def _trust(who: tuple[str, ...]) -> Value:
    provider = sub(f"arn:{PARTITION}:iam::{ACCOUNT}:oidc-provider/{HOST}")
    said: Value = {
        "Action": "sts:AssumeRoleWithWebIdentity",
        # Equal, never like: a pattern would let other branches and forks in.
        "Condition": {"StringEquals": {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": list(who)}},
        "Effect": "Allow",
        "Principal": {"Federated": provider},
    }
    return {"Statement": [said], "Version": "2012-10-17"}


def _statements(app: App, draft: Draft, choices: Choices, deployer: Value) -> Iterator[Value]:
    called = draft.called(limit=100)
    regions = [REGION, REGION_OF_EDGE] if app.sites else [REGION]
    stacks: list[Value] = [
        sub(f"arn:{PARTITION}:cloudformation:{region}:{ACCOUNT}:stack/{called}-*/*")
        for region in regions
    ]
    yield from may_change(stacks, deployer)
    # Another account of the file may be this one of AWS: its role is none of this one's either.
    own = f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:stack/{called}-{NAME}"
    yield statement(CHANGE, [sub(f"{own}/*"), sub(f"{own}-*/*")], effect="Deny")
    path = draft.path("*")
    yield statement(
        ("ssm:GetParameter",), [_arn("ssm", region, f"parameter{path}") for region in regions]
    )
    yield statement(("ecr:GetAuthorizationToken",), "*")
    # By its name: the role stands before the stack of the registry does.
    yield statement(PUSH, _arn("ecr", REGION, f"repository/{registry_name(draft)}"))
    yield from _migrations(app, draft, called)
    yield statement(
        ("logs:FilterLogEvents", "logs:GetLogEvents"), _arn("logs", REGION, f"log-group:{path}")
    )
    yield statement(
        ("ecs:DescribeServices", "ecs:DescribeTasks"),
        [_arn("ecs", REGION, f"{kind}/{called}/*") for kind in ("service", "task")],
    )
    if choices.builds == "remote":
        project = names.cloud_name(app.name, app.environment, "build", limit=150)
        yield statement(
            ("codebuild:BatchGetBuilds", "codebuild:StartBuild"),
            _arn("codebuild", REGION, f"project/{project}"),
        )
        sources = names.bucket_start(f"{called}-build", "Sources")
        yield statement(("s3:PutObject",), _bucket(f"{sources}-*/*"))
    if app.sites:
        yield from may_send_files(app, f"{called}-edge")


def may_change(stacks: list[Value], deployer: Value) -> Iterator[Value]:
    """Look at these stacks, and change them through CloudFormation's own role."""
    as_deployer = {"StringEquals": {"cloudformation:RoleArn": deployer}}
    to_cloudformation = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    yield statement(CHANGE, stacks, when=as_deployer)
    yield statement(READ, stacks)
    yield statement(("iam:PassRole",), deployer, when=to_cloudformation)


def _migrations(app: App, draft: Draft, called: str) -> Iterator[Value]:
    """Start the tasks that run once before, and hand them their own roles."""
    if not any(program.before for program in app.programs.values()):
        return
    cluster = {"ArnEquals": {"ecs:cluster": _arn("ecs", REGION, f"cluster/{called}")}}
    tasks = [
        _arn("ecs", REGION, f"task-definition/{draft.called(f'{program.name}-before')}:*")
        for program in app.programs.values()
        if program.before
    ]
    yield statement(("ecs:RunTask",), tasks, when=cluster)
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    yield statement(("iam:PassRole",), _roles(app, draft, f"{called}-before"), when=to_tasks)


def _roles(app: App, draft: Draft, stack: str) -> Value:
    """The roles of tasks that run once before: by their stack's name, or by a path."""
    iam = f"arn:{PARTITION}:iam::{ACCOUNT}:role"
    ids = [names.logical_id(each.name) for each in app.programs.values() if each.before]
    by_name = sub(f"{iam}/{stack}-*")
    if all(names.keeps_its_name(stack, f"{id_}StartRole", limit=LONGEST_ROLE) for id_ in ids):
        return by_name
    return [by_name, sub(f"{iam}{draft.path('before', '*')}")]


def may_send_files(app: App, edge: str) -> Iterator[Value]:
    """Send files, and have the CDN ask anew; `edge` is the stack of the sites.

    The bucket of the CDN's logs is none of a site's.
    """
    starts = _buckets_of_sites(app, edge)
    yield statement(("s3:ListBucket",), _each([_bucket(f"{each}*") for each in starts]))
    objects = [_bucket(f"{each}*/*") for each in starts]
    yield statement(("s3:DeleteObject", "s3:PutObject"), _each(objects))
    of = {f"aws:ResourceTag/fairway:{key}": value for key, value in _tags(app)}
    distributions = sub(f"arn:{PARTITION}:cloudfront::{ACCOUNT}:distribution/*")
    yield statement(("cloudfront:CreateInvalidation",), distributions, when={"StringEquals": of})


def _buckets_of_sites(app: App, stack: str) -> list[str]:
    """How their names start: alike, but for those that are too long for that."""
    found: set[str] = set()
    for name in app.sites:
        id_ = bucket_of_site(name)
        is_whole = names.keeps_its_name(stack, id_, limit=names.LONGEST_BUCKET)
        found.add(f"{stack}-site" if is_whole else f"{names.bucket_start(stack, id_)}-")
    return sorted(found)


def _each(found: list[Value]) -> Value:
    """One, or a list of several."""
    return found[0] if len(found) == 1 else found


def _tags(app: App) -> Iterator[tuple[str, str]]:
    yield "app", app.name
    yield "environment", app.environment


def _arn(service: str, region: str, rest: str) -> Value:
    return sub(f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{rest}")


def _bucket(rest: str) -> Value:
    return sub(f"arn:{PARTITION}:s3:::{rest}")
