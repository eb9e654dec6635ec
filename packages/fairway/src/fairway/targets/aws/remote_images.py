"""Has AWS build an app's images, where there is no Docker: CodeBuild, from the sources of a folder.

Place in the flow: a deploy asks for images once registry, project and the bucket of sources are
there. Sent is what git knows of the folder, with the Dockerfiles beside it. The build's lines are
told as they come; one that fails stops the deploy with its last ones.
"""

import io
import subprocess
import zipfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fairway.core import names
from fairway.core.build.images import Image
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Refused
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.images import LINES, brought, is_there, last, parameter_of, printed, run
from fairway.targets.aws.render.build_commands import tag_of
from fairway.targets.aws.render.remote_build import LONGEST_MINUTES
from fairway.targets.aws.waiting import until

__all__ = ["RemoteBuilder", "archive"]

FOLDER = "fairway-build"  # in the archive, where the Dockerfiles are
# Beside the build itself: a machine for it may have to be waited for (CodeBuild's own limit).
QUEUED_MINUTES = 8 * 60
FIRST_DAY = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # the earliest that a zip can say: the same sources, the same bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteBuilder:
    """What has images built: `files` are Dockerfiles and what they ignore, `tell` hears lines."""

    environment: Environment
    images: Sequence[Image]
    files: Mapping[str, str]
    folder: Path
    tag: str
    tell: Callable[[str], None]
    sent: list[str] = field(default_factory=list[str])

    def __call__(self, registry: str, parameters: Sequence[str]) -> Mapping[str, str]:
        """Parameter -> address of every image, which is in the registry; raises `Problems`."""
        wanted = [each for each in self.images if parameter_of(each.name) in parameters]
        account = self.environment.account
        return brought(account, wanted, registry, tag=self.tag, tell=self.tell, build=self.build)

    def build(self, image: Image, address: str, registry: str) -> None:
        """Build one, from sources that are sent once."""
        source = self.source()
        tag = tag_of(image, self.tag)
        said = {"TAG": tag, "DOCKERFILE": f"{FOLDER}/{image.dockerfile}"}
        if not image.name:
            said["LATEST"] = "latest"  # of the only image, `latest` moves along
        codebuild = self.environment.account.client("codebuild")
        app = self.environment.app
        started = codebuild.start_build(
            projectName=names.cloud_name(app.name, app.environment, "build", limit=150),
            sourceLocationOverride=source,
            environmentVariablesOverride=[
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in said.items()
            ],
        )["build"]
        self.tell(f"CodeBuild builds {address.rpartition('/')[2]}")
        try:
            self.follow(str(started["id"]))
        except KeyboardInterrupt:
            codebuild.stop_build(id=started["id"])
            raise
        if not is_there(self.environment.account, registry, tag):
            what = f"CodeBuild ended well, and yet the registry has no {tag}"
            raise Problems([Problem(f"build {started['id']}", what)], exit_code=1)

    def source(self) -> str:
        """Where CodeBuild reads the sources, as `bucket/key`; they are sent the first time."""
        if not self.sent:
            bucket, key = self.environment.needed("build", "sources"), f"{self.tag}.zip"
            body = archive(self.folder, self.files)
            self.tell(f"sending the sources, {len(body) / 1024:.0f} KiB")
            s3 = self.environment.account.client("s3")
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            self.sent.append(f"{bucket}/{key}")
        return self.sent[0]

    def follow(self, build: str) -> None:
        """Tell what a build prints until its end; raises `Problems` where it fails."""
        codebuild = self.environment.account.client("codebuild")
        lines = deque[str](maxlen=LINES)
        token: str | None = None
        found: Mapping[str, Any] = {}

        def has_ended() -> bool:
            nonlocal token, found
            found = codebuild.batch_get_builds(ids=[build])["builds"][0]
            token = self.hear(found.get("logs") or {}, token, lines)
            return found["buildStatus"] != "IN_PROGRESS"

        seconds = 60.0 * (LONGEST_MINUTES + QUEUED_MINUTES)
        until(self.environment.clock, seconds, has_ended, waiting_for=f"the build {build}")
        self.hear(found.get("logs") or {}, token, lines)  # its last lines come after its end
        if found["buildStatus"] != "SUCCEEDED":
            text = "\n".join([f"the image could not be built: {why(found)}", *lines])
            mend = "Mend it, then deploy again; what was deployed serves as before."
            raise Problems([Problem(f"build {build}", text, mend)], exit_code=1)

    def hear(self, logs: Mapping[str, Any], token: str | None, lines: deque[str]) -> str | None:
        """Tell the lines since `token`; where the next ones begin."""
        if not logs.get("groupName") or not logs.get("streamName"):
            return token  # it waits for a machine, and has printed nothing
        more = {} if token is None else {"nextToken": token}
        try:
            found = self.environment.account.client("logs").get_log_events(
                logGroupName=logs["groupName"],
                logStreamName=logs["streamName"],
                startFromHead=True,
                **more,
            )
        except Refused as refused:
            if refused.code == "ResourceNotFoundException":
                return token
            raise
        for each in found["events"]:
            if line := str(each["message"]).rstrip():
                lines.append(line)
                self.tell(line)
        return str(found["nextForwardToken"])


def why(build: Mapping[str, Any]) -> str:
    """`failed in BUILD: exit status 1`, of a build as CodeBuild describes it."""
    status = str(build["buildStatus"]).lower().replace("_", " ")
    for phase in cast("Sequence[Mapping[str, Any]]", build.get("phases") or ()):
        if phase.get("phaseStatus") not in {None, "SUCCEEDED"}:
            said = [str(each.get("message") or "") for each in phase.get("contexts") or ()]
            words = "; ".join(each for each in said if each)
            return f"{status} in {phase['phaseType']}" + (f": {words}" if words else "")
    return status


def archive(folder: Path, files: Mapping[str, str]) -> bytes:
    """A zip of what git knows in a folder, but for what it ignores, and the Dockerfiles.

    The same sources give the same bytes. Raises `Problems` where git can't list them.
    """
    listed = run(
        ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    )
    if listed.returncode != 0:
        raise Problems([unlisted(folder, listed)])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for name in sorted({each for each in listed.stdout.split("\0") if each}):
            file = folder / name
            if file.is_file():  # one that was deleted is listed still
                mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
                add(into, name, file.read_bytes(), mode)
        for name, text in sorted(files.items()):
            # What only brings the Dockerfile here is not the app's.
            more = f"{FOLDER}\n" if name.endswith(".dockerignore") else ""
            add(into, f"{FOLDER}/{name}", f"{text}{more}".encode(), 0o644)
    return packed.getvalue()


def add(into: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    """Add one file, without the hour at which it was written."""
    entry = zipfile.ZipInfo(name, FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100000 | mode) << 16
    into.writestr(entry, content)


def unlisted(folder: Path, done: "subprocess.CompletedProcess[str]") -> Problem:
    """What is told where git can't say what the sources are."""
    why_not = last(printed(done)) or "git says no reason"
    mend = "Make it a git repository, or build the image yourself and name it with --image."
    return Problem(str(folder), f"its sources can't be listed: {why_not}", mend)
