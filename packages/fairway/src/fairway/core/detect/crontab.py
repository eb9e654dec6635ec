"""The lines of a crontab as jobs: schedules, and commands without what only cron needs."""

import re
from collections.abc import Iterator

from fairway.core.detect.findings import FoundJob
from fairway.core.detect.label import as_label
from fairway.core.detect.sayable import as_command, as_schedule
from fairway.core.detect.sources import Finding, Sources, name_of, quote

__all__ = ["cron_jobs"]

LINE = re.compile(
    r"\s*((?:[\d*/,\-]+\s+){4}[\d*/,\-A-Za-z]+|@(?:hourly|daily|weekly|monthly))\s+(.+)"
)
REDIRECTION = re.compile(r"\s*(?:\d?>>?|&>)\s*\S+.*$")
CHANGE = re.compile(r"^cd \S+ && ")
# In /etc/crontab a user stands before the command: a word before a program or a path.
PROGRAM = (
    r"(?:/|\./|cd |(?:ba)?sh |python|uv |poetry |pipenv |flask |django-admin |alembic |celery )"
)
USER = re.compile(rf"^(?!{PROGRAM})[a-z_][\w-]*\s+(?={PROGRAM})")
# An environment of its own that the machine had; here a job has the app's.
ELSEWHERE = re.compile(r"^/\S*/(?=(?:python[\d.]*|uv|poetry|pipenv|flask|alembic|celery)(?:\s|$))")
WORD = re.compile(r"[A-Za-z][\w.-]*")


def cron_jobs(sources: Sources, folder: str) -> Iterator[FoundJob]:
    """The jobs of every crontab; of a program elsewhere on that machine it is only suggested."""
    for path, text in sorted(sources.texts.items()):
        if name_of(path) not in {"crontab", "cronjobs"} and not path.endswith(
            (".cron", ".crontab")
        ):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found = None if line.lstrip().startswith("#") else LINE.match(line)
            command = as_command(_bare(found[2])) if found else ""
            schedule = as_schedule(found[1]) if found else ""
            if command and schedule:
                yield FoundJob(
                    name=as_label(_subject(command), "job"),
                    command=Finding(command, f"{path}:{number}", quote(line)),
                    schedule=schedule,
                    folder=folder,
                    is_sure=not command.startswith("/"),
                )


def _bare(command: str) -> str:
    for part in (REDIRECTION, USER, CHANGE, ELSEWHERE):
        command = part.sub("", command)
    return command


def _subject(command: str) -> str:
    """What a command is about: its module, script or last word that is no option."""
    if module := re.search(r"python\S* -m (\S+)", command):
        return module[1].rpartition(".")[2]
    script = re.search(r"(\w+)\.(?:py|sh)(?:\s|$)", command)
    if script and script[1] != "manage":
        return script[1]
    words = [word for word in command.split() if WORD.fullmatch(word)]
    return words[-1] if words else name_of(command.partition(" ")[0])
