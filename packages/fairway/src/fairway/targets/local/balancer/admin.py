"""Questions to Envoy's admin interface, over its socket in the balancer's folder."""

import asyncio
import os
from pathlib import Path

from fairway.targets.local.exchange import read_answer

__all__ = ["AdminError", "ask"]

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes


class AdminError(Exception):
    """Envoy's admin interface can't be reached, or answered something else than 200."""


async def ask(folder: Path, name: str, query: str, *, method: str = "GET", seconds: float) -> str:
    """The answer to `query` (`/stats?…`) at the socket `folder/name`; AdminError where none."""
    try:
        async with asyncio.timeout(seconds):
            return await _ask(folder, name, query, method)
    except TimeoutError as error:
        msg = f"no answer to {query} within {seconds:g} s"
        raise AdminError(msg) from error
    except (OSError, EOFError, ValueError, IndexError) as error:
        msg = f"{query}: {error or type(error).__name__}"
        raise AdminError(msg) from error


async def _ask(folder: Path, name: str, query: str, method: str) -> str:
    reader, writer = await _connect(folder, name)
    try:
        head = f"{method} {query} HTTP/1.1\r\nhost: envoy\r\nconnection: close\r\n"
        writer.write(f"{head}content-length: 0\r\n\r\n".encode())
        await writer.drain()
        answer = await read_answer(reader)
    finally:
        writer.close()
    text = answer.body.decode()
    if answer.status != 200:
        msg = f"{query}: {answer.status} {text.strip()}"
        raise AdminError(msg)
    return text


async def _connect(folder: Path, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    path = folder / name
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return await asyncio.open_unix_connection(path)
    # A deep folder: reach it through a descriptor, whose path is short.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return await asyncio.open_unix_connection(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)
