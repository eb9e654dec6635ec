"""Readers of amounts: sizes, shares, rates, numbers of replicas.

As with durations, the unit is part of what is written, and refusals say what was probably meant.
"""

import re
from typing import Final

from fairway.core.spec.entry import Entry
from fairway.core.spec.quantities import Rate, Replicas
from fairway.core.spec.readers.reader import Refusal, Scalar
from fairway.core.spec.readers.times import NUMBER, whole

__all__ = [
    "GIBIBYTES",
    "MEBIBYTES",
    "RATE",
    "REPLICAS",
    "SHARE",
    "SHARE_PATTERN",
    "SIZE",
    "percent_of",
]

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

SIZE_PATTERN = re.compile(rf"({NUMBER}) ?({'|'.join(BYTES)})")
LOOSE_SIZE = re.compile(rf"({NUMBER}) ?([kmgt])(i?)b?", re.IGNORECASE)
BINARY_PATTERN = re.compile(rf"{NUMBER} ?[KMGT]iB")
SHARE_PATTERN = re.compile(rf"({NUMBER}) ?%")
RATE_PATTERN = re.compile(r"([0-9]{1,9})/(s|min|h|d)")
WORDY_RATE = re.compile(r"([0-9]{1,9}) ?(?:/|per) ?(?:1 ?)?([A-Za-z]+?)s?")
RANGE_PATTERN = re.compile(r"([0-9]{1,4})\.\.([0-9]{1,4})")
LOOSE_RANGE = re.compile(r"([0-9]{1,4}) ?(?:\.{2,3}|-|\u2013|to|,|:) ?([0-9]{1,4})")


def bytes_of(text: str) -> int | None:
    """`10 MB` -> 10000000, `512 MiB` -> 536870912; None where it is no size."""
    match = SIZE_PATTERN.fullmatch(text)
    return int(float(match[1]) * BYTES[match[2]]) if match else None


def _likely_size(value: object, bare: str) -> str | None:
    """What was probably meant; `bare` is the unit of a number without one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**5:
        return f"{value} {bare}"
    match = LOOSE_SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    is_binary = bool(match[3]) or "i" in bare
    return f"{match[1]} {match[2].upper()}{'i' if is_binary else ''}B"


def _size(entry: Entry) -> int | Refusal:
    found = bytes_of(entry.value) if isinstance(entry.value, str) else None
    if found:
        return found
    likely = _likely_size(entry.value, "MB") or "10 MB"
    return Refusal(f'Write number and unit: "{likely}" (kB, MB, GB, or KiB, MiB, GiB).')


def _binary(entry: Entry, unit: str, example: str) -> int | Refusal:
    """A size in whole MiB or GiB: machines are counted in these, so nothing is rounded."""
    text = entry.value
    match = SIZE_PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match and "i" in match[2]:
        count = float(match[1]) * BYTES[match[2]] / BYTES[unit]
        if count >= 1 and count.is_integer() and count < 2**31:
            return int(count)
        return Refusal(f'Write a whole number of {unit}, such as "{example}".')
    likely = _likely_size(text, unit) or example
    return Refusal(f'Machines are counted in units of 1024: write "{likely}".')


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


def size_text(count: int) -> str:
    """The shortest way to write a number of bytes: 10485760 -> `10 MiB`."""
    units = sorted(BYTES.items(), key=lambda unit: -unit[1])
    unit, size = next((unit, size) for unit, size in units if count % size == 0)
    return f"{count // size} {unit}"


SIZE: Final = Scalar(
    "a size",
    _size,
    {"type": "string", "pattern": whole(SIZE_PATTERN)},
    example='"10 MB"',
    write=size_text,
)
MEBIBYTES: Final = Scalar(
    "a size",
    _mebibytes,
    {"type": "string", "pattern": whole(BINARY_PATTERN)},
    example='"512 MiB"',
    write=lambda count: size_text(count * BYTES["MiB"]),
)
GIBIBYTES: Final = Scalar(
    "a size",
    _gibibytes,
    {"type": "string", "pattern": whole(BINARY_PATTERN)},
    example='"20 GiB"',
    write=lambda count: size_text(count * BYTES["GiB"]),
)
SHARE: Final = Scalar(
    "a share",
    _share,
    {"type": "string", "pattern": whole(SHARE_PATTERN)},
    example='"70%"',
    write=lambda percent: f"{percent:.12g}%",
)
RATE: Final = Scalar(
    "a rate",
    _rate,
    {"anyOf": [{"type": "string", "pattern": whole(RATE_PATTERN)}, {"const": False}]},
    example='"60/min"',
    write=str,
)
REPLICAS: Final = Scalar(
    "a number of replicas or a range",
    _replicas,
    {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MOST_REPLICAS},
            {"type": "string", "pattern": whole(RANGE_PATTERN)},
        ]
    },
    example='"2..10"',
    write=lambda range_: range_.minimum if range_.minimum == range_.maximum else str(range_),
)
