"""One HTTP request to a server of our own, and its whole answer.

Place in the flow: probes, the object store and Envoy's admin socket are asked with it. Enough of
HTTP/1.1 for a server on this machine that we started: a connection each, an empty request body,
a length or chunks in the answer. Own code because it is part of the time to the first page: an
HTTP client library takes longer to import than all of this takes to run.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Answer", "exchange", "read_answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes


async def exchange(host: str, port: int, method: str, path: str, *, seconds: float) -> Answer:
    """Send a request without a body. Raises OSError where no whole answer comes in time."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
                head += "Content-Length: 0\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                return await read_answer(reader)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (EOFError, ValueError, IndexError) as error:
        raise ConnectionError("the answer was cut off or is not HTTP") from error


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One whole answer; raises EOFError, ValueError or IndexError where it is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:])
    }
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return Answer(status, await read_chunks(reader))
    if "content-length" in fields:
        return Answer(status, await reader.readexactly(int(fields["content-length"])))
    return Answer(status, await reader.read())


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    return body
