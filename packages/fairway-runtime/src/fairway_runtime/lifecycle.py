"""Where a process stands in its life, and what it still has to finish (R221-R224).

The middleware reports requests in and out, the server says when to drain; neither decides alone.
A process that never saw the lifespan protocol counts as started.
"""

from enum import Enum
from itertools import takewhile
from typing import Protocol

from fairway_runtime.refusals import DRAINED, TIMED_OUT, Refusal

__all__ = ["Lifecycle", "Phase", "UnderWay"]


class Phase(Enum):
    """How far the app's startup came."""

    UNSEEN = "unseen"  # nobody spoke the lifespan protocol
    STARTING = "starting"
    STARTED = "started"
    FAILED = "failed"


_ANSWERING = (Phase.STARTED, Phase.UNSEEN)


class UnderWay(Protocol):
    """A request in flight, as far as the lifecycle minds."""

    status: int  # of the answer, once it has begun

    @property
    def deadline(self) -> float: ...

    def cut(self, refusal: Refusal) -> None:
        """Stop the app's work on it, and answer `refusal` if nothing was answered yet."""


class Lifecycle:
    """The state of one process; `begin_drain` may be called from a signal handler."""

    __slots__ = ("_phase", "has_started", "in_flight", "is_draining", "ticked_at", "websockets")

    def __init__(self) -> None:
        self.phase = Phase.UNSEEN
        self.is_draining = False
        self.ticked_at = 0.0  # when the event loop last ran, by `time.perf_counter`
        self.in_flight: dict[UnderWay, None] = {}  # the oldest first
        self.websockets: set[object] = set()

    @property
    def phase(self) -> Phase:
        return self._phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._phase = phase
        self.has_started = phase in _ANSWERING  # asked by every request

    def begin_drain(self) -> None:
        """Not ready from here on (R221); requests are still served."""
        self.is_draining = True

    def expire(self, now: float) -> None:
        """Cut the requests whose time is over and that have not begun to answer (R235)."""
        for request in takewhile(lambda one: one.deadline <= now, tuple(self.in_flight)):
            if not request.status:
                request.cut(TIMED_OUT)

    def cut_all(self) -> int:
        """Cut whatever is left when the drain ends (C6); how many there were."""
        left = list(self.in_flight)
        for request in left:
            request.cut(DRAINED)
        return len(left)
