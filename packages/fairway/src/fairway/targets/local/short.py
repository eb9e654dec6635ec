"""Runs a program that ends by itself within seconds, and gives what it said.

Place in the flow: for tools (`psql`, `--version`) that are over before their caller goes on.
What must outlive the engine, or may, goes through `processes.py`.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Finished", "run"]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, and its output and errors as one text; exit code -1: out of time."""

    exit_code: int
    output: str


async def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    said: str = "",
    timeout_seconds: float = 10.0,
) -> Finished:
    """Run `argv` with `said` as its input. Raises OSError where it can't be started.

    It leads its own group, which is killed when the time is over or the caller is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            output, _ = await process.communicate(said.encode())
    except TimeoutError:
        return Finished(-1, f"it did not end within {timeout_seconds:g} s")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    return Finished(process.returncode, output.decode(errors="replace"))
