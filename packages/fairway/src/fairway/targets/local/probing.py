"""Asks replicas how they are, each at its own pace, and remembers what they said.

Mechanism only: what an answer means is judged by `core/replicas.py`. A replica that is starting
is asked often, so that it gets traffic as soon as it can; one that serves, every second.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fairway.core.replicas import Health
from fairway.targets.local.exchange import exchange
from fairway.targets.local.ports import HOST

__all__ = ["Probe", "Prober"]

STARTING_SECONDS = 0.04
SERVING_SECONDS = 1.0
MISSING_SECONDS = 0.2  # one that did not answer is asked again soon
READY_TIMEOUT_SECONDS = 2.0  # a dependency's own deadline, and then some
HEALTH_TIMEOUT_SECONDS = 1.0  # R158
MISSED_READY = 3  # unanswered ready probes until it counts as not ready; a 503 counts at once


@dataclass(slots=True)
class Probe:
    """What is known of one replica."""

    port: int
    ready_path: str | None  # None: whether it takes a connection and answers at all
    health_path: str | None
    health: Health = field(default_factory=Health)
    was_ready: bool = False
    missed: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # set when it was asked once


class Prober:
    """The probes of all replicas; `changed` is called when one becomes ready or ceases to be."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.probes: dict[str, Probe] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def watch(self, name: str, probe: Probe) -> None:
        """Begin to ask `name`, once."""
        if name not in self.probes:
            self.probes[name] = probe
            self.tasks[name] = asyncio.create_task(self.ask(probe), name=f"probe {name}")

    def forget(self, name: str) -> None:
        """Ask it no more."""
        self.probes.pop(name, None)
        task = self.tasks.pop(name, None)
        if task is not None:
            task.cancel()

    async def ask(self, probe: Probe) -> None:
        while True:
            was = probe.health.ready
            await self.once(probe)
            probe.asked.set()
            if probe.health.ready != was:
                self.changed()
            pause = SERVING_SECONDS if probe.was_ready else STARTING_SECONDS
            await asyncio.sleep(min(pause, MISSING_SECONDS) if probe.missed else pause)

    async def once(self, probe: Probe) -> None:
        """One round: ready, and where that does not answer, alive."""
        patience = HEALTH_TIMEOUT_SECONDS if probe.missed else READY_TIMEOUT_SECONDS
        status = await status_of(probe.port, probe.ready_path or "/", seconds=patience)
        if status is not None:
            ready = status == 200 if probe.ready_path else True
            probe.missed = 0
            probe.was_ready = probe.was_ready or ready
            probe.health = Health(alive_failures=0, ready=ready)
            return
        probe.missed += 1
        alive = False
        if probe.health_path is not None and probe.was_ready:
            answered = await status_of(
                probe.port, probe.health_path, seconds=HEALTH_TIMEOUT_SECONDS
            )
            alive = answered is not None
        probe.health = Health(
            alive_failures=0 if alive else probe.health.alive_failures + 1,
            ready=probe.health.ready and probe.missed < MISSED_READY,
        )

    async def heard(self) -> None:
        """Return when every replica that is watched has been asked once."""
        await asyncio.gather(*(probe.asked.wait() for probe in list(self.probes.values())))

    def close(self) -> None:
        """Ask nobody any more."""
        for name in list(self.probes):
            self.forget(name)


async def status_of(port: int, path: str, *, seconds: float) -> int | None:
    """The status that `GET path` answers here; None where nothing answers in time."""
    try:
        return (await exchange(HOST, port, "GET", path, seconds=seconds)).status
    except OSError:  # TimeoutError is one
        return None
