"""Images are built at AWS where there is no Docker: by answers as CodeBuild documents them.

ministack takes sources and builds, but runs none: it says SUCCEEDED at once, and pushes nothing.
moto says the same. Here they hold what is sent; what a build says until its end is given.
"""

import io
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fairway.core.build.images import Image, images
from fairway.core.detect.sources import Sources
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Refused
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.remote_images import RemoteBuilder, archive
from fairway.targets.aws.render import choices_for, stacks
from tests.targets.aws.emulators import MINISTACK, QUICK, account, ministack, reduced
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_running import Api, FakeAccount, Time

REGISTRY = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/shop-production"
APP = app_of('[service.web]\nasgi = "shop:app"\nreplicas = 1\n')
FILES = {"Dockerfile": "FROM scratch\n", "Dockerfile.dockerignore": "*.md\n"}
LOGS = {"groupName": "/fairway/shop/production/build", "streamName": "one"}
GOING = {"buildStatus": "IN_PROGRESS", "logs": LOGS}
QUEUED = {"buildStatus": "IN_PROGRESS", "logs": {}}
DONE = {"buildStatus": "SUCCEEDED", "logs": LOGS}
FAILED = {
    "buildStatus": "FAILED",
    "logs": LOGS,
    "phases": [
        {"phaseType": "PRE_BUILD", "phaseStatus": "SUCCEEDED"},
        {
            "phaseType": "BUILD",
            "phaseStatus": "FAILED",
            "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"}],
        },
    ],
}


def one() -> tuple[Image, ...]:
    return images(APP, Sources("shop", {"requirements.txt": "fastapi"}, frozenset()), 8000)


