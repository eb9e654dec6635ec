"""Cron of the file to EventBridge Scheduler's: other numbers for days, `?` for "any".

The file's cron runs when the day of the month *or* the day of the week fits, where both are said;
AWS's can say one of them, so such a schedule becomes two. Pure.
"""

import re
from collections.abc import Sequence

__all__ = ["ONCE", "expressions", "is_sayable"]

ONCE = "@once"
WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
PLAIN = re.compile(r"[0-9A-Za-z*/,-]+")
NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def is_sayable(schedule: str) -> bool:
    """Whether AWS can say it: `@once` it cannot, nor the last or the nth weekday of a month."""
    if schedule == ONCE:
        return False
    fields = WORDS.get(schedule, schedule).split()
    special = re.compile(r"[L#]|(?<![A-Z])W")
    return all(PLAIN.fullmatch(field) and not special.search(_bare(field)) for field in fields)


def expressions(schedule: str) -> Sequence[str]:
    """One or two expressions of AWS for a sayable schedule."""
    minute, hour, day, month, weekday = WORDS.get(schedule, schedule).split()
    if weekday == "*":
        return (_said(minute, hour, day, month, "?"),)
    days = _weekdays(weekday)
    if day == "*":
        return (_said(minute, hour, "?", month, days),)
    return (_said(minute, hour, day, month, "?"), _said(minute, hour, "?", month, days))


def _said(*fields: str) -> str:
    return f"cron({' '.join(fields)} *)"


def _weekdays(field: str) -> str:
    """Sunday is 0 or 7 in cron and 1 at AWS: names are the same in both."""
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low = 0 if first == "*" else _number(first)
        high = 6 if first == "*" else _number(last) if last else 6 if step else low
        if high < low:
            high += 7
        found.update(each % 7 for each in range(low, high + 1, int(step or 1)))
    return ",".join(NAMES[each] for each in sorted(found))


def _number(day: str) -> int:
    return NAMES.index(day) if day in NAMES else int(day)


def _bare(field: str) -> str:
    """Without the names of months and days, whose letters mean nothing else."""
    return re.sub(
        r"JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT",
        "",
        field.upper(),
    )
