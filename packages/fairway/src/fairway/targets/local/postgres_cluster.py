"""The files of a PostgreSQL cluster: made once, whole or not at all.

Place in the flow: `postgres.py` calls `create` where there is no data yet, and `write_settings`
before every start. `initdb` fills a draft, which is renamed when it is complete, so that a kill
at any moment leaves either no cluster or a whole one. What initdb would flush to the disk one
file after the other before anything else can go on, `flush` does while the server starts;
`unflushed` stands beside the data until that is done, and survives a crash of the machine's
power or ours.
"""

import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

from fairway.core.problem import Problem, Problems, indented
from fairway.targets.local import binaries, disk, private, reach, server
from fairway.targets.local.processes import Command, ProcessTable

__all__ = ["ADMIN", "Cluster"]

ADMIN = "postgres"
INITDB_SECONDS = 120.0
NO_PID = 1 << 22  # one more than Linux ever gives
SETTINGS = """\
# Written at every start of this server.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 128MB
fsync = on
jit = off
max_wal_size = 1GB
wal_level = replica
archive_mode = on
archive_timeout = 300
archive_command = '{archive}'
password_encryption = scram-sha-256
log_destination = stderr
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 500
log_checkpoints = off
log_timezone = UTC
timezone = UTC
"""
ACCESS = """\
# TYPE  DATABASE     USER  ADDRESS       METHOD
host    all          all   127.0.0.1/32  scram-sha-256
host    replication  all   127.0.0.1/32  scram-sha-256
"""


