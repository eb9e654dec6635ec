"""Shows what goes on at AWS: a tree with seconds in a terminal, lines elsewhere. On stderr."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from fairway.cli import view
from fairway.cli.steps import Steps, picture, words
from fairway.core.status import EventLine
from fairway.targets.aws.decide.progress import Beat, Began

__all__ = ["shown"]

FRAMES_A_SECOND = 4


@contextmanager
def shown(title: str) -> Generator[Callable[[Beat], None]]:
    """Gives what hears the steps; they are shown until the end, and stay."""
    steps = Steps()
    if not sys.stderr.isatty():

        def tell(beat: Beat) -> None:
            now = time.time()
            steps.hear(beat, now)
            if not isinstance(beat, Began):
                for node, text, level in words(beat, steps):
                    view.event(EventLine(at=now, node=node, text=text, level=level))

        yield tell
        return
    from rich.console import Console
    from rich.live import Live

    with Live(
        console=Console(stderr=True),
        get_renderable=lambda: picture(steps, title, time.time()),
        refresh_per_second=FRAMES_A_SECOND,
    ):
        yield lambda beat: steps.hear(beat, time.time())
