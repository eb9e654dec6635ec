"""The folder that Envoy runs in: files renamed into place, and whether Envoy took them over.

Effects only, and no policy: what the files say is `config.py`'s, when they change `server.py`'s.
"""

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.targets.local import disk
from fairway.targets.local.balancer import config, stats
from fairway.targets.local.balancer.admin import AdminError, ask
from fairway.targets.local.output import last_lines

__all__ = ["Folder"]

ASK_SECONDS = 2.0
APPLY_SECONDS = 5.0
POLL_SECONDS = 0.004
LOG_LINES = 8

REFUSAL = re.compile(
    r"Filesystem config update (?:rejected|failure): (.+?)(?=\n\[20|\Z)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What Envoy has made of one file so far: the version in force, and how many it refused."""

    version: str = ""
    refusals: int = 0


class Folder:
    """`home` and what is in it. `is_alive` tells whether Envoy's process runs."""

    def __init__(self, home: Path, is_alive: Callable[[], bool]) -> None:
        self.home = home
        self.log = home / "envoy.log"
        self._is_alive = is_alive

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none."""
        file = self.home / path
        return file.read_text() if file.exists() else None

    def write(self, path: str, text: str) -> None:
        """Put a file into place by rename, so that Envoy never reads half of one."""
        file = self.home / path
        written = file.with_suffix(".tmp")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(text)
            written.replace(file)
        except OSError as error:
            raise disk.refused("balancer", error, file) from error

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        (self.home / path).unlink(missing_ok=True)

    async def ask(self, query: str, *, method: str = "GET") -> str:
        """The answer of Envoy's admin interface; AdminError where there is none."""
        return await ask(self.home, config.ADMIN_SOCKET, query, method=method, seconds=ASK_SECONDS)

    async def apply(self, path: str, text: str) -> None:
        """Write a file and return once it is in force.

        Where Envoy refuses it, Problems with Envoy's reason; the earlier file is back in place.
        """
        earlier = self.read(path)
        try:
            since, log_from = await self._standing(path), self.log_size()
        except AdminError as error:
            raise self._problems("Envoy doesn't answer", str(error)) from error
        if earlier == text and since.version == config.version_of(text):
            return
        self.write(path, text)
        try:
            await self.confirm(path, since=since, log_from=log_from)
        except Problems:
            if earlier is not None:
                self.write(path, earlier)
            raise

    async def confirm(
        self,
        path: str,
        *,
        since: Standing = Standing(),
        log_from: int = 0,
        seconds: float = APPLY_SECONDS,
    ) -> None:
        """Return once Envoy has the file at `path` in force; Problems where it hasn't in time."""
        version = config.version_of(self.read(path) or "")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            try:
                standing = await self._standing(path)
            except AdminError:
                if not self._is_alive():
                    raise self._problems("Envoy ended", self._last_lines()) from None
                standing = since
            if standing.version == version:
                return
            if standing.refusals > since.refusals:
                raise self._problems(f"Envoy refused {path}", self._reason(log_from))
            await asyncio.sleep(POLL_SECONDS)
        raise self._problems(f"Envoy didn't take over {path} in {seconds:g} s", self._last_lines())

    def log_size(self) -> int:
        """Where in Envoy's log that which comes next will start."""
        return self.log.stat().st_size if self.log.exists() else 0

    async def _standing(self, path: str) -> Standing:
        prefix = config.subscription_of(path)
        names = r"\.(version_text|update_rejected|update_failure)$"
        query = f"/stats?format=json&filter=^{re.escape(prefix)}{names}"
        found = stats.values(await self.ask(query))
        refused = (
            found.get(f"{prefix}.{name}", 0) for name in ("update_rejected", "update_failure")
        )
        return Standing(str(found.get(f"{prefix}.version_text", "")), sum(map(int, refused)))

    def _reason(self, log_from: int) -> str:
        """What Envoy logged of its last refusal: one line, or a dump that ends in the reason."""
        refusals = REFUSAL.findall(self._log_text(log_from))
        return str(refusals[-1]).strip().splitlines()[-1].lstrip(": ") if refusals else ""

    def _last_lines(self) -> str:
        return "\n".join(last_lines(self.log, LOG_LINES))

    def _log_text(self, start: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(start if start <= size else 0)  # beyond its end: it was cut meanwhile
            return file.read().decode(errors="replace")

    def _problems(self, what: str, why: str) -> Problems:
        said = f"{what}: {why}" if why else what
        return Problems([Problem("balancer", said, f"Envoy's own words: {self.log}")], exit_code=1)