class Cluster:
    """The data, the archive of its log and the settings under `home`, owned by `user`.

    `data` and `archive` are PostgreSQL's own; `passwords` only ours.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.data = self.home / "data"
        self.archive = self.home / "archive"
        self.draft = self.home / "data.draft"
        self.draft_log = self.home / "initdb.log"
        self.draft_password = self.home / "initdb.password"
        self.user = reach.unprivileged_user()

    @property
    def exists(self) -> bool:
        return self.data.exists()

    @property
    def unflushed(self) -> Path:
        return self.home / "unflushed"

    def knows(self, role: str) -> bool:
        """Whether that role was ever given a password."""
        return (self.home / "passwords" / role).exists()

    def disown_lock(self) -> None:
        """Have the lock file of a server that is gone name a pid that no process can have."""
        lock = self.data / "postmaster.pid"
        try:
            lines = lock.read_text().splitlines(keepends=True)
        except OSError:
            return
        if lines:
            lock.write_text("".join([f"{NO_PID}\n", *lines[1:]]))

    def is_ready(self, pid: int) -> bool:
        """Whether the server with that pid has written down that it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(pid)] and [each.strip() for each in lines[7:8]] == ["ready"]

    def password(self, role: str) -> str:
        """The password of a role, the same for ever."""
        return private.password(self.home / "passwords" / role)

    def command(self, name: str, argv: tuple[str, ...], log: Path) -> Command:
        """A command of PostgreSQL's own user, who must reach its programs and our files."""
        wheel = Path(argv[0]).parents[1]
        return Command(
            name=name,
            argv=argv,
            directory=self.home,
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            log=log,
            user=self.user,
            before=reach.view(self.user, (wheel, self.home)),
        )

    async def create(self, processes: ProcessTable, name: str) -> None:
        """Make the data folder. Raises `Problems` where that can't be done."""
        task = f"{name}.initdb"
        try:
            self.prepare()
            argv = initdb(self.draft, self.draft_password)
            await processes.start(self.command(task, argv, self.draft_log))
            code = await processes.wait(task, INITDB_SECONDS)
            if code != 0:
                raise Problems([self.failure(server.last_lines(self.draft_log))], exit_code=1)
            self.complete()
        except OSError as error:
            raise disk.refused("PostgreSQL", error, self.home) from error
        finally:
            await self.tidy(processes, name)

    async def tidy(self, processes: ProcessTable, name: str) -> None:
        """Drop what an attempt to make the data leaves, also that of an engine that was killed."""
        await processes.stop(f"{name}.initdb", grace_seconds=0)
        shutil.rmtree(self.draft, ignore_errors=True)
        for file in (self.draft_password, self.draft_log):
            file.unlink(missing_ok=True)

    def prepare(self) -> None:
        for folder in (self.draft, self.archive):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            self.own(folder)
        private.write(self.draft_password, self.password(ADMIN) + "\n")
        self.own(self.draft_password)

    def complete(self) -> None:
        """The draft becomes the data."""
        (self.draft / "pg_hba.conf").write_text(ACCESS)
        with (self.draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude '../settings.conf'\n")
        self.unflushed.touch()
        self.draft.rename(self.data)

    def write_settings(self, port: int) -> None:
        """Say how the server is to run from now on."""
        text = SETTINGS.format(port=port, archive=archive_command(self.archive).replace("'", "''"))
        try:
            private.write(self.home / "settings.conf", text, mode=0o644)
        except OSError as error:
            raise disk.refused("PostgreSQL", error, self.home) from error

    def flush(self) -> None:
        """Have every file of a new cluster on the disk itself.

        Told of all files first, the system writes them together; asked one by one, it would
        commit its journal for each (measured on ext4: 0.07 s against 0.14 to 2 s).
        """
        if not self.unflushed.exists():
            return
        for each in (begin_writing, flush_one):
            for folder, _, files in os.walk(self.data, topdown=False):
                for name in (*files, "."):
                    on_open(Path(folder, name), each)
        on_open(self.home, flush_one)
        self.unflushed.unlink()

    def own(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user, self.user)

    def failure(self, said: str) -> Problem:
        """Why `initdb` failed, from its own words and what the disk says."""
        if disk.FULL in said or disk.is_full(self.home):
            return disk.full("PostgreSQL", self.home)
        if reach.REFUSED in said:
            assert self.user is not None
            closed = reach.closed_folders(self.user, (self.home, binaries.postgres()))
            return Problem(
                "PostgreSQL",
                f"it must not run as root, and nobody else may enter {closed[0]}",
                f"chmod o+x {closed[0]}, or move the project, or run as another user",
            )
        lines = indented(said.splitlines()[-5:])
        return Problem("PostgreSQL", f"its data could not be created:{lines}", "mend the cause")


def initdb(data: Path, password: Path) -> tuple[str, ...]:
    return (
        str(binaries.postgres("initdb")),
        f"--pgdata={data}",
        f"--username={ADMIN}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # Text sorts by its bytes, the fastest order and the same everywhere; case is Unicode's.
        "--locale=C",
        f"--lc-ctype={'C.UTF-8' if knows_unicode() else 'C'}",
        "--no-sync",
        "--no-clean",
        "--no-instructions",
    )


def knows_unicode() -> bool:
    """Whether the C library has C.UTF-8: its own since 2.35, Debian's and Fedora's before."""
    version = (os.confstr("CS_GNU_LIBC_VERSION") or "0.0").split()[-1]
    major, minor = (int(part) for part in version.split(".")[:2])
    return (major, minor) >= (2, 35) or Path("/usr/lib/locale/C.utf8").exists()


def archive_command(archive: Path) -> str:
    """What PostgreSQL runs to keep a finished segment of its log.

    A segment appears whole, and on the disk; one that is there already, because we were killed
    between keeping it and saying so, is fine if it is the same. The empty end of a segment
    that was closed early takes no room.
    """
    folder = shlex.quote(str(archive)).replace("%", "%%")
    kept, draft = f"{folder}/%f", f"{folder}/.%f.draft"
    return (
        f'if test -f {kept}; then cmp -s "%p" {kept}; else '
        f'cp --sparse=always "%p" {draft} && sync {draft} && mv {draft} {kept}; fi'
    )


def begin_writing(descriptor: int) -> None:
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def flush_one(descriptor: int) -> None:
    os.fsync(descriptor)


def on_open(path: Path, act: Callable[[int], None]) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # the server may have dropped it since
        return
    try:
        act(descriptor)
    finally:
        os.close(descriptor)
