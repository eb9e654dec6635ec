"""Real servers for the runtime's tests: a process each, on a free loopback port, always reaped."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from fairway.targets.local.ports import free_port
from fairway_runtime.lines import Lines
from fairway_runtime.redact import redactor

__all__ = ["APPS", "Memory", "Running", "asked", "client", "lines_into", "until", "uvicorn"]

APPS = Path(__file__).parent / "apps"
_BASE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


@dataclass
class Memory:
    """A writer that keeps its lines."""

    kept: list[bytes] = field(default_factory=list)
    lost: int = 0

    def write(self, line: bytes) -> None:
        self.kept.append(line)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.kept]


def lines_into(memory: Memory, *secrets: str) -> Lines:
    return Lines("test", redactor(secrets), memory)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Poll until `condition` is true, and fail loudly when it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "never became true"
        time.sleep(0.02)


def client(url: str) -> httpx.Client:
    """A client that loads no certificates, which would be most of its cost."""
    return httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False)


class Running:
    """`fairway-runtime run TARGET` as a process in `tests/runtime/apps`; use as a context manager.

    `command` replaces the words before `run`, for other ways to start it.
    """

    def __init__(
        self,
        *target: str,
        env: Mapping[str, str] | None = None,
        command: tuple[str, ...] = (sys.executable, "-m", "fairway_runtime"),
        cwd: Path = APPS,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 (as above)
        self.process = subprocess.Popen(
            [*command, "run", *target],
            cwd=cwd,
            env={**_BASE, "PORT": str(self.port), **(env or {})},
            stdout=self._out,
            stderr=self._err,
            process_group=0,
        )
        self.client = client(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._out.close()
        self._err.close()

    def ready(self) -> Self:
        """Wait until `/ready` says 200."""
        until(lambda: self.is_dead or self.status("/ready") == 200)
        assert not self.is_dead, self.errors + self.output
        return self

    def listening(self) -> Self:
        until(lambda: self.is_dead or self.status("/health") == 200)
        assert not self.is_dead, self.errors + self.output
        return self

    def status(self, path: str) -> int:
        """What `path` answers on a connection of its own; 0 when nobody does."""
        try:
            with client(self.url) as one:
                return one.get(path).status_code
        except httpx.TransportError:
            return 0

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def code(self, seconds: float = 20) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(seconds)

    @property
    def is_dead(self) -> bool:
        return self.process.poll() is not None

    @property
    def output(self) -> str:
        return os.pread(self._out.fileno(), 10_000_000, 0).decode()

    @property
    def errors(self) -> str:
        return os.pread(self._err.fileno(), 10_000_000, 0).decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far; fails on a line that is no JSON."""
        return [json.loads(line) for line in self.output.splitlines()]

    def named(self, operation: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["operation"] == operation]

    def saying(self, text: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if text in line.get("message", "")]


@contextmanager
def uvicorn(target: str, *arguments: str, **env: str) -> Generator[str]:
    """A target of `tests/runtime/apps` under uvicorn's own command line; its URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", target, "--port", str(port), *arguments],
        cwd=APPS,
        env={**os.environ, "HOST": "127.0.0.1", **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        try:
            with client(url) as one:
                return one.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(is_up)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def asked(app: Running, pool: ThreadPoolExecutor, path: str) -> "Future[httpx.Response]":
    """A request under way: the app has begun to work on it."""
    before = len(app.saying("began"))

    def ask() -> httpx.Response:
        with client(app.url) as one:
            return one.get(path)

    answer = pool.submit(ask)
    until(lambda: len(app.saying("began")) > before)
    return answer
