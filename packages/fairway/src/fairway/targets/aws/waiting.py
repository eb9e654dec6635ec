"""Time, for what waits at AWS: given by whoever acts, so that tests need not wait.

Every wait asks again and again, soon at first and then less often, and has a deadline.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from fairway.core.problem import Problem, Problems

__all__ = ["Clock", "until"]

FIRST_LOOK_SECONDS = 0.25  # what is quick is not waited for: a parameter, a change set
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since the epoch, a pause, and how long it is at most between two looks."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    look_seconds: float = 3.0


def until(clock: Clock, seconds: float, look: Callable[[], bool], *, waiting_for: str) -> None:
    """Look until it is true; raises `Problems` at the deadline."""
    deadline = clock.now() + seconds
    pause = min(FIRST_LOOK_SECONDS, clock.look_seconds)
    while not look():
        if clock.now() >= deadline:
            what = f"after {seconds / 60:g} minutes it goes on still: {waiting_for}"
            mend = "It goes on at AWS; `fairway status` tells how it ends."
            raise Problems([Problem("AWS", what, mend)], exit_code=1)
        clock.sleep(pause)
        pause = min(GROWTH * pause, clock.look_seconds)
