"""Asks a dependency whether it is there: one short conversation in its own protocol, no driver.

PostgreSQL as `pg_isready` does, Redis by AUTH and PING, HTTP by any answer below 500, SQLite by a
folder that can be written. Reasons never carry a URL, an address or a password.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from socket import gaierror
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from fairway_runtime.settings import Dependency

__all__ = ["Outcome", "check"]

_PROTOCOL_3 = 196608  # PostgreSQL's frontend/backend protocol 3.0
_LONGEST_ANSWER = 8192

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one dependency is: `reason` says why it is not ready, or why it was not asked."""

    is_ready: bool
    milliseconds: float = 0.0
    reason: str = ""
    is_checked: bool = True

    def as_json(self) -> Mapping[str, object]:
        shown: dict[str, object] = {"ready": self.is_ready, "ms": round(self.milliseconds, 2)}
        if not self.is_checked:
            shown["checked"] = False
        if self.reason:
            shown["reason"] = self.reason
        return shown


class _NotReady(Exception):
    """The dependency answered, and the answer is no."""


class _Unknown(Exception):
    """No check is known for this kind of URL."""


async def check(dependency: Dependency, seconds: float) -> Outcome:
    """Whether `dependency` answers within `seconds`; a failure is an outcome, never raised.

    What nobody knows how to ask counts as ready and says `checked: false`.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            await _ask(dependency.url)
    except _Unknown as unknown:
        return Outcome(is_ready=True, reason=str(unknown), is_checked=False)
    except Exception as error:
        spent = (time.perf_counter() - began) * 1000
        return Outcome(is_ready=False, milliseconds=spent, reason=_reason(error, seconds))
    return Outcome(is_ready=True, milliseconds=(time.perf_counter() - began) * 1000)


async def _ask(url: str) -> None:
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0].lower()  # postgresql+psycopg, sqlite+aiosqlite
    match scheme:
        case "postgresql" | "postgres":
            await _ask_postgres(parts)
        case "redis" | "rediss":
            await _ask_redis(parts, is_secure=scheme == "rediss")
        case "http" | "https":
            await _ask_http(parts, is_secure=scheme == "https")
        case "sqlite":
            _ask_sqlite(parts)
        case "streamlit":
            await _ask_streamlit()
        case "":
            raise _NotReady("not a URL")
        case _:
            raise _Unknown(f"no check is known for {scheme}")


async def _ask_postgres(parts: SplitResult) -> None:
    """Start a session as `pg_isready` does; any reply but "not now" means that it is up."""
    user = unquote(parts.username or "postgres")
    database = unquote(parts.path.lstrip("/")) or user
    said = b"".join(text.encode() + b"\0" for text in ("user", user, "database", database, ""))
    packet = _PROTOCOL_3.to_bytes(4) + said
    reader, writer = await _connect_postgres(parts)
    try:
        writer.write((len(packet) + 4).to_bytes(4) + packet)
        await writer.drain()
        kind = await reader.readexactly(1)
        length = int.from_bytes(await reader.readexactly(4))
        if kind == b"E":
            fields = await reader.readexactly(min(max(length - 4, 0), _LONGEST_ANSWER))
            _judge_postgres_error(fields)
        elif kind == b"R":
            writer.write(b"X\0\0\0\4")  # goodbye: leaves no line in the server's log
        else:
            raise _NotReady("this is no PostgreSQL server")
    finally:
        writer.close()


async def _connect_postgres(parts: SplitResult) -> Streams:
    """By TCP, or by the socket that `?host=/folder` names."""
    folder = parse_qs(parts.query).get("host", [""])[0]
    port = parts.port or 5432
    if folder.startswith("/"):
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
    return await asyncio.open_connection(parts.hostname or "localhost", port)


def _judge_postgres_error(fields: bytes) -> None:
    """Refusing this guest (no TLS, no password yet) is a sign of life; these codes are not."""
    by_kind = {field[:1]: field[1:].decode("utf-8", "replace") for field in fields.split(b"\0")}
    code = by_kind.get(b"C", "")
    if code.startswith("57"):  # operator intervention: starting up, shutting down, recovering
        raise _NotReady("the server is starting up or shutting down")
    if code == "3D000":
        raise _NotReady("the database does not exist")


async def _ask_redis(parts: SplitResult, *, is_secure: bool) -> None:
    context = ssl.create_default_context() if is_secure else None
    reader, writer = await asyncio.open_connection(
        parts.hostname or "localhost", parts.port or 6379, ssl=context
    )
    try:
        if parts.password:
            user = [unquote(parts.username)] if parts.username else []
            await _redis_command(reader, writer, "AUTH", *user, unquote(parts.password))
        await _redis_command(reader, writer, "PING")
    finally:
        writer.close()


async def _redis_command(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str
) -> None:
    encoded = [word.encode() for word in words]
    said = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
    writer.write(b"*%d\r\n%s" % (len(words), said))
    await writer.drain()
    answer = await reader.readline()
    if not answer:
        raise asyncio.IncompleteReadError(b"", None)
    if answer.startswith(b"-"):
        kind = answer[1:].split(None, 1)[0].decode("ascii", "replace")
        raise _NotReady("the password was refused" if words[0] == "AUTH" else f"answered {kind}")
    if not answer.startswith(b"+"):
        raise _NotReady("this is no Redis server")


async def _ask_http(parts: SplitResult, *, is_secure: bool) -> None:
    """HEAD; where a server can't, GET."""
    status = await _http_status(parts, "HEAD", is_secure=is_secure)
    if status == 501:
        status = await _http_status(parts, "GET", is_secure=is_secure)
    if status >= 500:
        raise _NotReady(f"answered {status}")


async def _http_status(parts: SplitResult, method: str, *, is_secure: bool) -> int:
    context = ssl.create_default_context() if is_secure else None
    host = parts.hostname or "localhost"
    reader, writer = await asyncio.open_connection(
        host, parts.port or (443 if is_secure else 80), ssl=context
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = parts.netloc.rpartition("@")[2]
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise _NotReady("this is no HTTP server")
    return int(words[1])


async def _ask_streamlit() -> None:
    """What `/_stcore/health` answers, without a request to ourselves."""
    try:
        runtime: Any = import_module("streamlit.runtime")
    except ImportError:
        raise _Unknown("this Streamlit can't be asked") from None
    if not runtime.exists():
        raise _NotReady("Streamlit's runtime has not started")
    is_ready, said = await runtime.get_instance().is_ready_for_browser_connection
    if not is_ready:
        raise _NotReady(f"Streamlit says {said}")


def _ask_sqlite(parts: SplitResult) -> None:
    """`sqlite:///file` is relative, `sqlite:////file` absolute; none is a database in memory."""
    name = unquote(parts.path.removeprefix("/"))
    if not name or name == ":memory:":
        return
    file = Path(name)
    if not file.parent.is_dir():
        raise _NotReady("its folder does not exist")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise _NotReady("its file or folder can't be written")


def _reason(error: Exception, seconds: float) -> str:
    """Why, in words that may stand on a public page."""
    match error:
        case _NotReady():
            return str(error)
        case TimeoutError():
            return f"no answer within {seconds:g} s"
        case ConnectionRefusedError():
            return "connection refused"
        case asyncio.IncompleteReadError() | ConnectionError():
            return "the connection was closed"
        case gaierror():
            return "unknown host"
        case ssl.SSLError():
            return "the TLS handshake failed"
        case OSError():
            return os.strerror(error.errno).lower() if error.errno else "unreachable"
        case ValueError():
            return "not a valid URL"
        case _:
            return type(error).__name__
