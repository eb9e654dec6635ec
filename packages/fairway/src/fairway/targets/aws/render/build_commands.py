"""The lines that bring an app's images into its registry, here or by CodeBuild. Pure.

An image is built once a commit: where the registry has its tag, nothing is built. One that the
user names (`IMAGE`) is taken as it is.
"""

import shlex
from collections.abc import Sequence

from fairway.core import names
from fairway.core.build.images import Image
from fairway.core.spec.model import App
from fairway.targets.aws.render.choices import Choices

__all__ = ["build_commands", "image_variable", "tag_of"]

PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}
# A working tree with changes is no commit: it has a tag of its own.
COMMIT = (
    """: "${COMMIT:=$(git describe --always --abbrev=40 --exclude='*' --dirty="-$(date +%s)")}\""""
)


def tag_of(image: Image, commit: str) -> str:
    """The tag that never moves: the commit, after the image's name where there are several."""
    return f"{image.name}-{commit}" if image.name else commit


def image_variable(name: str) -> str:
    """`IMAGE`, or `IMAGE_API`: the variable of the lines that holds an image's address."""
    return f"IMAGE_{names.variable_stem(name)}" if name else "IMAGE"


def build_commands(
    app: App, images: Sequence[Image], choices: Choices, folder: str, project: str = "."
) -> list[str]:
    """After the registry is there, before what runs the images.

    `folder` has the Dockerfiles, `project` is the app's own; both from where the lines are run.
    """
    if not images:
        return []
    lines = [COMMIT, f"REGISTRY={_value(app, 'registry')}"]
    if choices.builds == "remote":
        lines.append(f"SOURCES={_value(app, 'build', 'sources')}")
    repository = names.cloud_name(app.name, app.environment, limit=200)
    for image in images:
        build = (
            _remote(app, image, folder, project)
            if choices.builds == "remote"
            else _here(image, folder, project, PLATFORMS[choices.processor])
        )
        variable, tag = image_variable(image.name), tag_of(image, "$COMMIT")
        known = (
            f"aws ecr describe-images --repository-name {repository}"
            f' --image-ids imageTag="{tag}" > /dev/null 2>&1'
        )
        lines.append(
            f'if [ -z "${{{variable}:-}}" ]; then {variable}="$REGISTRY:{tag}"; '
            f"{known} || {{ {'; '.join(build)}; }}; fi"
        )
    return lines


def _here(image: Image, folder: str, project: str, platform: str) -> list[str]:
    address = f'"${image_variable(image.name)}"'
    tags = [address] if image.name else [address, '"$REGISTRY:latest"']
    tagged = "".join(f" --tag {tag}" for tag in tags)
    into = '"${REGISTRY%%/*}"'
    return [
        f"aws ecr get-login-password | docker login --username AWS --password-stdin {into}",
        (
            "BUILDX_NO_DEFAULT_ATTESTATIONS=1 DOCKER_BUILDKIT=1"  # Lambda takes an image alone
            f" docker build --platform {platform}"
            f" --file {shlex.quote(f'{folder}/{image.dockerfile}')}"
            f' --build-arg REVISION="$COMMIT"{tagged} {shlex.quote(project)}'
        ),
        *(f"docker push --quiet {tag}" for tag in tags),
    ]


def _remote(app: App, image: Image, folder: str, project: str) -> list[str]:
    """Send what git knows and the Dockerfile, start a build, wait for its end."""
    builder = names.cloud_name(app.name, app.environment, "build", limit=150)
    inside = f"{folder.lstrip('/')}/{image.dockerfile}"
    variables = [f'name=TAG,value="{tag_of(image, "$COMMIT")}"']
    variables.append(shlex.quote(f"name=DOCKERFILE,value={inside}"))
    variables += [] if image.name else ["name=LATEST,value=latest"]
    state = "aws codebuild batch-get-builds --ids \"$BUILD\" --query 'builds[0].buildStatus'"
    return [
        'ARCHIVE="$(mktemp -d)/source.zip"',
        (
            f"(cd {shlex.quote(project)}; git ls-files --cached --others --exclude-standard"
            ' | zip -q "$ARCHIVE" -@)'
        ),
        f'zip -q -r "$ARCHIVE" {shlex.quote(folder)}',
        'aws s3 cp "$ARCHIVE" "s3://$SOURCES/$COMMIT.zip"',
        (
            f"BUILD=$(aws codebuild start-build --project-name {builder}"
            ' --source-location-override "$SOURCES/$COMMIT.zip"'
            f" --environment-variables-override {' '.join(variables)}"
            " --query build.id --output text)"
        ),
        f'while STATUS=$({state} --output text); test "$STATUS" = IN_PROGRESS; do sleep 5; done',
        'test "$STATUS" = SUCCEEDED',
    ]


def _value(app: App, *key: str) -> str:
    path = names.cloud_path(app.name, app.environment, *key)
    return f"$(aws ssm get-parameter --name {path} --query Parameter.Value --output text)"
