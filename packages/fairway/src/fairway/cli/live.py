"""`fairway up` in a terminal: the engine runs, and what it does is drawn four times a second."""

import asyncio

from fairway.cli import local, view
from fairway.cli.project import Project
from fairway.core.status import EventLine
from fairway.engine.engine import Engine

__all__ = ["run"]

FRAME_SECONDS = 0.25


async def run(found: Project, environment: str) -> None:
    """Run the app under a live view until it is stopped; Ctrl-C drains, a second one does not."""
    engines: list[Engine] = []
    early: list[EventLine] = []

    def tell(event: EventLine) -> None:
        # Once there is a picture, it shows the events itself.
        early.append(event)

    work = asyncio.create_task(
        local.run_engine(found, environment, began=engines.append, told=tell)
    )
    await asyncio.wait([work], timeout=FRAME_SECONDS)
    # Only now: to import them takes a while, in which the first processes can start.
    from rich.console import Console
    from rich.live import Live

    from fairway.cli.render_status import picture

    console = Console(stderr=False)
    # It shows what runs: when nothing does any more, it goes.
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while not work.done():
            if engines:
                screen.update(picture(engines[0].status()), refresh=True)
            await asyncio.wait([work], timeout=FRAME_SECONDS)
    if engines and engines[0].problems:
        for event in early:
            view.event(event)
    await work
    view.say("stopped; data is kept in .fairway, `fairway up` starts again")
