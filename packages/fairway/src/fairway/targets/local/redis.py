"""Redis on this machine: a real server on the loopback address, with a password.

Place in the flow: the local driver starts one for the caches of a project, under the process
table as everything is. Its data, port and password stay in `home`; the password is in a file
that only its owner reads, not in the command that `ps` shows.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from fairway.targets.local import binaries, private
from fairway.targets.local.ports import HOST
from fairway.targets.local.processes import Command, ProcessTable
from fairway.targets.local.server import Server, kept_port

__all__ = ["Redis"]

# Every write is in the append-only file within a second (R247); a tail that a crash cut off is
# dropped at the next start.
SETTINGS = """\
# Written at every start of this server.
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{data}"
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""
daemonize no
set-proc-title no
loglevel notice
"""
ANSWERS = [b"+OK\r\n", b"+PONG\r\n"]
LIMIT = """\
maxmemory {bytes}
maxmemory-policy {policy}
"""


class Redis:
    """One server, whose process is called `name`; `log` is where it writes.

    With `memory_mib` it drops what was used least recently rather than hold more than that;
    without, it refuses nothing and drops only what has expired.
    """

    def __init__(
        self,
        home: Path,
        processes: ProcessTable,
        name: str,
        *,
        log: Path | None = None,
        memory_mib: int | None = None,
        start_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.home = home.absolute()
        self.log = log or self.home / "log"
        self.memory_mib = memory_mib
        self._processes = processes
        self._port_file = self.home / "port"
        self._server = Server(
            title="Redis",
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
    def url(self) -> str:
        """What an app connects with; it must have been started once."""
        return f"redis://:{self._password()}@{HOST}:{self.port}/0"

    async def start(self) -> None:
        """Return once it answers and its data is loaded. One that runs is left as it is.

        Raises `Problems`.
        """
        await self._server.start(self._processes)

    async def _prepare(self) -> None:
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        self._password()

    def _password(self) -> str:
        return private.password(self.home / "password")

    def _command(self, port: int) -> Command:
        text = SETTINGS.format(port=port, password=self._password(), data=self.home / "data")
        if self.memory_mib is not None:
            text += LIMIT.format(bytes=self.memory_mib * 1024 * 1024, policy="allkeys-lru")
        settings = self.home / "redis.conf"
        private.write(settings, text)
        return Command(
            name=self.name,
            argv=(str(binaries.redis_server()), str(settings)),
            directory=self.home,
            environment={"LC_ALL": "C", "TZ": "UTC"},
            log=self.log,
        )

    async def accepts(self) -> bool:
        """Whether it takes this password and answers now."""
        port = self.port
        if port is None:
            return False
        try:
            async with asyncio.timeout(1.0):
                reader, writer = await asyncio.open_connection(HOST, port)
                try:
                    writer.write(f"AUTH {self._password()}\r\nPING\r\n".encode())
                    return [await reader.readline(), await reader.readline()] == ANSWERS
                finally:
                    writer.close()
                    with suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return False

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Shut it down; everything that it has said yes to is on the disk then."""
        await self._processes.stop(self.name, grace_seconds=grace_seconds)
