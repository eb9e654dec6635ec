"""All printing of the CLI. Data goes to stdout, talk to stderr; nothing is told by colour alone."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from fairway.core.problem import Problem
from fairway.core.status import EventLine

__all__ = ["data", "event", "finding", "notes", "problems", "say", "text"]

MARKS = {"info": "·", "good": "✓", "bad": "✗"}
COLOURS = {"info": None, "good": "green", "bad": "red"}


def text(line: str = "") -> None:
    """One line of data."""
    click.echo(line)


def data(value: Any) -> None:
    """JSON on stdout."""
    click.echo(json.dumps(value, indent=2, sort_keys=True))


def say(line: str) -> None:
    """One line of talk."""
    click.echo(line, err=True)


def problems(found: Sequence[Problem]) -> None:
    """Every problem: what, where, how to mend."""
    for problem in found:
        where = click.style(f"{problem.where}: ", bold=True) if problem.where else ""
        first, *rest = problem.what.splitlines() or [""]
        click.echo(f"{click.style('error:', fg='red')} {where}{first}", err=True)
        for line in rest:
            click.echo(line, err=True)
        for line in problem.mend.splitlines():
            click.echo(f"  {click.style('→', fg='green')} {line}", err=True)


def notes(title: str, lines: Sequence[str]) -> None:
    """Advice and gaps, if any."""
    for line in lines:
        click.echo(f"{click.style(f'{title}:', fg='yellow')} {line}", err=True)


def event(happened: EventLine) -> None:
    """Something that the engine did."""
    at = datetime.fromtimestamp(happened.at, UTC).strftime("%H:%M:%S")
    mark = click.style(MARKS[happened.level], fg=COLOURS[happened.level])
    node = click.style(f"{happened.node} ", bold=True) if happened.node else ""
    first, *rest = happened.text.splitlines() or [""]
    click.echo(f"{click.style(at, dim=True)} {mark} {node}{first}", err=True)
    for line in rest:
        click.echo(f"         {line}", err=True)
    sys.stderr.flush()


def finding(name: str, detail: str, *, ok: bool, mend: str) -> None:
    """One line of `fairway doctor`."""
    mark = click.style("✓", fg="green") if ok else click.style("✗", fg="red")
    click.echo(f"{mark} {name:<14} {detail}")
    if not ok and mend:
        click.echo(f"  {click.style('→', fg='green')} {mend}")
