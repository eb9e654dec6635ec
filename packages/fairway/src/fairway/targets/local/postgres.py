"""PostgreSQL on this machine: a real server on the loopback address, with a password.

Place in the flow: the local driver starts one for the databases of a project, and gives each
service the URL of its own. It runs under the process table as everything does, so that it goes
on without the engine and is found again by the next. Data, archive, port and passwords stay in
`home`. When root starts it, it runs as `nobody`, as PostgreSQL demands (see `reach.py`).
"""

import asyncio
import os
import re
import signal
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.targets.local import binaries, lifetime, procfs, short
from fairway.targets.local.ports import HOST
from fairway.targets.local.postgres_cluster import ADMIN, Cluster
from fairway.targets.local.processes import Command, ProcessTable
from fairway.targets.local.server import Server, kept_port

__all__ = ["Postgres"]

PROTOCOL = 3 << 16
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
ORPHAN_SECONDS = 5.0
# What only this server's administrator may see must not be seen in its log either.
SILENT = "-c log_min_duration_statement=-1 -c log_min_error_statement=panic -c log_statement=none"

# A role owns its database and nothing else, and nobody else may enter it.
DATABASE = """\
SELECT 'CREATE ROLE "{name}" LOGIN'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec
ALTER ROLE "{name}" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '{password}';
SELECT 'CREATE DATABASE "{name}" OWNER "{name}"'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
REVOKE ALL ON DATABASE "{name}", postgres, template1 FROM PUBLIC;
"""


class Postgres:
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
        self.cluster = Cluster(home)
        self.home = self.cluster.home
        self.log = log or self.home / "log"
        self._processes = processes
        self._port_file = self.home / "port"
        self._flushing: asyncio.Task[None] | None = None
        self._server = Server(
            title="PostgreSQL",
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

    async def start(self) -> None:
        """Return once it takes connections. One that runs is left as it is.

        Makes the cluster where there is none, and recovers one that crashed. A new cluster may
        still be on its way to the disk; `ensure_database` waits for that. Raises `Problems`.
        """
        try:
            await self._server.start(self._processes)
        except BaseException:
            await self._flushed()
            raise
        self._flush()

    def _flush(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.create_task(asyncio.to_thread(self.cluster.flush))

    async def _flushed(self) -> None:
        """See a new cluster on the disk."""
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            await flushing

    async def _prepare(self) -> None:
        await self.cluster.tidy(self._processes, self.name)
        if not self.cluster.exists:
            await self.cluster.create(self._processes, self.name)
            self._flush()
        await self._settle()

    def _command(self, port: int) -> Command:
        self.cluster.write_settings(port)
        argv = (str(binaries.postgres()), "-D", str(self.cluster.data))
        return self.cluster.command(self.name, argv, self.log)

    async def _settle(self) -> None:
        """See the last of a server that was killed, whose processes may outlive it a moment.

        Its lock file names a pid; where that means another process by now, PostgreSQL would not
        start for fear of a second server on the same data. The rest of the file stays: by it the
        next server finds the shared memory that this one left, and frees it.
        """
        deadline = asyncio.get_running_loop().time() + ORPHAN_SECONDS
        while left := at_work_in(self.cluster.data):
            if asyncio.get_running_loop().time() > deadline:
                lifetime.kill(left)
            await asyncio.sleep(0.01)
        self.cluster.disown_lock()

    async def accepts(self) -> bool:
        """Whether it takes connections now: it asks for the password.

        While it starts, its lock file says so, and it is not asked: it would log each refusal.
        """
        running, port = self._processes.find(self.name), self.port
        if running is None or port is None or not self.cluster.is_ready(running.pid):
            return False
        asked = f"user\0{ADMIN}\0database\0{ADMIN}\0\0".encode()
        try:
            async with asyncio.timeout(1.0):
                reader, writer = await asyncio.open_connection(HOST, port)
                try:
                    writer.write(struct.pack("!ii", len(asked) + 8, PROTOCOL) + asked)
                    return await reader.read(1) == b"R"
                finally:
                    writer.close()
                    with suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return False

    async def ensure_database(self, name: str) -> str:
        """Have a database, and a role of that name that owns it and nothing else; its URL.

        `name` is a plain identifier (ValueError). The password never changes. Raises `Problems`.
        """
        if not NAME.fullmatch(name):
            raise ValueError(f"not a name for a database: {name!r}")
        if not self.cluster.knows(name) or not await self._admits(name):
            password = self.cluster.password(name)
            sql = DATABASE.format(name=name, password=password)
            made = await self._psql(sql, ADMIN, ADMIN)
            if made.exit_code != 0:
                said = made.output.replace(password, "***").strip()
                what = f"the database {name} could not be made: {said}"
                raise Problems([Problem("PostgreSQL", what, f"read {self.log}")], exit_code=1)
        await self._flushed()
        return self.url(name)

    def url(self, database: str) -> str:
        """What an app connects to a database with; the database must have been ensured."""
        password = self.cluster.password(database)
        return f"postgresql://{database}:{password}@{HOST}:{self.port}/{database}"

    def admin_environment(self) -> Mapping[str, str]:
        """What `psql`, `pg_dump` and the like need to act as the administrator."""
        return self._environment(ADMIN, ADMIN)

    def _environment(self, role: str, database: str) -> Mapping[str, str]:
        return {
            "PATH": os.defpath,
            "LC_ALL": "C",
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": role,
            "PGPASSWORD": self.cluster.password(role),
            "PGDATABASE": database,
            "PGCONNECT_TIMEOUT": "5",
        }

    async def _admits(self, database: str) -> bool:
        return (await self._psql("SELECT 1;", database, database)).exit_code == 0

    async def _psql(self, sql: str, role: str, database: str) -> short.Finished:
        """Run statements that come by pipe, so that `ps` shows none of them."""
        options = {"PGOPTIONS": SILENT} if role == ADMIN else {}
        return await short.run(
            [str(binaries.postgres("psql")), "-XqAt", "-v", "ON_ERROR_STOP=1"],
            environment={**self._environment(role, database), **options},
            said=sql,
            timeout_seconds=60.0,
        )

    async def stop(self, grace_seconds: float = 15.0) -> None:
        """Shut it down: cut its connections, write everything, end.

        Where that takes longer than `grace_seconds` it ends at once, and recovers at the next
        start; what was committed is kept in either case.
        """
        self._processes.signal(self.name, signal.SIGINT)
        await self._processes.wait(self.name, grace_seconds)
        await self._processes.stop(self.name, grace_seconds=5.0, signal=signal.SIGQUIT)
        await self._flushed()


def at_work_in(data: Path) -> list[procfs.Stat]:
    """The processes whose current folder is that one, by whatever path they see it."""
    return [stat for stat in procfs.scan().values() if stat.alive and stands_in(stat.pid, data)]


def stands_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False
