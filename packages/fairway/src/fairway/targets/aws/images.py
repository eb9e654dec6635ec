"""Builds an app's images by Docker here, once a commit, and pushes them into its registry.

Place in the flow: a deploy asks for images once the registry is there. One that has the commit's
tag is taken as it is. A working tree with changes is no commit: it has a tag of its own.
"""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairway.core.build.images import Image
from fairway.core.build.progress import Steps
from fairway.core.names import logical_id
from fairway.core.problem import Problem, Problems
from fairway.programs.building import Build
from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.decide.order import IMAGE
from fairway.targets.aws.render import Processor
from fairway.targets.aws.render.build_commands import PLATFORMS, tag_of

__all__ = [
    "Builder",
    "brought",
    "is_there",
    "last",
    "parameter_of",
    "printed",
    "run",
    "tag_here",
]

LINES = 20  # of a build that failed
# Lambda takes an image alone, not an index of it and a statement about its build.
BUILDKIT = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_BUILDKIT": "1"}
ABSENT = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})


def parameter_of(image: str) -> str:
    """The parameter that asks for an image: `Image`, or `ImageApi` of several."""
    return f"{IMAGE}{logical_id(image)}" if image else IMAGE


def tag_here(folder: Path, now: float) -> str:
    """The commit of what is in a folder; with changes in it, that and the time.

    Raises `Problems` where there is no git, or no commit.
    """
    words = ["describe", "--always", "--abbrev=40", "--exclude=*", f"--dirty=-{int(now)}"]
    done = run(["git", "-C", str(folder), *words])
    if done.returncode != 0:
        mend = "Commit it, or build it yourself and name it with --image."
        why = last(printed(done)) or "git says no reason"
        raise Problems([Problem(str(folder), f"it has no commit to name an image by: {why}", mend)])
    return done.stdout.strip()


def brought(
    account: Account,
    images: Sequence[Image],
    registry: str,
    *,
    tag: str,
    tell: Callable[[str], None],
    build: Callable[[Image, str, str], None],
) -> Mapping[str, str]:
    """Have each image in the registry: `build(image, address, registry)` where it is not there."""
    found: dict[str, str] = {}
    for image in images:
        own = tag_of(image, tag)
        found[parameter_of(image.name)] = f"{registry}:{own}"
        if is_there(account, registry, own):
            tell(f"{own} is in the registry already")
        else:
            build(image, f"{registry}:{own}", registry)
    return found


def is_there(account: Account, registry: str, tag: str) -> bool:
    """Whether the registry has this tag."""
    try:
        found = account.client("ecr").describe_images(
            repositoryName=registry.partition("/")[2], imageIds=[{"imageTag": tag}]
        )
    except Refused as refused:
        if refused.code in ABSENT:
            return False
        raise
    return bool(found["imageDetails"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What builds: `files` are Dockerfiles and what they ignore; `tell` hears each step."""

    account: Account
    images: Sequence[Image]
    files: Mapping[str, str]
    folder: Path
    processor: Processor
    tag: str
    tell: Callable[[str], None]

    def __call__(self, registry: str, parameters: Sequence[str]) -> Mapping[str, str]:
        """Parameter -> address of every image, which is in the registry; raises `Problems`."""
        wanted = [each for each in self.images if parameter_of(each.name) in parameters]
        return brought(
            self.account, wanted, registry, tag=self.tag, tell=self.tell, build=self.build
        )

    def build(self, image: Image, address: str, registry: str) -> None:
        """Build one and push it."""
        if shutil.which("docker") is None:
            mend = (
                "Install Docker, or have AWS build it with --build remote, or name an image with "
                "--image."
            )
            raise Problems([Problem("docker", "there is no Docker here to build with", mend)])
        with tempfile.TemporaryDirectory(prefix="fairway-build-") as place:
            for name, text in self.files.items():
                (Path(place) / name).write_text(text, encoding="utf-8")
            self.tell(f"building {address.rpartition('/')[2]}")
            # Of the only image, `latest` moves along: whoever looks into the registry finds it.
            tags = [address] if image.name else [address, f"{registry}:latest"]
            words = [
                *("--platform", PLATFORMS[self.processor]),
                *(word for tag in tags for word in ("--tag", tag)),
                *("--file", str(Path(place) / image.dockerfile)),
                *("--build-arg", f"REVISION={self.tag}", str(self.folder)),
            ]
            self.docker_build(words)
        self.sign_in(registry)
        self.tell(f"pushing {address.rpartition('/')[2]}")
        for tag in tags:
            self.docker(["push", "--quiet", tag], what="the image could not be pushed")

    def sign_in(self, registry: str) -> None:
        """Have Docker know the registry, for twelve hours; the password is on no command line."""
        said = self.account.client("ecr").get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(said["authorizationToken"]).decode().partition(":")
        words = ["login", "--username", user, "--password-stdin", registry.partition("/")[0]]
        self.docker(words, what="Docker could not sign in to the registry", given=password)

    def docker(self, words: Sequence[str], *, what: str, given: str | None = None) -> None:
        """Run it; raises `Problems` with its last lines where it fails."""
        done = run(["docker", *words], given=given, environment=BUILDKIT)
        if done.returncode != 0:
            raise failed(f"docker {words[0]}", what, printed(done))

    def docker_build(self, words: Sequence[str]) -> None:
        """Build, and tell what it is at; raises `Problems` with its last lines where it fails."""
        steps = Steps()

        def heard(line: str) -> None:
            if step := steps.after(line):
                self.tell(step)

        build = Build(
            where="docker build",
            argv=["docker", "build", *words],
            folder=self.folder,
            variables={**os.environ, **BUILDKIT},
            tell=self.tell,
        )
        done = build.run(heard)
        if done.code:
            raise failed("docker build", "the image could not be built", done.lines)


def run(
    argv: Sequence[str], *, given: str | None = None, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; one that is not there has failed."""
    try:
        return subprocess.run(
            argv,
            input=given or "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        return subprocess.CompletedProcess(argv, 127, "", f"{argv[0]}: {error.strerror}")


def failed(where: str, what: str, lines: Sequence[str]) -> Problems:
    """A program that failed, with its last lines."""
    return Problems([Problem(where, f"{what}\n{last(lines)}")], exit_code=1)


def printed(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """The lines that a program printed."""
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def last(lines: Sequence[str]) -> str:
    """The last of them."""
    return "\n".join(lines[-LINES:])
