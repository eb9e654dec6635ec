"""Actions under way: each carried out once at a time, told of when it fails, tried again later.

The engine's loop asks for the same action at every tick until its effect is observed; the crew
makes that harmless. No policy but the waits between tries.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fairway.core.plan.action import Action, describe
from fairway.core.problem import Problem, Problems
from fairway.core.target import Driver
from fairway.engine.clock import Clock

__all__ = ["Crew", "Failure"]

RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How often an action failed in a row, why the last time, and when it is tried again."""

    times: int
    problems: tuple[Problem, ...]
    retry_at: float


class Crew:
    """Runs actions in tasks of their own, keyed: one action a key at a time."""

    def __init__(
        self,
        driver: Driver,
        clock: Clock,
        *,
        wake: Callable[[], None],
        failed: Callable[[str, Problems], None],
    ) -> None:
        self.driver = driver
        self.clock = clock
        self.wake = wake
        self.failed = failed
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.failures: dict[str, Failure] = {}
        self.fault: Exception | None = None  # our own error: the engine's loop raises it

    def busy(self, key: str) -> bool:
        """Whether the action of this key is under way."""
        return key in self.tasks

    def perform(
        self,
        key: str,
        action: Action,
        *,
        then: Callable[[], None] | None = None,
        otherwise: Callable[[], None] | None = None,
    ) -> bool:
        """Carry `action` out unless its key is busy or waits after a failure; whether it began.

        `then` is called when it is done, `otherwise` when it failed.
        """
        if key in self.tasks:
            return False
        failure = self.failures.get(key)
        if failure is not None and self.clock.now() < failure.retry_at:
            return False
        self.start(key, lambda: self.driver.apply(action), describe(action), then, otherwise)
        return True

    def start(
        self,
        key: str,
        work: Callable[[], Awaitable[None]],
        what: str,
        then: Callable[[], None] | None = None,
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Run any work under a key."""
        task = self.carry_out(key, work, what, then, otherwise)
        self.tasks[key] = asyncio.create_task(task, name=key)

    async def carry_out(
        self,
        key: str,
        work: Callable[[], Awaitable[None]],
        what: str,
        then: Callable[[], None] | None,
        otherwise: Callable[[], None] | None,
    ) -> None:
        try:
            await work()
            self.failures.pop(key, None)
            if then is not None:
                then()
        except Problems as problems:
            times = 1 + (self.failures[key].times if key in self.failures else 0)
            wait = RETRY_SECONDS[min(times, len(RETRY_SECONDS)) - 1]
            self.failures[key] = Failure(
                times=times,
                problems=problems.problems,
                retry_at=self.clock.now() + wait,
            )
            self.failed(what, problems)
            if otherwise is not None:
                otherwise()
        except Exception as error:  # noqa: BLE001 - our own fault; the engine's loop raises it
            self.fault = error
        finally:
            self.tasks.pop(key, None)
            self.wake()

    async def cancel(self) -> None:
        """End everything under way; what was begun is found by observing."""
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.tasks.clear()
