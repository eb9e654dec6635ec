"""Readers of quantities with a unit: durations, sizes, shares, rates, ranges, times of day.

A bare number is never guessed at: the unit is part of what is written, so that a file can be
read aloud. Refusals say the value that was probably meant.
"""

import re
from typing import Final

from fairway.core.spec.entry import Entry, show
from fairway.core.spec.quantities import CanaryStep, Rate, Replicas
from fairway.core.spec.readers.reader import Refusal, Scalar

__all__ = [
    "CANARY_STEPS",
    "DURATION",
    "DURATION_OR_ZERO",
    "DURATION_THRESHOLD",
    "GIBIBYTES",
    "MEBIBYTES",
    "RATE",
    "REPLICAS",
    "SHARE",
    "SHARE_THRESHOLD",
    "SIZE",
    "TIME_OF_DAY",
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
BYTES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
PERIODS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
PERIOD_WORDS = {
    "m": "min",
    "sec": "s",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "hr": "h",
    "day": "d",
}
MOST_REPLICAS = 1000

NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
DURATION_PART = rf"({NUMBER})(ms|s|m|h|d|w|y)"
ONE_PART = re.compile(DURATION_PART)
DURATION_PATTERN = re.compile(rf"(?:{NUMBER}(?:ms|[smhdwy]))+")
WORDY_DURATION = re.compile(rf"({NUMBER}) ?([A-Za-z]+?)s?")
SIZE_PATTERN = re.compile(rf"({NUMBER}) ?({'|'.join(BYTES)})")
LOOSE_SIZE = re.compile(rf"({NUMBER}) ?([kmgt])(i?)b?", re.IGNORECASE)
SHARE_PATTERN = re.compile(rf"({NUMBER}) ?%")
RATE_PATTERN = re.compile(r"([0-9]{1,9})/(s|min|h|d)")
WORDY_RATE = re.compile(r"([0-9]{1,9}) ?(?:/|per) ?(?:1 ?)?([A-Za-z]+?)s?")
RANGE_PATTERN = re.compile(r"([0-9]{1,4})\.\.([0-9]{1,4})")
LOOSE_RANGE = re.compile(r"([0-9]{1,4}) ?(?:\.{2,3}|-|\u2013|to|,|:) ?([0-9]{1,4})")
TIME_PATTERN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
THRESHOLD_PATTERN = re.compile(r"> ?(.+)")
STEP_PATTERN = re.compile(r"(\S+) for (\S+)")


def _whole(pattern: re.Pattern[str]) -> str:
    return f"^(?:{pattern.pattern})$"


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
    if isinstance(value, str):
        return Refusal(f'Write "{likely or "30s"}": units are ms, s, m, h, d, w, y.')
    return Refusal(f'Write the unit too: "{likely or "30s"}" (ms, s, m, h, d, w, y).')


def _duration(entry: Entry) -> float | Refusal:
    found = _duration_or_zero(entry)
    if found == 0:
        return Refusal('Write a duration above 0, such as "30s".')
    return found


def bytes_of(text: str) -> int | None:
    """`10 MB` -> 10000000, `512 MiB` -> 536870912; None where it is no size."""
    match = SIZE_PATTERN.fullmatch(text)
    return int(float(match[1]) * BYTES[match[2]]) if match else None


def _likely_size(value: object, *, binary: bool) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15:
        unit = "MiB" if binary else "MB"
        return f"{value} {unit}" if value < 10**5 else f"{value} B"
    match = LOOSE_SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    letter = match[2].upper()
    return f"{match[1]} {letter}{'i' if binary or match[3] else ''}B"


def _size(entry: Entry) -> int | Refusal:
    found = bytes_of(entry.value) if isinstance(entry.value, str) else None
    if found:
        return found
    likely = _likely_size(entry.value, binary=False)
    return Refusal(
        f'Write the number and its unit: "{likely or "10 MB"}" (kB, MB, GB, KiB, MiB, GiB).'
    )


def _binary(entry: Entry, unit: str, example: str) -> int | Refusal:
    """A size in whole MiB or GiB: machines are counted in these, so nothing is rounded."""
    text = entry.value
    match = SIZE_PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match and "i" in match[2]:
        count = float(match[1]) * BYTES[match[2]] / BYTES[unit]
        if count >= 1 and count.is_integer() and count < 2**31:
            return int(count)
        return Refusal(f'Write a whole number of {unit}, such as "{example}".')
    likely = _likely_size(text, binary=True)
    return Refusal(f'It is counted in units of 1024: "{likely or example}".')


def _mebibytes(entry: Entry) -> int | Refusal:
    return _binary(entry, "MiB", "512 MiB")


def _gibibytes(entry: Entry) -> int | Refusal:
    return _binary(entry, "GiB", "20 GiB")


def percent_of(text: str) -> float | None:
    """`70%` -> 70.0; None where it is no share."""
    match = SHARE_PATTERN.fullmatch(text)
    return float(match[1]) if match and float(match[1]) <= 100 else None


def _likely_share(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value <= 1 and isinstance(value, float):
            return f"{value * 100:g}%"
        if 0 <= value <= 100:
            return f"{value:g}%"
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,2}", value.strip()):
        return f"{value.strip()}%"
    return "70%"


def _share(entry: Entry) -> float | Refusal:
    found = percent_of(entry.value) if isinstance(entry.value, str) else None
    if found is not None:
        return found
    return Refusal(f'Write a share of 100: "{_likely_share(entry.value)}".')


def _rate(entry: Entry) -> Rate | Refusal | None:
    value = entry.value
    if value is False:
        return None
    match = RATE_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match and int(match[1]) > 0:
        return Rate(int(match[1]), PERIODS[match[2]])
    likely = "60/min"
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
        likely = f"{value}/min"
    wordy = WORDY_RATE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if wordy and int(wordy[1]) > 0:
        period = PERIOD_WORDS.get(wordy[2], wordy[2])
        likely = f"{wordy[1]}/{period if period in PERIODS else 'min'}"
    return Refusal(f'Write "{likely}" (/s, /min, /h, /d), or false for no limit.')


def _replicas(entry: Entry) -> Replicas | Refusal:
    value = entry.value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_REPLICAS:
        return Replicas(value, value)
    if not isinstance(value, str):
        return Refusal(f'Write 3, or a range "2..10" (at most {MOST_REPLICAS}).')
    if re.fullmatch(r"[0-9]{1,4}", value):
        return Refusal(f"One number stands without quotes: {value}.")
    match = RANGE_PATTERN.fullmatch(value)
    if match is None:
        loose = LOOSE_RANGE.fullmatch(value.strip())
        likely = f"{loose[1]}..{loose[2]}" if loose else "2..10"
        return Refusal(f'Write 3, or a range with two dots: "{likely}".')
    least, most = int(match[1]), int(match[2])
    if least > most:
        return Refusal(f'Write the smaller number first: "{most}..{least}".')
    if most > MOST_REPLICAS:
        return Refusal(f"Write at most {MOST_REPLICAS}.")
    return Replicas(least, most)


def _time_of_day(entry: Entry) -> int | Refusal:
    value = entry.value
    match = TIME_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match:
        return int(match[1]) * 60 + int(match[2])
    return Refusal('Write hours and minutes, UTC, in quotes: "22:00".')


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


DURATION_OR_ZERO: Final = Scalar(
    'a duration such as "30s"',
    _duration_or_zero,
    {"type": "string", "pattern": _whole(DURATION_PATTERN)},
)
DURATION: Final = Scalar(
    'a duration such as "30s"',
    _duration,
    {"type": "string", "pattern": _whole(DURATION_PATTERN)},
)
SIZE: Final = Scalar(
    'a size such as "10 MB"', _size, {"type": "string", "pattern": _whole(SIZE_PATTERN)}
)
BINARY_PATTERN = f"^{NUMBER} ?[KMGT]iB$"
MEBIBYTES: Final = Scalar(
    'a size such as "512 MiB"', _mebibytes, {"type": "string", "pattern": BINARY_PATTERN}
)
GIBIBYTES: Final = Scalar(
    'a size such as "20 GiB"', _gibibytes, {"type": "string", "pattern": BINARY_PATTERN}
)
SHARE: Final = Scalar(
    'a share such as "70%"', _share, {"type": "string", "pattern": _whole(SHARE_PATTERN)}
)
RATE: Final = Scalar(
    'a rate such as "60/min"',
    _rate,
    {"anyOf": [{"type": "string", "pattern": _whole(RATE_PATTERN)}, {"const": False}]},
)
REPLICAS: Final = Scalar(
    'a number of replicas or a range such as "2..10"',
    _replicas,
    {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MOST_REPLICAS},
            {"type": "string", "pattern": _whole(RANGE_PATTERN)},
        ]
    },
)
TIME_OF_DAY: Final = Scalar(
    'a time of day such as "22:00"',
    _time_of_day,
    {"type": "string", "pattern": _whole(TIME_PATTERN)},
)
SHARE_THRESHOLD: Final = Scalar(
    'a limit such as "> 1%"',
    _share_threshold,
    {"type": "string", "pattern": f"^> ?{SHARE_PATTERN.pattern}$"},
)
DURATION_THRESHOLD: Final = Scalar(
    'a limit such as "> 2s"',
    _duration_threshold,
    {"type": "string", "pattern": f"^> ?{DURATION_PATTERN.pattern}$"},
)
CANARY_STEPS: Final = Scalar(
    'a list of steps such as ["10% for 15m"]',
    _canary_steps,
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "string",
            "pattern": f"^{SHARE_PATTERN.pattern} for {DURATION_PATTERN.pattern}$",
        },
    },
)
