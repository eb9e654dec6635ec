"""An S3 API on this machine: objects as plain files under `home`, on the loopback address.

Place in the flow: the local driver starts one for the buckets of a project, and looks through
`list_objects` for what triggers a job. It is MiniStack with every other service left out; what
it serves is kept, credentials are not checked. Objects appear whole and survive a kill of the
server (see `objectstore_repair.py`); settings of a bucket (versioning, lifecycle) last as long
as the server runs.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from fairway.core.problem import Problem, Problems
from fairway.targets.local import binaries
from fairway.targets.local.exchange import Answer, exchange
from fairway.targets.local.objectstore_repair import mend_interrupted_writes
from fairway.targets.local.ports import HOST
from fairway.targets.local.processes import Command, ProcessTable
from fairway.targets.local.server import Server, kept_port
from fairway_runtime import contract

__all__ = ["Object", "ObjectStore"]

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
REGION = "us-east-1"
# Nobody checks them, but an SDK does nothing without.
ACCESS_KEY = "fairway-local"
SECRET_KEY = "fairway-local"  # noqa: S105 - nobody checks it


@dataclass(frozen=True, slots=True, order=True)
class Object:
    """An object in a bucket; `etag` changes with its content, `size` is in bytes."""

    key: str
    etag: str
    size: int


class ObjectStore:
    """One server, whose process is called `name`; `log` is where it writes."""

    def __init__(
        self,
        home: Path,
        processes: ProcessTable,
        name: str,
        *,
        log: Path | None = None,
        start_seconds: float = 60.0,
    ) -> None:
        self.name = name
        self.home = home.absolute()
        self.log = log or self.home / "log"
        self._processes = processes
        self._port_file = self.home / "port"
        self._server = Server(
            title="the object store",
            name=name,
            port_file=self._port_file,
            prepare=self._prepare,
            command=self._command,
            accepts=self.accepts,
            start_seconds=start_seconds,
        )

    @property
    def port(self) -> int | None:
        """The port that it has, or had last; None before its first start."""
        return kept_port(self._port_file)

    @property
    def environment(self) -> Mapping[str, str]:
        """What every AWS SDK reads to find it; an app needs no code for it."""
        return {
            contract.AWS_ENDPOINT_URL_S3: f"http://{HOST}:{self.port}",
            contract.AWS_ACCESS_KEY_ID: ACCESS_KEY,
            contract.AWS_SECRET_ACCESS_KEY: SECRET_KEY,
            contract.AWS_REGION: REGION,
            "AWS_DEFAULT_REGION": REGION,  # the only one that boto3 reads
        }

    async def start(self) -> None:
        """Return once it answers. One that runs is left as it is. Raises `Problems`."""
        await self._server.start(self._processes)

    async def _prepare(self) -> None:
        for folder in ("data", "temporary"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(mend_interrupted_writes, self.home / "data")

    def _command(self, port: int) -> Command:
        return Command(
            name=self.name,
            argv=binaries.object_store(),
            directory=self.home,
            environment={
                "PATH": os.defpath,
                "HOME": str(self.home),
                "TMPDIR": str(self.home / "temporary"),
                "BIND_HOST": HOST,
                "GATEWAY_PORT": str(port),
                "SERVICES": "s3",
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.home / "data"),
                "LOG_LEVEL": "WARNING",
                # Each of these would import a service, or look for containers, at every start.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "DOCKER_HOST": f"unix://{self.home}/none",
            },
            log=self.log,
        )

    async def accepts(self) -> bool:
        """Whether it answers now."""
        try:
            return (await self._ask("GET", "/")).status == 200
        except OSError:
            return False

    async def ensure_bucket(self, name: str) -> None:
        """Have a bucket; one that is there keeps its objects. Raises `Problems`."""
        if not BUCKET.fullmatch(name):
            raise ValueError(f"not a name for a bucket: {name!r}")
        answer = await self._asked("PUT", f"/{name}")
        # 409: it is ours already, which is what was asked for.
        if answer.status not in {200, 409}:
            raise self._unexpected(f"the bucket {name} could not be made", answer)

    async def list_objects(self, bucket: str, prefix: str = "") -> tuple[Object, ...]:
        """Every object under a prefix, sorted by key. Raises `Problems`."""
        found: list[Object] = []
        more = ""
        while True:
            query = f"list-type=2&prefix={quote(prefix, safe='')}{more}"
            answer = await self._asked("GET", f"/{bucket}?{query}")
            if answer.status != 200:
                raise self._unexpected(f"the bucket {bucket} could not be listed", answer)
            page = ElementTree.fromstring(answer.body)  # noqa: S314 - our own server's answer
            found += (read_object(each) for each in page.iter(f"{NAMESPACE}Contents"))
            token = page.findtext(f"{NAMESPACE}NextContinuationToken")
            if page.findtext(f"{NAMESPACE}IsTruncated") != "true" or not token:
                return tuple(sorted(found))
            more = f"&continuation-token={quote(token, safe='')}"

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Shut it down; objects stay."""
        await self._processes.stop(self.name, grace_seconds=grace_seconds)

    async def _asked(self, method: str, path: str) -> Answer:
        try:
            return await self._ask(method, path)
        except OSError as error:
            what = f"it does not answer: {error.strerror or error}"
            raise Problems(
                [Problem("the object store", what, f"read {self.log}")], exit_code=1
            ) from error

    async def _ask(self, method: str, path: str) -> Answer:
        port = self.port
        if port is None:
            raise ConnectionRefusedError("it was never started")
        return await exchange(HOST, port, method, path, seconds=10.0)

    def _unexpected(self, what: str, answer: Answer) -> Problems:
        said = answer.body.decode(errors="replace")[:300]
        problem = Problem("the object store", f"{what}: {answer.status} {said}", f"read {self.log}")
        return Problems([problem], exit_code=1)


def read_object(element: ElementTree.Element) -> Object:
    return Object(
        key=element.findtext(f"{NAMESPACE}Key") or "",
        etag=(element.findtext(f"{NAMESPACE}ETag") or "").strip('"'),
        size=int(element.findtext(f"{NAMESPACE}Size") or 0),
    )
