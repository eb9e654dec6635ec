"""A load on a server, from a process of its own: what benchmarks of releases and failures use.

    load = Load(port=8000, rate=500, requests=(Request("/api/v1/weather"),))
    with Generator(load) as generator:
        time.sleep(10)
        generator.mark("release")
        ...
        report = generator.finish()
    report.phase("release").p99_ms, report.total.failed, report.seconds

All of it blocks; from a coroutine, `await asyncio.to_thread(generator.finish)`.
"""

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.load_report import Mark, Records, Report, report
from bench.load_request import Load, Request
from bench.load_websocket import HeldWebSocket

__all__ = ["Generator", "Load", "Report", "Request"]

ROOT = Path(__file__).parent.parent


class Generator:
    """A load that runs from `__enter__` to `finish`. Leaving without `finish` ends it at once."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._marks: list[Mark] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._websocket: HeldWebSocket | None = None

    def __enter__(self) -> Self:
        if self._load.websocket:
            url = f"ws://{self._load.host}:{self._load.port}{self._load.websocket}"
            self._websocket = HeldWebSocket(url).__enter__()
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.load_worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._load.to_json().encode() + b"\n")
        process.stdin.flush()
        if process.stdout.readline() != b"started\n":
            self.__exit__(None, None, None)
            raise RuntimeError("the load generator did not start; its own words stand above")
        return self

    def mark(self, name: str) -> None:
        """From now on, requests that are due belong to the phase `name`."""
        self._marks.append(Mark(name, time.monotonic()))

    def finish(self) -> Report:
        """Stops sending, waits for what is under way (at most its timeout), and reports."""
        process = self._process
        if process is None:
            raise RuntimeError("the load has ended")
        seconds = self._load.timeout_seconds + 30
        try:
            data, _ = process.communicate(timeout=seconds)  # closes stdin: the word to stop
        finally:
            self.__exit__(None, None, None)
        records = Records.from_bytes(data)
        events = self._websocket.events if self._websocket else []
        told = tuple((at - records.start, what) for at, what in events)
        return report(records, self._marks, told)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.communicate()
        if self._websocket is not None:
            self._websocket.__exit__(None, None, None)
