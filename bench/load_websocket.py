"""A WebSocket that is held open while a load runs, and what happens to it."""

import threading
import time
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

__all__ = ["HeldWebSocket"]

PAUSE_SECONDS = 0.2
OPEN_SECONDS = 5.0


class HeldWebSocket:
    """Opens `url`, and opens it again whenever it is closed; `events` tells of each.

    An event is a moment (monotonic) and `open`, `closed 1012` or `refused: <why>`. Entering waits
    for nothing; the first event says whether it opened.
    """

    def __init__(self, url: str) -> None:
        self.events: list[tuple[float, str]] = []
        self._url = url
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join(2 * OPEN_SECONDS)

    def _hold(self) -> None:
        while not self._is_over.is_set():
            try:
                self._hold_once()
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                self._tell(f"closed {code}")
            except (OSError, TimeoutError, InvalidHandshake) as error:
                self._tell(f"refused: {error}")
            self._is_over.wait(PAUSE_SECONDS)

    def _hold_once(self) -> None:
        with connect(self._url, open_timeout=OPEN_SECONDS, close_timeout=1, proxy=None) as held:
            self._tell("open")
            while not self._is_over.is_set():
                try:
                    held.recv(timeout=PAUSE_SECONDS)
                except TimeoutError:
                    continue

    def _tell(self, what: str) -> None:
        self.events.append((time.monotonic(), what))
