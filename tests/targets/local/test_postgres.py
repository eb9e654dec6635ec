"""PostgreSQL: the real server of the wheel, started, killed, crowded out and found again."""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from fairway.core.problem import Problems
from fairway.targets.local import procfs, reach
from fairway.targets.local.launch import Command
from fairway.targets.local.postgres import Postgres
from fairway.targets.local.processes import ProcessTable

pytestmark = [pytest.mark.anyio, pytest.mark.real]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's own folder, which only its owner may enter."""
    memory = Path("/dev/shm")  # ten times as fast as a busy disk
    parent = memory if os.access(memory, os.W_OK) else Path("/var/tmp")
    home = parent / f"fairway-test-{secrets.token_hex(6)}"
    home.mkdir()
    yield home
    shutil.rmtree(home)


@pytest.fixture
async def table(home: Path) -> AsyncIterator[ProcessTable]:
    table = ProcessTable(home / "run")
    yield table
    for each in table.all():
        # Killed, it would leave its shared memory behind.
        await table.stop(each.name, grace_seconds=10, signal=signal.SIGQUIT)
    await table.reap_strays()


@pytest.fixture
async def postgres(home: Path, table: ProcessTable) -> Postgres:
    postgres = Postgres(home / "db", table, "db", log=home / "db.log")
    await postgres.start()
    return postgres


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def admin_url(postgres: Postgres) -> str:
    told = postgres.admin_environment()
    return f"postgresql://{told['PGUSER']}:{told['PGPASSWORD']}@127.0.0.1:{told['PGPORT']}/postgres"


