"""Visitors that never stop asking, and what they were answered."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.acceptance.project import Answer, Project

__all__ = ["Traffic"]


@dataclass(slots=True)
class Traffic:
    """Some visitors, each asking anew every `pause_seconds`, from `with` to its end.

    `method` and `path` say what they ask for; `path` is called with the number of the request.
    """

    project: Project
    method: str = "GET"
    path: Callable[[int], str] = lambda number: "/"
    visitors: int = 3
    pause_seconds: float = 0.02
    timeout_seconds: float = 10.0
    answers: list[tuple[float, int, Answer]] = field(
        default_factory=list[tuple[float, int, Answer]]
    )
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def __enter__(self) -> Self:
        self.threads = [threading.Thread(target=self.visit) for _ in range(self.visitors)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def visit(self) -> None:
        """Ask until it is enough."""
        while not self.stopping.is_set():
            with self.lock:
                self.count += 1
                number = self.count
            answer = self.project.ask(
                self.path(number), method=self.method, seconds=self.timeout_seconds
            )
            self.answers.append((time.time(), number, answer))
            self.stopping.wait(self.pause_seconds)

    @property
    def failures(self) -> list[str]:
        """The requests that got no answer, or one of 500 and above; when and which."""
        return [
            f"#{number} at {at:.3f} after {answer.seconds:.3f} s: {answer.status} {answer.body}"
            for at, number, answer in list(self.answers)
            if not 0 < answer.status < 500
        ]

    def served(self, at_least: int = 20) -> None:
        """Every request was answered, and there were enough of them to say so."""
        assert len(self.answers) >= at_least, f"only {len(self.answers)} requests"
        assert not self.failures, f"of {len(self.answers)}: " + "\n".join(self.failures[:20])
