"""The object store: real S3 requests, restarts, kills in the middle of a write."""

import asyncio
import hashlib
import os
import random
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fairway.core.problem import Problems
from fairway.targets.local.exchange import read_answer
from fairway.targets.local.objectstore import Object, ObjectStore
from fairway.targets.local.processes import ProcessTable

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
async def store(tmp_path: Path, table: ProcessTable) -> ObjectStore:
    store = ObjectStore(tmp_path / "files", table, "files", log=tmp_path / "files.log")
    await store.start()
    await store.ensure_bucket("weather-files")
    return store


def s3(store: ObjectStore) -> Any:
    """A client as an app makes it, from the variables that it is given."""
    told = store.environment
    return boto3.client(
        "s3",
        endpoint_url=told["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        region_name=told["AWS_DEFAULT_REGION"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
    )


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


@pytest.mark.requirement("R101", "R102")
async def test_objects_survive_a_restart_with_their_metadata(
    tmp_path: Path, table: ProcessTable, store: ObjectStore
) -> None:
    body = os.urandom(300_000)
    await asyncio.to_thread(
        s3(store).put_object,
        Bucket="weather-files",
        Key="incoming/ä b+c%20.csv",
        Body=body,
        ContentType="text/csv",
        Metadata={"station": "0042"},
    )
    before = await store.list_objects("weather-files")
    assert before == (Object("incoming/ä b+c%20.csv", md5(body), 300_000),)

    await store.stop()
    assert table.find("files") is None
    again = ObjectStore(tmp_path / "files", table, "files")
    await again.start()
    assert again.port == store.port
    assert await again.list_objects("weather-files") == before
    found = await asyncio.to_thread(
        s3(again).get_object, Bucket="weather-files", Key="incoming/ä b+c%20.csv"
    )
    assert (found["ContentType"], found["Metadata"]) == ("text/csv", {"station": "0042"})
    assert await asyncio.to_thread(found["Body"].read) == body


async def test_starting_one_that_runs_leaves_it_as_it_is(
    tmp_path: Path, table: ProcessTable, store: ObjectStore
) -> None:
    running = table.find("files")
    await ObjectStore(tmp_path / "files", ProcessTable(tmp_path / "run"), "files").start()
    assert table.find("files") == running


async def test_a_bucket_that_is_there_keeps_its_objects(store: ObjectStore) -> None:
    await asyncio.to_thread(s3(store).put_object, Bucket="weather-files", Key="a", Body=b"x")
    await store.ensure_bucket("weather-files")
    assert [each.key for each in await store.list_objects("weather-files")] == ["a"]


@pytest.mark.requirement("R109")
async def test_objects_are_listed_by_prefix_over_several_pages(store: ObjectStore) -> None:
    client = s3(store)

    def fill() -> None:
        for ordinal in range(1005):
            client.put_object(Bucket="weather-files", Key=f"in/{ordinal:05}", Body=b"x")
        client.put_object(Bucket="weather-files", Key="out/1", Body=b"y")

    await asyncio.to_thread(fill)
    assert len(await store.list_objects("weather-files")) == 1006
    found = await store.list_objects("weather-files", "in/")
    assert [each.key for each in found] == [f"in/{ordinal:05}" for ordinal in range(1005)]
    assert {each.etag for each in found} == {md5(b"x")}


async def test_a_new_version_of_an_object_has_another_etag(store: ObjectStore) -> None:
    for body in (b"one", b"two"):
        await asyncio.to_thread(s3(store).put_object, Bucket="weather-files", Key="a", Body=body)
        assert await store.list_objects("weather-files") == (Object("a", md5(body), 3),)


async def test_a_bucket_that_is_not_there_is_a_problem(store: ObjectStore) -> None:
    with pytest.raises(Problems, match="the bucket nowhere could not be listed: 404"):
        await store.list_objects("nowhere")
    with pytest.raises(ValueError, match="not a name for a bucket"):
        await store.ensure_bucket("../x")


async def test_a_store_that_does_not_run_is_a_problem(store: ObjectStore) -> None:
    await store.stop()
    assert not await store.accepts()
    with pytest.raises(Problems, match="the object store: it does not answer"):
        await store.list_objects("weather-files")


async def test_it_listens_on_the_loopback_address_only(
    table: ProcessTable, store: ObjectStore
) -> None:
    running = table.find("files")
    assert running is not None
    assert listening(running.pid) == {("0100007F", store.port)}


def listening(pid: int) -> set[tuple[str, int]]:
    """The addresses (as /proc/net/tcp has them) and ports that a process listens at."""
    links = (str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    mine = {link[len("socket:[") : -1] for link in links if link.startswith("socket:")}
    found: set[tuple[str, int]] = set()
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in mine:
                address, _, port = fields[1].partition(":")
                found.add((address, int(port, 16)))
    return found


async def test_it_writes_nowhere_but_under_its_home(
    tmp_path: Path, table: ProcessTable, store: ObjectStore
) -> None:
    # Others may run one of their own here, and leave these behind.
    began = (tmp_path / "files.log").stat().st_ctime
    await asyncio.to_thread(s3(store).put_object, Bucket="weather-files", Key="a", Body=b"x")
    running = table.find("files")
    assert running is not None
    elsewhere = [Path("/tmp/ministack-data"), Path("/tmp/ministack-state")]
    written = [path for each in elsewhere for path in (each, *each.rglob("*")) if path.exists()]
    assert not [path for path in written if path.stat().st_mtime > began]
    assert not Path(f"/tmp/ministack-{store.port}.pid").exists()  # noqa: ASYNC240
    assert written_by(running.pid) == {str(tmp_path / "files.log")}


def written_by(pid: int) -> set[str]:
    """The files that a process has open for writing."""
    return {
        str(target)
        for each in Path(f"/proc/{pid}/fdinfo").iterdir()
        if int(each.read_text().split()[3], 8) & os.O_ACCMODE
        and (target := Path(f"/proc/{pid}/fd/{each.name}").readlink()).is_absolute()
        and target.parts[1] != "dev"
    }


async def test_a_kill_in_the_middle_of_writes_leaves_whole_objects_only(
    table: ProcessTable, store: ObjectStore
) -> None:
    """What was confirmed is there as it was sent; what was not is there whole or not at all."""
    chance = random.Random(42)
    bodies = {f"file-{ordinal}": secrets.token_bytes(2_000_000) for ordinal in range(200)}
    confirmed: set[str] = set()
    client = s3(store)

    def write(keys: list[str]) -> None:
        for key in keys:
            try:
                client.put_object(Bucket="weather-files", Key=key, Body=bodies[key])
            except (BotoCoreError, ClientError):
                return
            confirmed.add(key)

    keys, port = sorted(bodies), store.port
    for turn in range(4):
        writing = asyncio.create_task(asyncio.to_thread(write, keys[turn * 50 : turn * 50 + 50]))
        await asyncio.sleep(chance.uniform(0.1, 0.5))
        table.signal("files", signal.SIGKILL)
        await writing
        await store.start()
        assert store.port == port  # apps were told this one
        found = await store.list_objects("weather-files")
        assert confirmed <= {each.key for each in found}
        for each in found:
            assert each == Object(each.key, md5(bodies[each.key]), 2_000_000)
    some = sorted(confirmed)[:3]
    for key in some:
        got = await asyncio.to_thread(client.get_object, Bucket="weather-files", Key=key)
        assert await asyncio.to_thread(got["Body"].read) == bodies[key]


async def test_an_overwrite_that_a_kill_cut_in_two_is_mended(
    tmp_path: Path, table: ProcessTable, store: ObjectStore
) -> None:
    client = s3(store)
    for key in ("a", "b"):
        await asyncio.to_thread(
            client.put_object, Bucket="weather-files", Key=key, Body=b"old", Metadata={"by": "me"}
        )
    table.signal("files", signal.SIGKILL)
    await table.wait("files", 10)
    (file,) = (tmp_path / "files" / "data").rglob("a")
    file.write_bytes(b"new and longer")
    await store.start()

    assert await store.list_objects("weather-files") == (
        Object("a", md5(b"new and longer"), 14),
        Object("b", md5(b"old"), 3),
    )
    got = await asyncio.to_thread(client.get_object, Bucket="weather-files", Key="a")
    assert await asyncio.to_thread(got["Body"].read) == b"new and longer"
    assert got["Metadata"] == {"by": "me"}


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
        await ObjectStore(full_disk / "files", table, "files").start()
    assert str(caught.value).startswith("the object store: the disk is full: 0 KiB are free ")
    assert table.all() == ()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", b"abc"),
        (CHUNKED, b"abc"),
        (b"HTTP/1.1 204\r\n\r\n", b""),
    ],
)
async def test_an_answer_has_a_length_or_chunks_or_an_end(sent: bytes, body: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(sent)
    reader.feed_eof()
    assert (await read_answer(reader)).body == body
