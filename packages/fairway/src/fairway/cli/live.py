"""`fairway up` in a terminal: the engine runs, and what it does is drawn.

A picture costs about 20 ms of the processor that the app shares: it is drawn when somebody would
notice a change, seen within a quarter of a second, and else once a second.
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import replace

from fairway.cli import local, view
from fairway.cli.project import Project
from fairway.core.status import EventLine, Status
from fairway.engine.engine import Engine

__all__ = ["glance", "run", "with_said"]

LOOK_SECONDS = 0.25
REDRAW_SECONDS = 1.0
KEPT = 200  # events that are told again, with their details, where it fails


async def run(found: Project, environment: str) -> None:
    """Run the app under a live view until it is stopped; Ctrl-C drains, a second one does not."""
    engines: list[Engine] = []
    early: deque[EventLine] = deque(maxlen=KEPT)

    def tell(event: EventLine) -> None:
        # Once there is a picture, it shows the events itself.
        early.append(event)

    work = asyncio.create_task(
        local.run_engine(found, environment, began=engines.append, told=tell)
    )
    await asyncio.wait([work], timeout=LOOK_SECONDS)
    # Only now: to import them takes a while, in which the first processes can start.
    from rich.console import Console
    from rich.live import Live

    from fairway.cli.render_status import picture

    console = Console(stderr=False)
    clock = asyncio.get_running_loop().time
    seen: Hashable = None
    drawn_at = 0.0
    # It shows what runs: when nothing does any more, it goes.
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while not work.done():
            if engines:
                status = with_said(engines[0].status(), early)
                looks = glance(status)
                if looks != seen or clock() - drawn_at >= REDRAW_SECONDS:
                    seen, drawn_at = looks, clock()
                    screen.update(picture(status), refresh=True)
            await asyncio.wait([work], timeout=LOOK_SECONDS)
    if engines and engines[0].problems:
        for event in early:
            view.event(event)
    await work
    view.say("stopped; data is kept in .fairway, `fairway up` starts again")


def with_said(status: Status, told: Iterable[EventLine]) -> Status:
    """The status with what was only said: what is installed and built meanwhile."""
    known = frozenset(status.events)
    more = (event for event in told if event not in known)
    events = sorted((*status.events, *more), key=lambda event: event.at)
    return replace(status, events=tuple(events))


def glance(status: Status) -> Hashable:
    """What must be seen at once when it changes: states and events, not ages and rates."""
    return (
        status.phase,
        status.revision,
        status.events[-1:],
        tuple((line.release, line.release_percent) for line in status.services),
        tuple(line.release for line in status.workers),
        tuple(
            (each.name, each.state)
            for line in (*status.services, *status.workers)
            for each in line.replicas
        ),
        tuple((line.name, line.state) for line in (*status.nodes, *status.jobs)),
    )
