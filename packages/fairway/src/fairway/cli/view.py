"""All printing of the CLI. Data goes to stdout, talk to stderr; nothing is told by colour alone."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from fairway.core.problem import Problem, Problems

if TYPE_CHECKING:
    from fairway.core.status import EventLine

__all__ = [
    "confirm",
    "confirm_by_name",
    "data",
    "echo",
    "event",
    "finding",
    "headline",
    "notes",
    "paint",
    "problems",
    "say",
    "text",
    "width",
]

MARKS = {"info": "·", "good": "✓", "bad": "✗"}
ROLES: dict[str, dict[str, Any]] = {
    "head": {"bold": True},
    "good": {"fg": "green"},
    "dim": {"dim": True},
    "money": {"fg": "cyan"},
    "warn": {"fg": "yellow"},
}
COLOURS = {"info": None, "good": "green", "bad": "red"}


def echo(line: str, *, err: bool = False) -> bool:
    """One line, without colours where `NO_COLOR` is set (no-color.org); whether it was read.

    A reader that has gone (`fairway logs | head`) ends no verb: what runs an app goes on.
    """
    try:
        click.echo(line, err=err, color=False if os.environ.get("NO_COLOR") else None)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())
        return False
    except OSError:
        # Talk into a log on a full disk is lost, and ends nothing; data must not be cut short.
        if not err:
            raise
        return False
    return True


def text(line: str = "") -> bool:
    """One line of data; whether somebody reads it."""
    return echo(line)


def width() -> int:
    """The columns of the terminal; 80 where there is none."""
    if (said := os.environ.get("COLUMNS", "")).isascii() and said.isdigit():
        return int(said)
    with suppress(OSError):
        return os.get_terminal_size(sys.stdout.fileno()).columns
    return 80


def paint(words: str, role: str) -> str:
    """A page's words in its role: `head`, `good`, `dim`, `money`, `warn`."""
    return click.style(words, **ROLES[role]) if words.strip() else words


def data(value: Any) -> None:
    """JSON on stdout."""
    echo(json.dumps(value, indent=2, sort_keys=True))


def say(line: str) -> None:
    """One line of talk."""
    echo(line, err=True)


def confirm(question: str, *, to: str) -> None:
    """Go on if somebody says yes; raises `Problems` where nobody is here to, click's Abort on no.

    `to` says what `--yes` would do without asking: `delete`.
    """
    see_somebody(to)
    click.confirm(question, abort=True, err=True)


def confirm_by_name(name: str, *, to: str) -> None:
    """The same for what can't be brought back: a yes is too quick, so the name is typed."""
    see_somebody(to)
    said = str(click.prompt(f"Type {name} to {to}", default="", show_default=False, err=True))
    if said != name:
        raise click.Abort


def see_somebody(to: str) -> None:
    """Raise `Problems` where nobody is here to answer."""
    if not sys.stdin.isatty():
        mend = f"Add --yes to {to} without asking."
        raise Problems([Problem("", "nobody is here to confirm", mend)])


def problems(found: Sequence[Problem]) -> None:
    """Every problem: what, where, how to mend."""
    for problem in found:
        where = click.style(f"{problem.where}: ", bold=True) if problem.where else ""
        first, *rest = problem.what.splitlines() or [""]
        echo(f"{click.style('error:', fg='red')} {where}{first}", err=True)
        for line in rest:
            echo(line, err=True)
        advice(problem.mend, err=True)


def advice(mend: str, *, err: bool = False) -> None:
    """How to mend it: an arrow, and further lines below it."""
    for number, line in enumerate(mend.splitlines()):
        mark = click.style("→", fg="green") if number == 0 else " "
        echo(f"  {mark} {line}".rstrip(), err=err)


def notes(title: str, lines: Sequence[str]) -> None:
    """Advice and gaps, if any."""
    for line in lines:
        echo(f"{click.style(f'{title}:', fg='yellow')} {line}", err=True)


def headline(happened: "EventLine") -> None:
    """An event without its details, for who gets them with the answer."""
    first, *_ = happened.text.splitlines() or [""]
    event(replace(happened, text=first))


def event(happened: "EventLine", *, dated: bool = False) -> None:
    """Something that the engine did, with its time in UTC; `dated`, for a log, with its day."""
    moment = datetime.fromtimestamp(happened.at, UTC)
    at = moment.strftime("%H:%M:%S")
    if dated:
        at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    mark = click.style(MARKS[happened.level], fg=COLOURS[happened.level])
    node = click.style(f"{happened.node} ", bold=True) if happened.node else ""
    first, *rest = happened.text.splitlines() or [""]
    echo(f"{click.style(at, dim=True)} {mark} {node}{first}", err=True)
    for line in rest:
        echo(f"         {line}", err=True)
    with suppress(OSError):
        sys.stderr.flush()


def finding(name: str, detail: str, *, ok: bool, needed: bool, mend: str) -> None:
    """One line of `fairway doctor`: there, missing, or missing and not needed."""
    mark = click.style("✗", fg="red") if needed else click.style("○", dim=True)
    if ok:
        mark = click.style("✓", fg="green")
    echo(f"{mark} {name:<14} {detail}")
    if not ok:
        advice(mend)
