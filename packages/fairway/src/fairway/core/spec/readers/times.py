"""Readers of durations and times of day.

A bare number is never guessed at: the unit is part of what is written, so that a file can be
read aloud. Refusals say the value that was probably meant.
"""

import re
from typing import Final

from fairway.core.spec.entry import Entry
from fairway.core.spec.readers.reader import Refusal, Scalar

__all__ = [
    "DURATION",
    "DURATION_OR_ZERO",
    "DURATION_PATTERN",
    "TIME_OF_DAY",
    "duration_text",
    "seconds_of",
]

# A year is 365 days; months are left out because they are not one duration.
SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31536000.0,
}
LONGEST_SECONDS = 100 * SECONDS["y"]
UNIT_WORDS = {
    "millisecond": "ms", "sec": "s", "second": "s", "min": "m", "minute": "m", "hr": "h",
    "hour": "h", "day": "d", "week": "w", "yr": "y", "year": "y",
}  # fmt: skip

NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
ONE_PART = re.compile(rf"({NUMBER})(ms|s|m|h|d|w|y)")
DURATION_PATTERN = re.compile(rf"(?:{NUMBER}(?:ms|[smhdwy]))+")
WORDY_DURATION = re.compile(rf"({NUMBER}) ?([A-Za-z]+?)s?")
TIME_PATTERN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def seconds_of(text: str) -> float | None:
    """`1h30m` -> 5400.0; None where it is no duration."""
    if DURATION_PATTERN.fullmatch(text) is None:
        return None
    total = sum(float(number) * SECONDS[unit] for number, unit in ONE_PART.findall(text))
    return total if total <= LONGEST_SECONDS else None


def _likely_duration(value: object) -> str | None:
    """What was probably meant by a value that is no duration, as one writes it."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**9:
        return f"{value:g}s"
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if re.fullmatch(NUMBER, text):
        return f"{text}s"
    match = WORDY_DURATION.fullmatch(text)
    unit = match[2] if match else ""
    unit = UNIT_WORDS.get(unit, unit)
    return f"{match[1]}{unit}" if match and unit in SECONDS else None


def _duration_or_zero(entry: Entry) -> float | Refusal:
    value = entry.value
    found = seconds_of(value) if isinstance(value, str) else None
    if found is not None:
        return found
    likely = _likely_duration(value)
    if isinstance(value, str) and likely is None:
        return Refusal('Write it like "30s" or "1h30m": units are ms, s, m, h, d, w, y.')
    unit = "" if isinstance(value, str) else "the unit too: "
    return Refusal(f'Write {unit}"{likely or "30s"}" (ms, s, m, h, d, w, y).')


def _duration(entry: Entry) -> float | Refusal:
    found = _duration_or_zero(entry)
    if found == 0:
        return Refusal('Write a duration above 0, such as "30s".')
    return found


def _time_of_day(entry: Entry) -> int | Refusal:
    value = entry.value
    match = TIME_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match:
        return int(match[1]) * 60 + int(match[2])
    return Refusal('Write hours and minutes, UTC, in quotes: "22:00".')


def duration_text(seconds: float) -> str:
    """The shortest way to write a duration in one unit: 5400.0 -> `90m`."""
    for unit in ("d", "h", "m", "s"):
        if seconds and (seconds / SECONDS[unit]).is_integer():
            return f"{int(seconds / SECONDS[unit])}{unit}"
    milliseconds = round(seconds * 1000, 6)
    return f"{milliseconds:.6f}".rstrip("0").rstrip(".") + "ms" if seconds else "0s"


def _time_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def whole(pattern: re.Pattern[str]) -> str:
    """A pattern as JSON Schema has it."""
    return f"^(?:{pattern.pattern})$"


DURATION_OR_ZERO: Final = Scalar(
    "a duration",
    _duration_or_zero,
    {"type": "string", "pattern": whole(DURATION_PATTERN)},
    example='"30s"',
    write=duration_text,
)
DURATION: Final = Scalar(
    "a duration",
    _duration,
    {"type": "string", "pattern": whole(DURATION_PATTERN)},
    example='"30s"',
    write=duration_text,
)
TIME_OF_DAY: Final = Scalar(
    "a time of day",
    _time_of_day,
    {"type": "string", "pattern": whole(TIME_PATTERN)},
    example='"22:00"',
    write=_time_text,
)