async def until(holds: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


@pytest.mark.requirement("R77")
async def test_a_database_is_made_once_and_keeps_its_url(
    home: Path, table: ProcessTable, postgres: Postgres
) -> None:
    url = await postgres.ensure_database("weather_db")
    query(url, "CREATE TABLE t (x int); INSERT INTO t VALUES (7)")
    assert await postgres.ensure_database("weather_db") == url

    await postgres.stop()
    assert table.find("db") is None
    again = Postgres(home / "db", table, "db", log=home / "db.log")
    await again.start()
    assert await again.ensure_database("weather_db") == url
    assert query(url, "SELECT x FROM t") == [(7,)]


async def test_starting_one_that_runs_leaves_it_as_it_is(
    home: Path, table: ProcessTable, postgres: Postgres
) -> None:
    running = table.find("db")
    await Postgres(home / "db", ProcessTable(home / "run"), "db", log=home / "db.log").start()
    assert table.find("db") == running


@pytest.mark.requirement("R87", "R201")
async def test_a_role_may_enter_its_own_database_only(postgres: Postgres) -> None:
    url = await postgres.ensure_database("one")
    other = await postgres.ensure_database("two")
    for database in ("two", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            query(url.rpartition("/")[0] + "/" + database, "SELECT 1")
    rights = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    assert query(other, f"SELECT {rights} FROM pg_roles WHERE rolname = 'two'") == [(False,)]


@pytest.mark.requirement("R86")
async def test_it_listens_on_the_loopback_address_with_a_password_only(
    home: Path, postgres: Postgres
) -> None:
    url = await postgres.ensure_database("one")
    admin = admin_url(postgres)
    assert query(admin, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert query(admin, "SHOW unix_socket_directories") == [("",)]
    assert query(url, "SELECT 1") == [(1,)]
    wrong = f"postgresql://one:wrong@127.0.0.1:{postgres.port}/one"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        query(wrong, "SELECT 1")
    outside = local_address()
    if outside is not None:
        with socket.socket() as probe, pytest.raises(OSError, match="refused"):
            probe.connect((outside, postgres.port))


def local_address() -> str | None:
    """An address of this machine that is not the loopback one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


@pytest.mark.requirement("R73")
async def test_no_password_is_seen_in_commands_records_or_logs(
    home: Path, table: ProcessTable, postgres: Postgres
) -> None:
    await postgres.ensure_database("one")
    passwords = [file.read_text().strip() for file in (home / "db" / "passwords").iterdir()]
    assert len(passwords) == 2
    shown = [
        *(procfs.command_line(pid) for pid in procfs.scan()),
        *(file.read_text() for file in (home / "run").iterdir()),
        (home / "db.log").read_text(),
        (home / "db" / "settings.conf").read_text(),
    ]
    assert not [text for text in shown for password in passwords if password in text]
    for file in (home / "db" / "passwords").iterdir():
        assert file.stat().st_mode & 0o077 == 0


@pytest.mark.requirement("R91", "C3")
async def test_its_settings_are_safe_and_told(postgres: Postgres) -> None:
    url = await postgres.ensure_database("one")
    for name, value in {
        "fsync": "on",
        "archive_mode": "on",
        "wal_level": "replica",
        "max_connections": "200",
        "log_min_duration_statement": "500ms",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }.items():
        assert query(url, f"SHOW {name}") == [(value,)], name
    assert query(url, "SELECT upper('zürich ø')") == [("ZÜRICH Ø",)]
    query(url, "SELECT pg_sleep(0.55)")
    await until(lambda: "SELECT pg_sleep(0.55)" in postgres.log.read_text())


@pytest.mark.requirement("C3")
async def test_its_log_is_archived_segment_by_segment(home: Path, postgres: Postgres) -> None:
    archive = home / "db" / "archive"
    url = admin_url(postgres)
    ((segment,),) = query(url, "SELECT pg_walfile_name(pg_switch_wal())")
    await until((archive / str(segment)).exists)
    assert (archive / str(segment)).stat().st_size == 16 * 1024 * 1024
    # The rest of a segment that was closed early is empty, and takes no room.
    assert (archive / str(segment)).stat().st_blocks * 512 < 16 * 1024 * 1024
    # One that is there already is not written again, nor does it hold up those that follow.
    ready = home / "db" / "data" / "pg_wal" / "archive_status"
    await until((ready / f"{segment}.done").exists)
    (ready / f"{segment}.done").rename(ready / f"{segment}.ready")
    query(url, "CREATE TABLE t (x int)")
    ((second,),) = query(url, "SELECT pg_walfile_name(pg_switch_wal())")
    await until((archive / str(second)).exists)
    await until((ready / f"{segment}.done").exists)


async def test_a_killed_server_comes_back_with_what_was_committed(
    table: ProcessTable, postgres: Postgres
) -> None:
    url = await postgres.ensure_database("one")
    query(url, "CREATE TABLE t (x int)")
    for turn in range(5):
        query(url, f"INSERT INTO t VALUES ({turn})")
        with psycopg.connect(url):
            table.signal("db", signal.SIGKILL)
            await postgres.start()
        assert query(url, "SELECT count(*) FROM t") == [(turn + 1,)]


def shared_memory() -> set[str]:
    return {each.name for each in Path("/dev/shm").glob("PostgreSQL.*")}


async def test_the_shared_memory_of_a_killed_server_is_freed(
    table: ProcessTable, postgres: Postgres
) -> None:
    running = table.find("db")
    assert running is not None
    maps = Path(f"/proc/{running.pid}/maps").read_text()  # noqa: ASYNC240
    mine = {name for name in shared_memory() if name in maps}
    assert mine
    table.signal("db", signal.SIGKILL)
    await postgres.start()
    assert not mine & shared_memory()


async def test_a_lock_file_that_names_somebody_elses_pid_is_no_obstacle(
    home: Path, table: ProcessTable, postgres: Postgres
) -> None:
    lock = home / "db" / "data" / "postmaster.pid"
    text = lock.read_text()
    table.signal("db", signal.SIGKILL)
    await table.wait("db", 10)
    stranger = subprocess.Popen(["sleep", "60"], user=postgres.cluster.user)  # noqa: ASYNC220
    try:
        lock.write_text(f"{stranger.pid}\n" + text.partition("\n")[2])
        await postgres.start()
        assert await postgres.accepts()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_port_that_somebody_else_has_is_not_waited_for(
    table: ProcessTable, postgres: Postgres
) -> None:
    before = postgres.port
    assert before is not None
    await postgres.stop()
    with socket.create_server(("127.0.0.1", before)):
        await postgres.start()
        assert postgres.port not in {before, None}
        assert await postgres.accepts()
        await postgres.stop()
    kept = postgres.port
    await postgres.start()
    assert postgres.port == kept


ENGINE = """
import asyncio, sys
from pathlib import Path
from fairway.targets.local.postgres import Postgres
from fairway.targets.local.processes import ProcessTable

home = Path(sys.argv[1])
print("ready", flush=True)
asyncio.run(Postgres(home / "db", ProcessTable(home / "run"), "db", log=home / "db.log").start())
"""


def kill_an_engine(home: Path, after_seconds: float) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, home], env=environment, stdout=subprocess.PIPE
    ) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"ready\n"
        time.sleep(after_seconds)
        engine.kill()


async def test_an_engine_killed_while_the_cluster_is_made_does_no_harm(
    home: Path, table: ProcessTable
) -> None:
    for seconds in (0.0, 0.02, 0.1, 0.3, 0.6, 0.8):
        await asyncio.to_thread(kill_an_engine, home, seconds)
    later = Postgres(home / "db", table, "db", log=home / "db.log")
    await later.start()
    url = await later.ensure_database("one")
    assert query(url, "SELECT 1") == [(1,)]
    assert {each.name for each in table.all()} == {"db"}
    assert table.strays() == ()
    assert names(home / "db") == {"archive", "data", "passwords", "port", "settings.conf"}


async def test_an_engine_killed_when_the_cluster_was_made_leaves_no_password_and_no_process(
    home: Path, table: ProcessTable, postgres: Postgres
) -> None:
    await postgres.stop()
    (home / "db" / "initdb.password").write_text("secret")
    (home / "db" / "initdb.log").touch()
    path, log = {"PATH": os.defpath}, home / "left.log"
    left = Command(
        name="db.initdb", argv=("sleep", "60"), directory=home, environment=path, log=log
    )
    await table.start(left)
    await postgres.start()
    assert {each.name for each in table.all()} == {"db"}
    assert not names(home / "db") & {"initdb.log", "initdb.password"}


async def test_what_keeps_it_from_starting_is_told_with_its_last_lines(
    home: Path, postgres: Postgres
) -> None:
    await postgres.stop()
    (home / "db" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(Problems) as caught:
        await postgres.start()
    said = str(caught.value)
    assert said.startswith("PostgreSQL: it ended instead of starting:\n")
    assert "The data directory was initialized by PostgreSQL version 9" in said
    assert said.endswith(f"read {home / 'db.log'}")


def small_disk(at: Path, size: str) -> None:
    at.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", at], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")


@pytest.fixture(params=["1m", "10m", "30m"])
def small(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    small_disk(home / "small", request.param)
    yield home / "small"
    subprocess.run(["umount", home / "small"], check=True)


async def test_a_full_disk_is_a_problem_that_says_so(
    small: Path, home: Path, table: ProcessTable
) -> None:
    with pytest.raises(Problems) as caught:
        await Postgres(small / "db", table, "db", log=small / "db.log").start()
    assert str(caught.value).startswith("PostgreSQL: the disk is full: ")
    assert table.all() == ()
    assert not [each for each in names(small / "db") if each.startswith("data")]


@root_only
async def test_root_runs_it_as_nobody(table: ProcessTable, postgres: Postgres) -> None:
    running = table.find("db")
    assert running is not None
    status = Path(f"/proc/{running.pid}/status").read_text()  # noqa: ASYNC240
    nobody = reach.unprivileged_user()
    assert f"Uid:\t{nobody}\t{nobody}\t{nobody}\t{nobody}" in status
    assert "CapEff:\t0000000000000000" in status


@root_only
async def test_root_may_keep_the_project_where_nobody_else_may_enter(
    home: Path, table: ProcessTable
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    user = reach.unprivileged_user()
    assert user is not None
    (closed / "project").mkdir()
    assert reach.closed_folders(user, [closed / "project" / "db"]) == (closed,)

    postgres = Postgres(closed / "project" / "db", table, "db", log=closed / "db.log")
    await postgres.start()
    url = await postgres.ensure_database("one")
    query(url, "CREATE TABLE t (x int)")
    table.signal("db", signal.SIGKILL)
    await postgres.start()
    assert query(url, "SELECT count(*) FROM t") == [(0,)]
    await postgres.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert str(closed) not in Path("/proc/self/mounts").read_text()  # noqa: ASYNC240
    assert list((closed / "project" / "db" / "archive").iterdir())


async def test_only_a_plain_name_can_be_a_databases(postgres: Postgres) -> None:
    for name in ('x"; DROP', "", "1x", "x" * 64, "x'y"):
        with pytest.raises(ValueError, match="not a name for a database"):
            await postgres.ensure_database(name)
