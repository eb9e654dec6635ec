"""A real PostgreSQL for the runtime's tests: the local target's own, on a free loopback port."""

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from fairway.targets.local.postgres import Postgres
from fairway.targets.local.processes import ProcessTable

__all__ = ["PostgresServer", "postgres_server"]


class PostgresServer:
    """A server with a database of its own per test; may be stopped and started again."""

    def __init__(self, home: Path, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._table = ProcessTable(home / "run")
        self._server = Postgres(home / "db", self._table, "db", log=home / "db.log")

    def start(self) -> None:
        self._runner.run(self._server.start())

    def database(self) -> str:
        """The URL of a new database, owned by its role."""
        return self._runner.run(self._server.ensure_database(f"t{secrets.token_hex(6)}"))

    @property
    def admin_url(self) -> str:
        told = self._server.admin_environment()
        place = f"127.0.0.1:{told['PGPORT']}/postgres"
        return f"postgresql://{told['PGUSER']}:{told['PGPASSWORD']}@{place}"

    def stop(self) -> None:
        """End it at once, without a word to its clients."""

        async def end() -> None:
            for each in self._table.all():
                await self._table.stop(each.name, grace_seconds=10, signal=signal.SIGQUIT)
            await self._table.reap_strays()

        self._runner.run(end())


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """Started; stopped and removed afterwards."""
    memory = Path("/dev/shm")  # not under pytest's own folder, which only its owner may enter
    parent = memory if os.access(memory, os.W_OK) else Path("/var/tmp")
    home = parent / f"fairway-test-{secrets.token_hex(6)}"
    home.mkdir()
    with asyncio.Runner() as runner:
        server = PostgresServer(home, runner)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(home)
