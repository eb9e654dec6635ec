"""The API's errors: RFC 9457 problems that say what is wrong, where, and how to mend it.

And who asks: `me` is the person that the door found.
"""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from longrun.door import PERSON
from longrun.entrance import TooOften
from longrun.inputs import Trouble, troubles
from longrun.people import Person

__all__ = [
    "BUSY",
    "NOT_SIGNED_IN",
    "UNKNOWN",
    "WRONG",
    "NotAllowed",
    "Problem",
    "compliance",
    "me",
    "not_allowed",
    "not_understood",
    "problem",
    "too_often",
    "unavailable",
]

log = logging.getLogger(__name__)


class FieldTrouble(BaseModel):
    """One field that is wrong."""

    field: str
    what: str
    mend: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldTrouble] = []


Responses = dict[int | str, dict[str, Any]]
WRONG: Responses = {
    422: {"model": Problem, "description": "Something in the request is wrong; which, it says."}
}
BUSY: Responses = {
    503: {"model": Problem, "description": "Busy, or the database is away; try again."}
}
NOT_SIGNED_IN: Responses = {401: {"model": Problem, "description": "Nobody is signed in."}}
UNKNOWN: Responses = {404: {"model": Problem, "description": "Not there, or not yours."}}


class NotAllowed(Exception):
    """Input that only this environment, a file's content or a person's role makes wrong."""

    def __init__(self, status: int, *found: Trouble) -> None:
        self.status, self.troubles = status, found
        super().__init__(str(found[0]))


async def me(request: Request) -> Person:
    """Who asks. Async, because a plain function would cost a thread's turn."""
    person: Person | None = request.scope.get(PERSON)
    if person is None:
        raise NotAllowed(401, Trouble("session", "nobody is signed in", "Sign in first."))
    return person


async def compliance(request: Request) -> Person:
    """Who asks, if the audit log is theirs to read."""
    person = await me(request)
    if not person.sees_everything:
        mend = "Ask a compliance officer."
        raise NotAllowed(403, Trouble("role", "the audit log is compliance's to read", mend))
    return person


def problem(
    status: int, title: str, detail: str, found: Sequence[Trouble] = (), **headers: str
) -> JSONResponse:
    """An answer that says what went wrong."""
    said = Problem(
        title=title,
        status=status,
        detail=detail,
        errors=[FieldTrouble(field=t.field, what=t.what, mend=t.mend) for t in found],
    )
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(said.model_dump(), status, told, media_type="application/problem+json")


async def not_understood(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = troubles(error.errors())
    return problem(422, "Not understood", "; ".join(map(str, found)), found)


async def not_allowed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotAllowed)
    title = "Too large" if error.status == 413 else "Not allowed"
    return problem(error.status, title, str(error), error.troubles)


async def too_often(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TooOften)
    return problem(429, "Too many requests", str(error), retry_after=str(error.seconds))


async def unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("refused for now: %s", error)
    return problem(503, "Try again", str(error), retry_after="2")
