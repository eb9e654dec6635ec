"""A copy of the small app of `plain_app`, run by `fairway` as a project of its own."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.project import Project, reap, say
from fairway.cli.talk import SOCKET
from fairway.core.status import Status, from_json
from fairway.engine import client
from fairway.targets.local.ports import free_port

__all__ = ["PlainProject", "plain"]

APP = Path(__file__).parent / "plain_app" / "main.py"


class PlainProject(Project):
    """The small app; its version, its fault and its file can be changed."""

    def write(self, file: str) -> None:
        """Have `fairway.toml` say this; `<port>` in it is this project's."""
        (self.folder / "fairway.toml").write_text(file.replace("<port>", str(self.port)))

    def version(self, version: str, fault: str = "none") -> None:
        """Make the code another version, with a fault."""
        text = APP.read_text()
        for name, value in (("VERSION", version), ("FAULT", fault)):
            text, found = re.subn(rf'(?m)^({name}\b.*?) = "\w*"', rf'\1 = "{value}"', text)
            if found != 1:
                raise ValueError(f"the small app has changed: there is no {name} in it")
        (self.folder / "main.py").write_text(text)

    def deploy(self) -> tuple[bool, str]:
        """Whether what the folder holds is in service now, and what `fairway deploy` said."""
        done = self.ended("deploy", codes=(0, 1))
        return done.returncode == 0, done.stdout + done.stderr

    def look(self) -> Status:
        """What the engine says of itself, without a process for the question."""
        return from_json(asyncio.run(self._asked()))

    async def _asked(self) -> Mapping[str, Any]:
        async for told in client.request(self.layout.state / SOCKET, {"verb": "status"}):
            if "result" in told:
                result: Mapping[str, Any] = told["result"]
                return result
        raise RuntimeError("the engine did not say its status")


@contextmanager
def plain(file: str, *, replicas: int = 2) -> Generator[PlainProject]:
    """The app under that `fairway.toml`, up with so many replicas and with its bytecode warm."""
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as made:
        Path(made).chmod(0o755)
        folder = Path(made, "plain")
        folder.mkdir()
        shutil.copy(APP, folder / "main.py")
        (folder / "requirements.txt").write_text("uvicorn[standard]\n")
        project = PlainProject(folder, free_port())
        project.write(file)
        try:
            say(f"installing what {folder} needs")
            project.up_to_first_200("/")
            project.settle(replicas)
            yield project
        finally:
            project.down()
            reap(project)