class Aws:
    """A registry that lacks the image at first, and a build that goes as it is said."""

    def __init__(self, *builds: Mapping[str, Any], lines: list[str], comes: bool = True) -> None:
        there = iter([False, comes])
        states, said = iter(builds), iter([*([line] for line in lines), *([[]] * 9)])

        def describe_images() -> Mapping[str, Any]:
            if not next(there):
                raise Refused(Problem("ecr", "absent"), code="ImageNotFoundException")
            return {"imageDetails": [{}]}

        def events() -> Mapping[str, Any]:
            found = [{"message": f"{line}\n"} for line in next(said)]
            return {"events": found, "nextForwardToken": "t"}

        self.codebuild = Api(
            start_build={"build": {"id": "shop-production-build:1"}},
            batch_get_builds=lambda: {"builds": [next(states)]},
            stop_build={},
        )
        self.s3 = Api(put_object={})
        self.account = FakeAccount(
            codebuild=self.codebuild,
            ecr=Api(describe_images=describe_images),
            logs=Api(get_log_events=events),
            s3=self.s3,
            ssm=Api(get_parameter={"Parameter": {"Value": "sources"}}),
        )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that git knows, with a file that it ignores and one that was deleted."""
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("secret.env\n")
    (tmp_path / "secret.env").write_text("KEY=1")
    (tmp_path / "shop.py").write_text("app = None\n")
    (tmp_path / "start").write_text("#!/bin/sh\n")
    (tmp_path / "start").chmod(0o755)
    (tmp_path / "gone.py").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "a")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True)


def builder(aws: Aws, folder: Path) -> tuple[RemoteBuilder, list[str]]:
    told: list[str] = []
    environment = Environment(aws.account, APP, (), Time().clock)
    return made(environment, folder, told), told


def made(environment: Environment, folder: Path, told: list[str]) -> RemoteBuilder:
    return RemoteBuilder(
        environment=environment,
        images=one(),
        files=FILES,
        folder=folder,
        tag="abc",
        tell=told.append,
    )


@pytest.mark.requirement("R133")
def test_sources_are_sent_and_the_build_is_followed_to_its_end(project: Path) -> None:
    aws = Aws(QUEUED, GOING, GOING, DONE, lines=["#1 FROM scratch", "pushed"])
    build, told = builder(aws, project)
    assert build(REGISTRY, ["Image"]) == {"Image": f"{REGISTRY}:abc"}
    (_, sent), (_, started) = aws.s3.asked[0], aws.codebuild.asked[0]
    assert (sent["Bucket"], sent["Key"]) == ("sources", "abc.zip")
    assert started["projectName"] == "shop-production-build"
    assert started["sourceLocationOverride"] == "sources/abc.zip"
    variables = {each["name"]: each["value"] for each in started["environmentVariablesOverride"]}
    assert variables == {
        "TAG": "abc", "DOCKERFILE": "fairway-build/Dockerfile", "LATEST": "latest"
    }  # fmt: skip
    assert told[1:] == ["CodeBuild builds shop-production:abc", "#1 FROM scratch", "pushed"]


def test_a_build_that_fails_ends_with_its_reason_and_last_lines(project: Path) -> None:
    build, _ = builder(Aws(GOING, FAILED, lines=["#2 RUN uv sync", "no such package"]), project)
    with pytest.raises(Problems) as raised:
        build(REGISTRY, ["Image"])
    (problem,) = raised.value.problems
    assert problem.where == "build shop-production-build:1"
    assert problem.what.splitlines() == [
        "the image could not be built: failed in BUILD: exit status 1",
        "#2 RUN uv sync",
        "no such package",
    ]
    assert raised.value.exit_code == 1


def test_a_build_that_says_it_ended_well_and_brought_no_image_is_not_believed(
    project: Path,
) -> None:
    build, _ = builder(Aws(DONE, lines=[], comes=False), project)
    with pytest.raises(Problems, match="the registry has no abc"):
        build(REGISTRY, ["Image"])


def test_what_somebody_breaks_off_is_stopped_at_aws_too(project: Path) -> None:
    aws = Aws(GOING, lines=[])

    def broken_off() -> Mapping[str, Any]:
        raise KeyboardInterrupt

    aws.codebuild.answers["batch_get_builds"] = broken_off
    build, _ = builder(aws, project)
    with pytest.raises(KeyboardInterrupt):
        build(REGISTRY, ["Image"])
    assert aws.codebuild.asked[-1] == ("stop_build", {"id": "shop-production-build:1"})


def test_what_git_ignores_is_not_sent_and_the_same_sources_are_the_same_bytes(
    project: Path,
) -> None:
    body = archive(project, FILES)
    assert archive(project, FILES) == body
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert found.namelist() == [
            ".gitignore",
            "new.py",
            "shop.py",
            "start",
            "fairway-build/Dockerfile",
            "fairway-build/Dockerfile.dockerignore",
        ]
        assert found.getinfo("start").external_attr >> 16 & 0o777 == 0o755
        ignored = found.read("fairway-build/Dockerfile.dockerignore").decode()
    assert ignored == "*.md\nfairway-build\n", "what brings the Dockerfile is not the app's"


def test_without_git_the_sources_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Problems, match="its sources can't be listed"):
        archive(tmp_path, {})


# -- What an emulator takes -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        found = stacks(APP, choices_for(APP, builds="remote"))
        less = tuple(reduced(stack, MINISTACK)[0] for stack in found)
        made = Environment(account(url), APP, less, QUICK)
        for stack in less[: 1 + [each.name for each in less].index("build")]:
            made.formation().apply(stack, {}, step=stack.name)
        yield made


@pytest.mark.real
def test_an_emulator_takes_sources_and_a_build_and_still_runs_none(
    environment: Environment, project: Path
) -> None:
    told: list[str] = []
    build = made(environment, project, told)
    with pytest.raises(Problems, match="CodeBuild ended well, and yet the registry has no abc"):
        build(environment.needed("registry"), ["Image"])
    bucket = environment.needed("build", "sources")
    s3 = environment.account.client("s3")
    sent = s3.get_object(Bucket=bucket, Key="abc.zip")["Body"].read()
    assert sent == archive(project, FILES)
    codebuild = environment.account.client("codebuild")
    (name,) = codebuild.list_builds_for_project(projectName="shop-production-build")["ids"]
    (found,) = codebuild.batch_get_builds(ids=[name])["builds"]
    assert found["buildStatus"] == "SUCCEEDED"
