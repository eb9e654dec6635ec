"""Talks to the running engine for the verbs: one request, its events told as they come."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fairway.cli import view
from fairway.cli.project import Project
from fairway.core.problem import Problem, Problems
from fairway.core.status import EventLine
from fairway.engine import client

__all__ = ["RELEASING", "SOCKET", "Unanswered", "ask"]

SOCKET = "control.sock"
RELEASING = "it goes on: `fairway status` looks, `fairway abort` takes it back"


class Unanswered(Problems):
    """The engine ended before it answered."""


def ask(
    project: Project,
    message: Mapping[str, Any],
    *,
    tell: Callable[[EventLine], None] | None = view.headline,
    goes_on: str = "",
) -> Mapping[str, Any]:
    """The result of one request; raises `Problems` as the engine says them, with all details.

    `goes_on` is told to who waits no longer: the engine does what it was asked all the same.
    """
    try:
        return asyncio.run(asking(project, message, tell))
    except KeyboardInterrupt:
        if goes_on:
            view.say(goes_on)
        raise


async def asking(
    project: Project,
    message: Mapping[str, Any],
    tell: Callable[[EventLine], None] | None,
) -> Mapping[str, Any]:
    """`ask`, inside a loop that runs."""
    async for answer in client.request(project.state / SOCKET, message):
        if "event" in answer:
            if tell is not None:
                tell(EventLine(**answer["event"]))
        elif "problems" in answer:
            raise Problems(
                [Problem(**problem) for problem in answer["problems"]],
                exit_code=int(answer["exit_code"]),
            )
        else:
            result: Mapping[str, Any] = answer["result"]
            return result
    raise Unanswered(
        [Problem("", "the engine ended before it answered", "See `fairway logs engine`.")],
        exit_code=1,
    )
