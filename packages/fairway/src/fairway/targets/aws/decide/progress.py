"""What a deploy tells while it goes on: values that a terminal draws and a log prints. Pure."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Beat", "Began", "Ended", "Level", "Outcome", "Told"]

Level = Literal["info", "good", "bad"]
Outcome = Literal["created", "updated", "unchanged", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Began:
    """A step begins."""

    step: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A step ended; each that began does."""

    step: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened within a step; `text` may have more lines below its first."""

    step: str
    text: str
    level: Level = "info"


Beat = Began | Ended | Told
