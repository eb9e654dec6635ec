"""Starts loads for the API, each in a process of its own, so that no request waits for one.

Purpose: a queued job's row becomes a running `python -m weather.ingest --job ID`. What the load
does, that process says in the row; here is only noticed that it ended without saying so.
"""

import asyncio
import logging
import os
import sys
import uuid
from contextlib import suppress
from pathlib import Path

from weather import jobs
from weather.database import Database, Unavailable
from weather.settings import Settings
from weather.store import now

__all__ = ["Launcher"]

log = logging.getLogger(__name__)

HOME = Path(__file__).parent.parent
STOP_SECONDS = 10.0


class Launcher:
    """The loads that this replica started."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._watches: set[asyncio.Task[None]] = set()
        self._processes: set[asyncio.subprocess.Process] = set()

    async def request(self) -> str:
        """Queue a load and start it; if one is waiting to begin already, that is the load.

        A load lists the files after it has begun, so the waiting one will see what this one
        would. Returns the job's id.
        """
        job = str(uuid.uuid4())
        await self._database.run(jobs.GIVE_UP_STALE, {"before": jobs.stale_before()})
        await self._database.run(jobs.ENQUEUE, {"id": job, "now": now()})
        waiting = await self._database.rows(jobs.QUEUED, {})
        if waiting and waiting[0][0] != job:
            return str(waiting[0][0])
        await self._start(job)
        return job

    async def close(self) -> None:
        """Stop the loads that still run; each ends its row as interrupted."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.terminate()
        if self._watches:
            await asyncio.wait(self._watches, timeout=STOP_SECONDS)
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()

    async def _start(self, job: str) -> None:
        paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "weather.ingest",
            "--job",
            job,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env=os.environ
            | self._settings.to_environment()
            | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        self._processes.add(process)
        watch = asyncio.create_task(self._watch(job, process))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, job: str, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self._processes.discard(process)
        error = f"the load's process ended with {code} and said nothing"
        try:
            if await self._database.run(
                jobs.FAIL_IF_ACTIVE, {"id": job, "now": now(), "error": error}
            ):
                log.error("job %s: %s", job, error)
        except Unavailable as unavailable:
            log.warning("job %s ended with %s, not recorded: %s", job, code, unavailable)
