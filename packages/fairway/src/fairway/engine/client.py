"""Asks a running engine: the other end of `control.py`, light enough for every verb to import."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from fairway.core.problem import Problem, Problems

__all__ = ["LINE_BYTES", "Absent", "absent", "request"]

LINE_BYTES = 16 * 1024 * 1024  # a status with its events; never near it


class Absent(Problems):
    """No engine runs."""


async def request(path: Path, message: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
    """Send one request; yields the messages of the answer. Raises `Absent` where none listens."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise Absent([absent()], exit_code=1) from None
    try:
        reader, writer = await asyncio.open_unix_connection(
            f"/proc/self/fd/{folder}/{path.name}", limit=LINE_BYTES
        )
    except (FileNotFoundError, ConnectionRefusedError):
        raise Absent([absent()], exit_code=1) from None
    finally:
        os.close(folder)
    try:
        writer.write(json.dumps(message).encode() + b"\n")
        await writer.drain()
        while line := await reader.readline():
            yield json.loads(line)
    except ConnectionError:
        return  # it ended while it was asked
    finally:
        writer.close()


def absent() -> Problem:
    """No engine runs for this project."""
    return Problem(
        where="",
        what="the app is not running here",
        mend="Start it with `fairway up`.",
    )
