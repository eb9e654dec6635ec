"""The steps of a deploy as people see them: each with its seconds, and what failed below it.

Place in the flow: `Steps` hears what a target tells; `picture` draws it. Pure but for rich.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from fairway.targets.aws.decide.progress import Beat, Began, Ended, Told

__all__ = ["Steps", "picture", "words"]

MARKS = {
    "": ("◐", "cyan"),
    "created": ("✓", "green"),
    "updated": ("✓", "green"),
    "done": ("✓", "green"),
    "unchanged": ("○", "dim"),
    "failed": ("✗", "red"),
}
STEP_WIDTH = 22


@dataclass(slots=True)
class StepLine:
    """One step: since when, until when, how it ended (empty: it goes on), what it said last."""

    name: str
    began: float
    ended: float | None = None
    outcome: str = ""
    last: str = ""
    bad: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Steps:
    """Everything that was told so far, in its order."""

    lines: list[StepLine] = field(default_factory=list[StepLine])

    def hear(self, beat: Beat, now: float) -> None:
        """Take one more in."""
        match beat:
            case Began(step):
                self.lines.append(StepLine(step, now))
            case Ended(step, outcome):
                line = self.of(step)
                if line is not None:
                    line.ended, line.outcome, line.last = now, outcome, ""
            case Told(step, text, level):
                line = self.of(step)
                if line is not None and level == "bad":
                    line.bad.append(text)
                elif line is not None:
                    line.last = text.splitlines()[0] if text else ""

    def of(self, step: str) -> StepLine | None:
        """The last step of that name."""
        return next((each for each in reversed(self.lines) if each.name == step), None)


def picture(steps: Steps, title: str, now: float) -> RenderableType:
    """The tree: what ended with its seconds, what goes on with what it said last."""
    tree = Tree(Text(title, "bold"), guide_style="dim")
    for line in steps.lines:
        mark, style = MARKS[line.outcome]
        head = Text.assemble((f"{mark} ", style), f"{line.name:<{STEP_WIDTH}}")
        head.append(f"{(line.ended or now) - line.began:6.1f} s  ", "dim")
        head.append(line.outcome or line.last, style if line.outcome else "")
        head.no_wrap, head.overflow = True, "ellipsis"
        branch = tree.add(head)
        for text in line.bad:
            branch.add(Text(text, "red"))
    return Group(tree)


def words(beat: Beat, steps: Steps) -> Iterator[tuple[str, str, str]]:
    """The same without a terminal, a line at a time: step, text, level."""
    match beat:
        case Began(step):
            yield step, "begins", "info"
        case Ended(step, outcome):
            line = steps.of(step)
            took = "" if line is None else f" after {(line.ended or line.began) - line.began:.1f} s"
            level = {"failed": "bad", "unchanged": "info"}.get(outcome, "good")
            yield step, f"{outcome}{took}", level
        case Told(step, text, level):
            yield step, text, level
