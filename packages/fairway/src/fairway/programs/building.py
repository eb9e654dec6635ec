"""A build, attended: from time to time it is told that it goes on, and it ends within an hour.

Place in the flow: what a file's `build` names and what makes an image run here. Blocking.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fairway.programs.attended import Attended, Outcome, Report, silent

__all__ = ["Build"]

BUILD_SECONDS = 3600.0  # CodeBuild's own default
TELL_SECONDS = 10.0  # between two words of a build that goes on
LONGEST = 120  # of what it printed last


@dataclass(slots=True, kw_only=True)
class Build:
    """What is built: `where` names it in problems; `tell` hears that it goes on.

    `stop`, once set, ends it with `Problems`. `beside`: others serve meanwhile, and get more of
    the processors.
    """

    where: str
    argv: Sequence[str]
    folder: Path
    variables: Mapping[str, str]
    tell: Callable[[str], None]
    stop: threading.Event | None = None
    beside: bool = False
    last: str = field(init=False, default="")
    begun: float = field(init=False, default=0.0)
    told: float = field(init=False, default=0.0)

    def run(self, report: Report = silent) -> Outcome:
        """Run it to its end; `report` hears each line.

        Raises OSError where there is no such program, `Problems` where it is ended early.
        """
        attended = Attended(
            where=self.where,
            what="The build",
            mend=f"Run it in {self.folder}, and see what it waits for.",
            stop=self.stop,
            deadline_seconds=BUILD_SECONDS,
            beside=self.beside,
            look=self._look,
        )
        self.begun = self.told = time.monotonic()

        def heard(line: str) -> None:
            self.last = line.strip() or self.last
            report(line)

        return attended.run(self.argv, self.folder, self.variables, heard)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self.told >= TELL_SECONDS:
            self.told = now
            last = f": {self.last[:LONGEST]}" if self.last else ""
            self.tell(f"still builds after {now - self.begun:.0f} s{last}")
