"""How an app's images come into its registry: tags, the lines that build, the build on AWS."""

import re
import shutil
import subprocess

import pytest

from fairway.core.build.images import Image, images
from fairway.core.detect.sources import Sources
from fairway.targets.aws.render import choices_for, stacks
from fairway.targets.aws.render.build_commands import build_commands
from fairway.targets.aws.render.commands import commands
from tests.targets.aws.shapes import app_of, resources, templates

ONE = '[service.web]\nasgi = "m:app"\npublic = true\nbefore = "migrate"\n'
TWO = (
    '[service.api]\nasgi = "a:app"\nfolder = "api"\nbefore = "migrate"\n'
    '[service.page]\nscript = "p.py"\npublic = true\nfolder = "page"\nbefore = "seed"\n'
    '[job.load]\ncommand = "python -m load"\nfolder = "api"\n'
)


def held(text: str) -> tuple[Image, ...]:
    texts = {"api/requirements.txt": "x\n", "page/requirements.txt": "y\n"}
    return images(app_of(text), Sources("shop", texts, frozenset(texts)), 8000)


@pytest.mark.validated("R50", "R51", "R52", "R53")
def test_the_registry_scans_what_is_pushed_and_lets_no_tag_move_but_latest() -> None:
    (registry,) = resources(app_of(ONE), "AWS::ECR::Repository").values()
    assert registry["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert registry["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    (moves,) = registry["ImageTagMutabilityExclusionFilters"]
    assert moves["ImageTagMutabilityExclusionFilterValue"] == "latest"


@pytest.mark.validated("R51", "R133")
def test_an_image_is_built_once_a_commit_and_tagged_with_it_and_latest() -> None:
    (_, _, line) = build_commands(app_of(ONE), held(ONE), choices_for(app_of(ONE)), "infra")
    assert '--image-ids imageTag="$COMMIT"' in line
    assert '--tag "$IMAGE" --tag "$REGISTRY:latest"' in line
    assert "--platform linux/amd64 --file infra/Dockerfile" in line
    arm = choices_for(app_of(ONE), processor="ARM64")
    assert "linux/arm64" in build_commands(app_of(ONE), held(ONE), arm, "infra")[-1]


def test_each_of_several_images_has_a_tag_and_a_parameter_of_its_own() -> None:
    of, several = app_of(TWO), held(TWO)
    choices = choices_for(of, images=several)
    asked = {stack.name: set(stack.parameters) for stack in stacks(of, choices)}
    assert "ImageApi" in asked["service-api"]
    assert "ImagePage" in asked["service-page"]
    assert "ImageApi" in asked["job-load"]
    assert {"ImageApi", "ImagePage"} <= asked["before"]
    lines = "\n".join(commands(of, stacks(of, choices), "infra", several, choices))
    assert 'IMAGE_API="$REGISTRY:api-$COMMIT"' in lines
    assert 'ImagePage="$IMAGE_PAGE"' in lines
    assert "latest" not in lines


def test_aws_builds_what_is_sent_where_that_is_chosen() -> None:
    of = app_of(ONE)
    choices = choices_for(of, builds="remote")
    names = [stack.name for stack in stacks(of, choices)]
    assert names.index("data") < names.index("build") < names.index("before")
    assert "build" not in [stack.name for stack in stacks(of, choices_for(of))]
    held_by = templates(of, choices)["build.json"]["Resources"]
    project = held_by["Project"]["Properties"]
    assert project["EncryptionKey"] == {"Ref": "TakeKey"}
    assert project["Source"]["Type"] == "S3"
    lines = commands(of, stacks(of, choices), "infra", held(ONE), choices)
    build = next(line for line in lines if "start-build" in line)
    deployed = next(line for line in lines if "production-build " in line)
    assert lines.index(deployed) < lines.index(build)
    assert "name=DOCKERFILE,value=infra/Dockerfile name=LATEST,value=latest" in build
    assert "docker" not in build.lower().replace("dockerfile", "")


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh here")
@pytest.mark.parametrize("builds", ["here", "remote"])
@pytest.mark.parametrize("text", [ONE, TWO])
def test_the_lines_are_a_script(text: str, builds: str) -> None:
    of, several = app_of(text), held(text)
    choices = choices_for(of, images=several, builds="remote" if builds == "remote" else "here")
    lines = commands(of, stacks(of, choices), "my infra", several, choices)
    subprocess.run(["sh", "-n"], input="\n".join(lines), text=True, check=True)


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh here")
@pytest.mark.parametrize(
    ("given", "known", "fails", "expected", "code"),
    [
        ("", "0", "", "", 0),
        ("", "1", "", "build push push", 0),
        ("", "1", "build", "build", 1),
        ("", "1", "push", "build push", 1),
        ("mine:1", "1", "", "", 0),
    ],
)
def test_the_script_builds_what_is_missing_and_stops_where_that_fails(
    given: str, known: str, fails: str, expected: str, code: int
) -> None:
    line = build_commands(app_of(ONE), held(ONE), choices_for(app_of(ONE)), "infra")[-1]
    script = f"""set -e
    COMMIT=abc REGISTRY=host/shop IMAGE={given}
    aws() {{ case "$2" in describe-images) return {known};; esac; }}
    docker() {{ test "$1" = login && cat && return; echo "$1" >&2; test "$1" != "{fails}"; }}
    {line}
    echo "$IMAGE"
    """
    ended = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=False)
    assert (ended.stderr.split(), ended.returncode) == (expected.split(), code)
    if code == 0:
        assert re.search(r"^(host/shop:abc|mine:1)$", ended.stdout, re.MULTILINE)
