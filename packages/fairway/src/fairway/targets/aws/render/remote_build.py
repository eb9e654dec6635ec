"""The stack of a build on AWS, for machines without Docker: CodeBuild, from sources that are sent.

A project that reads one archive, builds the Dockerfile that is in it, and pushes the image by the
tag that it is given. It may write nothing but its log and this app's images. Pure.
"""

from fairway.targets.aws.render.buckets import add_bucket_policy, closed, named, tls_only
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.policies import add_role, statement
from fairway.targets.aws.render.template import Stack, Value, get, ref, sub

__all__ = ["BUILDSPEC", "remote_build"]

KEEP_DAYS = 7
LONGEST_MINUTES = 30
# What AWS keeps up to date under these names (CodeBuild user guide, 2026-11).
BUILDERS = {
    "ARM64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
    "X86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
}
# Whoever starts a build gives TAG and DOCKERFILE, and LATEST where a tag may move.
BUILDSPEC = """\
version: 0.2
phases:
  pre_build:
    commands:
      - aws ecr get-login-password > /tmp/password
      - docker login --username AWS --password-stdin "${REGISTRY%%/*}" < /tmp/password
  build:
    commands:
      - docker build --file "$DOCKERFILE" --build-arg REVISION="$TAG" --tag "$REGISTRY:$TAG" .
      - docker push --quiet "$REGISTRY:$TAG"
      - test -z "${LATEST:-}" || docker tag "$REGISTRY:$TAG" "$REGISTRY:$LATEST"
      - test -z "${LATEST:-}" || docker push --quiet "$REGISTRY:$LATEST"
"""
PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


def remote_build(ground: Ground) -> Stack:
    """Render it."""
    draft = ground.draft
    _add_sources(ground)
    log = draft.path("build")
    add_log_group(draft, "Logs", log, ground.key, ground.choices.log_days)
    kind, builder = BUILDERS[ground.choices.processor]
    variables = {
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # Lambda takes an image alone
        "DOCKERFILE": "Dockerfile",
        "DOCKER_BUILDKIT": "1",
        "REGISTRY": draft.take("registry"),
    }
    draft.add(
        "Project",
        "AWS::CodeBuild::Project",
        {
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Cache": {"Modes": ["LOCAL_DOCKER_LAYER_CACHE"], "Type": "LOCAL"},
            "EncryptionKey": ground.key,
            "Environment": {
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "EnvironmentVariables": [
                    {"Name": name, "Type": "PLAINTEXT", "Value": value}
                    for name, value in sorted(variables.items())
                ],
                "Image": builder,
                "PrivilegedMode": True,  # an engine of its own, which builds the image
                "Type": kind,
            },
            "LogsConfig": {"CloudWatchLogs": {"GroupName": ref("Logs"), "Status": "ENABLED"}},
            "Name": draft.called("build", limit=150),
            "ServiceRole": _role(ground),
            "Source": {
                "BuildSpec": BUILDSPEC,
                "Location": sub("${Sources}/none.zip"),
                "Type": "S3",
            },
            "TimeoutInMinutes": LONGEST_MINUTES,
        },
    )
    draft.give("build/sources", ref("Sources"))
    return draft.stack()


def _role(ground: Ground) -> Value:
    return add_role(
        ground.draft,
        "Role",
        "codebuild.amazonaws.com",
        [
            statement(("ecr:GetAuthorizationToken",), "*"),
            statement(PUSH, ground.draft.take("registry/arn")),
            statement(("kms:Decrypt", "kms:GenerateDataKey"), ground.key),
            statement(("logs:CreateLogStream", "logs:PutLogEvents"), get("Logs")),
            statement(("s3:GetObject", "s3:GetObjectVersion"), sub("${Sources.Arn}/*")),
        ],
    )


def _add_sources(ground: Ground) -> None:
    """The bucket that sources are sent to; they are gone after a week."""
    draft = ground.draft
    rule: Value = {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "ExpirationInDays": KEEP_DAYS,
        "Id": "a-week",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "Status": "Enabled",
    }
    log = (draft.take("logs/bucket"), "buckets/build/")
    properties = {**closed([rule], key=ground.key, log=log), **named(draft, "Sources")}
    draft.add("Sources", "AWS::S3::Bucket", properties, keep="Retain")
    add_bucket_policy(draft, "Sources", [tls_only("Sources")])
