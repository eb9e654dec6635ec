"""A real Redis, a process on a free loopback port, that a test may kill, freeze and start again."""

import signal
import socket
import subprocess
from pathlib import Path
from typing import Self

from fairway.targets.local import binaries
from fairway.targets.local.ports import free_port
from tests.runtime.serving import until

__all__ = ["RedisServer"]


class RedisServer:
    """Keeps nothing on disk: what is killed comes back empty."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:open-sesame@127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(str(binaries.redis_server()), "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--requirepass", "open-sesame", "--save", "", "--dir", str(self._folder)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._is_listening)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _is_listening(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False
