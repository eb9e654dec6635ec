"""The reader of times at which jobs run: cron in UTC, or a word for the usual ones."""

import re
from typing import Final

from fairway.core.problem import nearest
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.readers.reader import Refusal, Scalar

__all__ = ["SCHEDULE"]

WORDS = ("@hourly", "@daily", "@weekly", "@monthly", "@once")
MEANT = {
    "@midnight": "@daily",
    "@reboot": "@once",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LONGEST = 200
CRON = re.compile(r"[0-9A-Za-z*/,#-]+(?: +[0-9A-Za-z*/,#-]+){4}")
TIME = re.compile(r"(?:daily |every day )?(?:at )?([01]?[0-9]|2[0-3]):([0-5][0-9])")
SAYING = 'Write five fields, UTC: "0 6 * * *" is minute 0, hour 6, every day; or "@daily".'


def _schedule(entry: Entry) -> str | Refusal:
    value = entry.value
    if not isinstance(value, str) or len(value) > LONGEST:
        return Refusal(SAYING)
    text = " ".join(value.split())
    if text in WORDS:
        return text
    if text.startswith("@") or text.lower().lstrip("@") in {word[1:] for word in WORDS}:
        word = f"@{text.lower().lstrip('@')}"
        meant = MEANT.get(word) or nearest(word, WORDS)
        return Refusal(f'Write "{meant}".' if meant else f"Known words: {', '.join(WORDS)}.")
    if match := TIME.fullmatch(text.lower()):
        return Refusal(
            f'Write "{int(match[2])} {int(match[1])} * * *": minute, hour, every day, UTC.'
        )
    if CRON.fullmatch(text) is None:
        return Refusal(_fields(text))
    return _checked(text)


def _fields(text: str) -> str:
    count = len(text.split())
    if count == 6 and CRON.fullmatch(" ".join(text.split()[1:])):
        return f'Five fields, without seconds: "{" ".join(text.split()[1:])}".'
    return SAYING


def _checked(text: str) -> str | Refusal:
    """Cron that cronsim understands, which is what runs it."""
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        return Refusal(SAYING, f"{show(text)} has a {field} that does not exist.")
    except (AssertionError, ValueError, TypeError):  # what cronsim did not expect
        return Refusal(SAYING)
    return text


SCHEDULE: Final = Scalar(
    "a schedule",
    _schedule,
    {"type": "string", "pattern": rf"^ *(?:{'|'.join(WORDS)}|{CRON.pattern}) *$"},
    example='"0 6 * * *"',
)
