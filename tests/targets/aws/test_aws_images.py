"""Images are built once a commit and pushed: by a `docker` that writes down what it is asked."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fairway.core.build.images import Image, images
from fairway.core.detect.sources import Sources
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.images import Builder, parameter_of, tag_here
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_running import Api, FakeAccount

REGISTRY = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/shop-production"
HOST = REGISTRY.partition("/")[0]
DOCKER = """#!/bin/sh
echo "$@" >> "{log}"
test "$1" != build || printf '#1 [build 2/9] RUN ["uv", "sync"]\\n#1 0.1 Resolved\\n' >&2
test "$1" != login || cat >> "{log}"
test ! -e "{folder}/fails" || {{ echo "no space left" >&2; exit 1; }}
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `docker` was asked."""
    (tmp_path / "bin").mkdir()
    log = tmp_path / "log"
    log.touch()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER.format(log=log, folder=tmp_path))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    return log


def absent() -> dict[str, Any]:
    raise Refused(Problem("ecr", "absent"), code="ImageNotFoundException")


def ecr(*, has_it: bool) -> Account:
    token = {"authorizationData": [{"authorizationToken": "QVdTOnNlY3JldA=="}]}  # AWS:secret
    there = {"imageDetails": [{"imageTags": ["abc"]}]}
    return FakeAccount(
        ecr=Api(describe_images=there if has_it else absent, get_authorization_token=token)
    )


def builder(folder: Path, account: Account, held: tuple[Image, ...]) -> tuple[Builder, list[str]]:
    told: list[str] = []
    made = Builder(
        account=account,
        images=held,
        files={"Dockerfile": "FROM scratch\n", "Dockerfile.dockerignore": "*\n"},
        folder=folder,
        processor="X86_64",
        tag="abc",
        tell=told.append,
    )
    return made, told


def one() -> tuple[Image, ...]:
    app = app_of('[service.web]\nasgi = "shop:app"\n')
    return images(app, Sources("shop", {"requirements.txt": "fastapi"}, frozenset()), 8000)


def test_an_image_is_built_signed_in_for_and_pushed(log: Path, tmp_path: Path) -> None:
    build, told = builder(tmp_path, ecr(has_it=False), one())
    assert build(REGISTRY, ["Image"]) == {"Image": f"{REGISTRY}:abc"}
    asked = log.read_text().splitlines()
    tags = f"--tag {REGISTRY}:abc --tag {REGISTRY}:latest"
    assert asked[0].startswith(f"build --platform linux/amd64 {tags} --file ")
    assert asked[0].endswith(f"--build-arg REVISION=abc {tmp_path}")
    assert asked[1] == f"login --username AWS --password-stdin {HOST}"
    assert asked[2] == f"secretpush --quiet {REGISTRY}:abc", "the password comes by stdin alone"
    assert asked[3:] == [f"push --quiet {REGISTRY}:latest"]
    assert told == [
        "building shop-production:abc",
        "2/9 uv sync",
        "pushing shop-production:abc",
    ]


def test_what_the_registry_has_is_not_built_again(log: Path, tmp_path: Path) -> None:
    build, told = builder(tmp_path, ecr(has_it=True), one())
    assert build(REGISTRY, ["Image"]) == {"Image": f"{REGISTRY}:abc"}
    assert log.read_text() == ""
    assert told == ["abc is in the registry already"]


def test_a_build_that_fails_tells_its_last_lines(log: Path, tmp_path: Path) -> None:
    (tmp_path / "fails").touch()
    build, _ = builder(tmp_path, ecr(has_it=False), one())
    with pytest.raises(Problems, match="Resolved\nno space left") as raised:
        build(REGISTRY, ["Image"])
    assert raised.value.problems[0].where == "docker build"
    assert len(log.read_text().splitlines()) == 1


def test_without_docker_it_says_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    build, _ = builder(tmp_path, ecr(has_it=False), one())
    with pytest.raises(Problems, match="--build remote"):
        build(REGISTRY, ["Image"])


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True)


def test_the_tag_is_the_commit_and_with_changes_one_of_its_own(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "a")
    commit = tag_here(tmp_path, 5.0)
    assert len(commit) == 40
    (tmp_path / "a").write_text("2")
    assert tag_here(tmp_path, 5.9) == f"{commit}-5"


def test_without_a_commit_there_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Problems, match="no commit to name an image by"):
        tag_here(tmp_path, 1.0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Problems, match="git: No such file"):
        tag_here(tmp_path, 1.0)


def test_each_of_several_images_has_its_parameter() -> None:
    assert parameter_of("") == "Image"
    assert parameter_of("my-api") == "ImageMyApi"
