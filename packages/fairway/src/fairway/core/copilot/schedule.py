"""Copilot's schedules as cron in UTC: `@every 2h`, `rate(15 minutes)`, AWS's six fields. Pure."""

import re

from fairway.core.detect.sayable import as_schedule
from fairway.core.spec.readers.times import seconds_of

__all__ = ["as_cron"]

NAMED = {"@midnight": "@daily", "@annually": "0 0 1 1 *", "@yearly": "0 0 1 1 *"}
RATE = re.compile(r"rate\((\d{1,5}) (minute|hour|day)s?\)")
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
SIX = re.compile(r"cron\((\S+ \S+) (\S+) (\S+) (\S+) \*\)")


def as_cron(text: str) -> str | None:
    """The schedule as Fairway writes it; None where cron cannot say it."""
    line = " ".join(text.split())
    line = NAMED.get(line, line)
    if rate := RATE.fullmatch(line):
        return _every(int(rate[1]) * SECONDS[rate[2]])
    if line.startswith("@every "):
        return _every(seconds_of(line.removeprefix("@every ")) or 0)
    if six := SIX.fullmatch(line):
        days = six[4].replace("?", "*")
        # AWS counts the days of a week from Sunday = 1, cron from Sunday = 0.
        days = re.sub(r"(?<![#\d/])\d", lambda day: str(int(day[0]) - 1), days)
        line = f"{six[1]} {six[2].replace('?', '*')} {six[3]} {days}"
    return as_schedule(line) or None


def _every(seconds: float) -> str | None:
    """A step that divides an hour or a day evenly; others would not be even over midnight."""
    minutes = seconds / 60
    if minutes != int(minutes) or minutes < 1:
        return None
    whole = int(minutes)
    if whole < 60 and 60 % whole == 0:
        return f"*/{whole} * * * *" if whole > 1 else "* * * * *"
    if whole % 60 == 0 and 24 % (whole // 60) == 0:
        hours = whole // 60
        return {1: "@hourly", 24: "@daily"}.get(hours, f"0 */{hours} * * *")
    return None
