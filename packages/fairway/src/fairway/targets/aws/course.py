"""What a deploy and a rollback share: what was given, what was done so far, how it ended."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fairway.core.problem import Problem
from fairway.targets.aws.decide.order import IMAGE
from fairway.targets.aws.decide.progress import Began, Ended, Outcome
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.template import Stack
from fairway.targets.aws.stacks import Stacks
from fairway.targets.aws.store import Store

__all__ = ["TASK", "Course", "Given", "Images", "Result", "stepping"]

TASK = "ServiceTask"  # the logical id of a service's task definition
Images = Callable[[str, Sequence[str]], Mapping[str, str]]
"""Registry's address, parameters that ask for an image -> the address of each, which is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What whoever deploys says; `images` is None where there are none yet."""

    images: Images | None
    values: Mapping[str, str]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a deploy ended; `before` is the release that served before it."""

    outcome: Literal["unchanged", "promoted", "rolled_back", "failed"]
    tried: str
    before: str
    image: str = ""
    reason: str = ""
    failed: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def revision(self) -> str:
        """What is in service now; empty where nothing is."""
        return self.tried if self.outcome in {"promoted", "unchanged"} else self.before


@dataclass(slots=True)
class Course:
    """What a deploy has done so far."""

    store: Store
    formation: Stacks
    values: dict[str, str]
    has_changed: bool = False
    released: list[Stack] = field(default_factory=list[Stack])
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def image(self) -> str:
        """The address of its image; of several, all."""
        return ", ".join(self.values[name] for name in sorted(self.values) if is_image(name))


def is_image(parameter: str) -> bool:
    """Whether a parameter is an image's address."""
    return parameter.startswith(IMAGE)


@contextmanager
def stepping(environment: Environment, step: str) -> Generator[Callable[[Outcome], None]]:
    """Tell that a step began and how it ended; one that raises has failed."""
    outcome: Outcome = "failed"

    def end(said: Outcome) -> None:
        nonlocal outcome
        outcome = said

    environment.tell(Began(step))
    try:
        yield end
    finally:
        environment.tell(Ended(step, outcome))
