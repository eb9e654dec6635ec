"""The own connection to Redis: replies in order, whatever is cut, cancelled, lost or garbage."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import Connection
from redis.exceptions import NoScriptError, ResponseError

from fairway_runtime.redis_link import RedisLink, RedisLost, Script
from fairway_runtime.redis_wire import Incomplete, Place, WireClient, read_reply, written
from tests.properties import examples
from tests.runtime.redis_server import RedisServer

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ECHO = Script("return ARGV[1]")

values = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def said(value: object) -> bytes:
    """A reply as Redis writes it."""
    match value:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % value
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
        case list():
            return b"*%d\r\n" % len(value) + b"".join(map(said, value))
        case _:
            raise AssertionError(value)


@given(value=values, before=st.binary(max_size=3), after=st.binary(max_size=3))
@examples(100)
def test_a_reply_is_read_where_it_stands_and_not_before_it_is_whole(
    value: object, before: bytes, after: bytes
) -> None:
    text = said(value)
    end = len(before) + len(text)
    assert read_reply(before + text + after, len(before)) == (value, end)
    for length in range(len(text)):
        with pytest.raises(Incomplete):
            read_reply(before + text[:length], len(before))


def test_words_and_errors_are_read_too() -> None:
    assert read_reply(b"+OK\r\n") == (b"OK", 5)
    assert read_reply(b"*-1\r\n") == (None, 5)
    error, _ = read_reply(b"-ERR no\r\n")
    assert isinstance(error, ResponseError)
    assert isinstance(read_reply(b"-NOSCRIPT no\r\n")[0], NoScriptError)
    for garbage in (b"HTTP/1.1 400\r\n", b"$x\r\n", b":\r\n"):
        with pytest.raises(ValueError, match=r"RESP|literal"):
            read_reply(garbage)


def test_a_command_is_written_as_redis_py_writes_it() -> None:
    arguments = ("SET", "k\u00e9y", b"\r\n", 7)
    packed = Connection().pack_command(*arguments)
    assert written(arguments) == b"".join(packed)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://", Place()),
        ("redis://:a%20b@cache:6380/2", Place("cache", 6380, password="a b", db=2)),
        ("rediss://ada:b@cache", Place("cache", username="ada", password="b", is_encrypted=True)),
        ("unix://:b@/run/redis?db=1", Place(path="/run/redis", password="b", db=1)),
        ("redis://cache?socket_keepalive=1", None),  # an option of redis-py's own
    ],
)
def test_a_url_means_what_it_means_to_redis_py(url: str, place: Place | None) -> None:
    assert Place.of(url) == place


@asynccontextmanager
async def serving(answer: Answer, encrypted: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=encrypted)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def command(reader: asyncio.StreamReader) -> list[bytes]:
    """The next command."""
    count = int((await reader.readline())[1:])
    found: list[bytes] = []
    for _ in range(count):
        length = int((await reader.readline())[1:])
        found.append((await reader.readexactly(length + 2))[:-2])
    return found


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The last word of each command, a byte at a time."""
    while not reader.at_eof():
        for byte in said((await command(reader))[-1]):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)


def test_whoever_asks_gets_the_answer_to_its_own_question() -> None:
    async def main() -> None:
        async with serving(echo) as port:
            client = WireClient(Place("127.0.0.1", port))
            asked = [asyncio.create_task(client.execute_command("ECHO", n)) for n in range(50)]
            await asyncio.sleep(0.01)
            for task in asked[::3]:
                task.cancel()
            answers = await asyncio.gather(*asked, return_exceptions=True)
            for number, answer in enumerate(answers):
                is_gone = isinstance(answer, asyncio.CancelledError)
                assert answer == b"%d" % number or (is_gone and number % 3 == 0)
            assert await client.execute_command("ECHO", "after") == b"after"
            await client.aclose()

    asyncio.run(main())


def test_garbage_and_a_lost_connection_are_told_and_the_next_command_opens_another() -> None:
    openings: list[int] = []

    async def worse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        openings.append(1)
        await command(reader)
        if len(openings) == 1:
            writer.write(b"$5\r\nhal")  # and it dies
        elif len(openings) == 2:
            writer.write(b"<html>\r\n")
            await reader.read()
        else:
            writer.write(b"+OK\r\n")
            await writer.drain()

    async def main() -> None:
        async with serving(worse) as port:
            client = WireClient(Place("127.0.0.1", port))
            for _ in range(2):
                with pytest.raises(ConnectionError):
                    await client.execute_command("PING")
            assert await client.execute_command("PING") == b"OK"
            await client.aclose()

    asyncio.run(main())


def test_an_opening_that_hangs_is_given_up_and_cancels_nobody() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read()

    async def main() -> None:
        async with serving(silent) as port:
            link = RedisLink(f"redis://:secret@127.0.0.1:{port}/0", "x", seconds=0.05)
            both = (link.command("PING"), link.command("PING"))
            found = await asyncio.gather(*both, return_exceptions=True)
            assert [type(one) for one in found] == [RedisLost, RedisLost]
            await link.close()

    asyncio.run(main())


def test_it_speaks_tls_to_who_has_a_certificate_that_is_trusted_and_to_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = made_certificate(tmp_path)
    encrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encrypted.load_cert_chain(certificate, key)

    async def asked() -> object:
        async with serving(echo, encrypted) as port:
            place = Place.of(f"rediss://localhost:{port}")
            assert place is not None
            client = WireClient(place)
            try:
                return await client.execute_command("ECHO", "secret")
            finally:
                await client.aclose()

    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(asked())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert asyncio.run(asked()) == b"secret"


def made_certificate(folder: Path) -> tuple[Path, Path]:
    """Of localhost, by itself, for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


@pytest.mark.real
@pytest.mark.requirement("R231")
def test_a_real_redis_that_freezes_is_lost_in_time_and_found_again(tmp_path: Path) -> None:
    async def main() -> None:
        with RedisServer(tmp_path) as server:
            link = RedisLink(server.url, "x", seconds=0.1)
            assert await link.command("SET", "k", b"\x00\r\n") == b"OK"
            large = b"x" * 3_000_000
            await link.command("SET", "large", large)
            answers = await asyncio.gather(
                link.command("GET", "k"),
                link.run(ECHO, ["k"], ["7"]),  # its text was never there
                link.command("GET", "nothing"),
                link.command("GET", "large"),
                link.command("INCR", "n"),
            )
            assert answers == [b"\x00\r\n", b"7", None, large, 1]
            with pytest.raises(RedisLost, match="not an integer"):
                await link.command("INCR", "large")
            await asyncio.sleep(1.1)
            server.freeze()
            with pytest.raises(RedisLost):
                await link.command("INCR", "n")
            server.thaw()
            await asyncio.sleep(1.1)
            assert await link.command("GET", "k") == b"\x00\r\n"
            await link.close()

    asyncio.run(main())
