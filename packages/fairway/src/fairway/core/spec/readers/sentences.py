"""Readers of sentences about a quantity: `> 1%` of an alarm, `10% for 15m` of a canary."""

import re
from typing import Final

from fairway.core.spec.entry import Entry, show
from fairway.core.spec.quantities import CanaryStep
from fairway.core.spec.readers.amounts import SHARE_PATTERN, percent_of
from fairway.core.spec.readers.reader import Refusal, Scalar
from fairway.core.spec.readers.times import DURATION_PATTERN, duration_text, seconds_of

__all__ = [
    "CANARY_STEPS",
    "DURATION_THRESHOLD",
    "SHARE_THRESHOLD",
    "above_percent",
    "above_seconds",
]

THRESHOLD_PATTERN = re.compile(r"> ?(.+)")
STEP_PATTERN = re.compile(r"(\S+) for (\S+)")


def _threshold(entry: Entry, example: str, readable: re.Pattern[str]) -> str | Refusal:
    value = entry.value
    match = THRESHOLD_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match and readable.fullmatch(match[1]):
        return f"> {match[1]}"
    if isinstance(value, str) and readable.fullmatch(value):
        example = f"> {value}"
    return Refusal(f'Write it as one says it: "{example}".')


def _share_threshold(entry: Entry) -> str | Refusal:
    return _threshold(entry, "> 1%", SHARE_PATTERN)


def _duration_threshold(entry: Entry) -> str | Refusal:
    return _threshold(entry, "> 2s", DURATION_PATTERN)


def above_percent(threshold: str) -> float:
    """What `SHARE_THRESHOLD` let in, as a number: `> 1%` is 1.0. ValueError for anything else."""
    found = percent_of(threshold.removeprefix(">").strip())
    if found is None:
        raise ValueError(f"not a limit such as `> 1%`: {threshold!r}")
    return found


def above_seconds(threshold: str) -> float:
    """What `DURATION_THRESHOLD` let in: `> 1m30s` is 90.0. ValueError for anything else."""
    found = seconds_of(threshold.removeprefix(">").strip())
    if found is None:
        raise ValueError(f"not a limit such as `> 2s`: {threshold!r}")
    return found


def _canary_steps(entry: Entry) -> tuple[CanaryStep, ...] | Refusal:
    """`["10% for 15m", "50% for 5m"]`: shares grow and stay below 100%, which follows by itself."""
    mend = 'Write growing shares of traffic: ["10% for 15m", "25% for 5m", "50% for 5m"].'
    steps: list[CanaryStep] = []
    for item in entry.array:
        match = STEP_PATTERN.fullmatch(item.value) if isinstance(item.value, str) else None
        percent = percent_of(match[1]) if match else None
        hold = seconds_of(match[2]) if match else None
        if percent is None or hold is None:
            return Refusal(mend, f'{show(item.value)} is not a step such as "10% for 15m".')
        if not (steps[-1].percent if steps else 0) < percent < 100:
            return Refusal(
                mend, f"{show(item.value)} does not lie above the step before and below 100%."
            )
        steps.append(CanaryStep(percent, hold))
    return tuple(steps) or Refusal(mend)


SHARE_THRESHOLD: Final = Scalar(
    "a limit",
    _share_threshold,
    {"type": "string", "pattern": f"^> ?{SHARE_PATTERN.pattern}$"},
    example='"> 1%"',
)
DURATION_THRESHOLD: Final = Scalar(
    "a limit",
    _duration_threshold,
    {"type": "string", "pattern": f"^> ?{DURATION_PATTERN.pattern}$"},
    example='"> 2s"',
)
CANARY_STEPS: Final = Scalar(
    "a list of steps",
    _canary_steps,
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "string",
            "pattern": f"^{SHARE_PATTERN.pattern} for {DURATION_PATTERN.pattern}$",
        },
    },
    example='["10% for 15m"]',
    write=lambda steps: [
        f"{step.percent:.12g}% for {duration_text(step.hold_seconds)}" for step in steps
    ],
)
