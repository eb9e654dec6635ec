"""Redis: the real server of the wheel, started, killed and found again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from fairway.core.problem import Problems
from fairway.targets.local import procfs
from fairway.targets.local.processes import ProcessTable
from fairway.targets.local.redis import Redis

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[ProcessTable]:
    table = ProcessTable(tmp_path / "run")
    yield table
    for each in table.all():
        await table.stop(each.name, grace_seconds=0)


@pytest.fixture
async def server(tmp_path: Path, table: ProcessTable) -> Redis:
    server = Redis(tmp_path / "my cache", table, "cache", log=tmp_path / "cache.log")
    await server.start()
    return server


@pytest.mark.requirement("R94")
async def test_what_a_redis_before_version_7_wrote_is_read(
    tmp_path: Path, table: ProcessTable
) -> None:
    data = tmp_path / "older" / "data"
    data.mkdir(parents=True)
    # One file, where later versions have a folder of them.
    (data / "appendonly.aof").write_bytes(
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$4\r\nname\r\n$5\r\nvalue\r\n"
    )
    server = Redis(tmp_path / "older", table, "cache")
    await server.start()
    with client(server.url) as connection:
        assert connection.get("name") == b"value"


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=5)


@pytest.mark.requirement("R94")
async def test_what_was_written_is_there_after_a_restart_at_the_same_url(
    tmp_path: Path, table: ProcessTable, server: Redis
) -> None:
    url = server.url
    with client(url) as connection:
        connection.set("name", "value")
    await server.stop()
    assert table.find("cache") is None

    again = Redis(tmp_path / "my cache", table, "cache", log=tmp_path / "cache.log")
    await again.start()
    assert again.url == url
    with client(url) as connection:
        assert connection.get("name") == b"value"


async def test_starting_one_that_runs_leaves_it_as_it_is(
    tmp_path: Path, table: ProcessTable, server: Redis
) -> None:
    running = table.find("cache")
    await Redis(tmp_path / "my cache", ProcessTable(tmp_path / "run"), "cache").start()
    assert table.find("cache") == running


@pytest.mark.requirement("R247")
async def test_a_killed_server_comes_back_with_what_it_had_written(
    table: ProcessTable, server: Redis
) -> None:
    with client(server.url) as connection:
        connection.set("name", "value")
    time.sleep(1.1)  # noqa: ASYNC251 - it writes once a second
    table.signal("cache", signal.SIGKILL)
    await server.start()
    with client(server.url) as connection:
        assert connection.get("name") == b"value"


async def test_a_tail_that_a_crash_cut_off_does_not_keep_it_from_starting(
    tmp_path: Path, table: ProcessTable, server: Redis
) -> None:
    with client(server.url) as connection:
        connection.set("name", "value")
    await server.stop()
    log = tmp_path / "my cache" / "data" / "appendonly.aof"
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$5\r\nhal")
    await server.start()
    with client(server.url) as connection:
        assert connection.get("name") == b"value"


async def test_it_answers_on_the_loopback_address_with_its_password_only(server: Redis) -> None:
    assert await server.accepts()
    stranger = client(f"redis://127.0.0.1:{server.port}/0")
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with client(server.url) as connection:
        assert connection.config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.requirement("R73")
async def test_no_password_is_seen_in_commands_records_or_logs(
    tmp_path: Path, server: Redis
) -> None:
    password = (tmp_path / "my cache" / "password").read_text().strip()
    assert password in server.url
    assert not [pid for pid in procfs.scan() if password in procfs.command_line(pid)]
    assert password not in (tmp_path / "run" / "cache.json").read_text()
    assert password not in server.log.read_text()
    for name in ("password", "redis.conf"):
        assert (tmp_path / "my cache" / name).stat().st_mode & 0o077 == 0


@pytest.mark.requirement("R93")
async def test_with_a_limit_it_drops_some_instead_of_refusing(
    tmp_path: Path, table: ProcessTable
) -> None:
    server = Redis(tmp_path / "small", table, "small", memory_mib=4)
    await server.start()
    with client(server.url) as connection:
        for ordinal in range(100):
            connection.set(f"key-{ordinal}", b"x" * 100_000)
        # Which ones stay is Redis's guess: its clock of use has a resolution of one second.
        assert 0 < connection.dbsize() <= 41
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}


async def test_a_port_that_somebody_else_has_is_not_waited_for(server: Redis) -> None:
    before = server.port
    assert before is not None
    await server.stop()
    with socket.create_server(("127.0.0.1", before)):
        await server.start()
        assert server.port not in {before, None}
        assert await server.accepts()


async def test_what_keeps_it_from_starting_is_told_with_its_last_lines(
    tmp_path: Path, server: Redis
) -> None:
    await server.stop()
    data = tmp_path / "my cache" / "data"
    (data / "appendonlydir" / "appendonly.aof.1.incr.aof").write_text("no such format\n")
    with pytest.raises(Problems) as caught:
        await server.start()
    said = str(caught.value)
    assert said.startswith("Redis: it ended instead of starting:\n")
    assert "Bad file format reading the append only file" in said
    assert said.endswith(f"read {tmp_path / 'cache.log'}")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    full = tmp_path / "full"
    full.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", full], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    with pytest.raises(OSError, match="No space"):
        (full / "filler").write_bytes(os.urandom(70_000))
    yield full
    subprocess.run(["umount", full], check=True)


async def test_a_full_disk_is_a_problem_that_says_so(table: ProcessTable, full_disk: Path) -> None:
    with pytest.raises(Problems) as caught:
        await Redis(full_disk / "cache", table, "cache").start()
    assert str(caught.value).startswith("Redis: the disk is full: 0 KiB are free ")
    assert table.all() == ()
