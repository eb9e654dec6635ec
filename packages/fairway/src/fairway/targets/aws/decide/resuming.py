"""Where a workflow that stopped goes on, from what Step Functions says of its runs (R114). Pure.

As on a developer's machine: the next run by hand goes on with the step that failed, as long as the
steps are the same; code that was mended and deployed meanwhile is what runs. (A redrive, which Step
Functions has for this, runs what was deployed when the run began.)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fairway.targets.aws.render.states import FROM, step_number

__all__ = ["asked_from", "latest", "step_to_go_on"]

STOPPED = frozenset({"ABORTED", "FAILED", "TIMED_OUT"})

Definition = Mapping[str, Any]
"""A state machine in Amazon States Language."""


def latest(executions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The run that ended last, where it failed.

    Not the one that began last: that may have found another one at work, and left.
    """
    ended = [each for each in executions if each.get("stopDate") is not None]
    if not ended:
        return None
    last = max(ended, key=lambda each: each["stopDate"])
    return last if last["status"] in STOPPED else None


def step_to_go_on(
    before: Definition, now: Definition, newest_first: Sequence[Mapping[str, Any]]
) -> int | None:
    """The place of the step that a run stopped in, from 0; None where it is to begin anew.

    `before` is the machine as that run had it, `now` as it is; `newest_first` are its events.
    """
    if _steps(before) != _steps(now):
        return None
    entered = (each.get("stateEnteredEventDetails", {}).get("name", "") for each in newest_first)
    numbers = (step_number(name) for name in entered if name)
    return next((number for number in numbers if number is not None), None)


def asked_from(step: int | None) -> Mapping[str, str]:
    """The input of a run that begins with this step."""
    return {FROM: str(step)} if step else {}


def _steps(definition: Definition) -> list[Any]:
    """The job of each step, in their order."""
    states = definition.get("States", {})
    numbered = sorted(
        (number, name) for name in states if (number := step_number(name)) is not None
    )
    return [states[name].get("Parameters", {}).get("StateMachineArn") for _, name in numbered]
