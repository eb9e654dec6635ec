"""One HTTP GET to this machine, for probes.

Own code because a probe is sent to every replica every second from the engine's process, whose
start is part of the time to the first page: an HTTP client library costs more to import than
all of this takes to run. Never used for anything but loopback.
"""

import asyncio
from contextlib import suppress

__all__ = ["status_of"]


async def status_of(port: int, path: str, *, seconds: float) -> int | None:
    """The status that `GET path` answers on 127.0.0.1; None where nothing answers in time."""
    try:
        async with asyncio.timeout(seconds):
            return await ask(port, path)
    except (OSError, TimeoutError, ValueError, EOFError):
        return None


async def ask(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: fairway-probe\r\n"
            "accept: */*\r\nconnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        line = await reader.readuntil(b"\r\n")
        return int(line.split(b" ", 2)[1])
    except (IndexError, asyncio.LimitOverrunError) as error:
        raise ValueError("not HTTP") from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
