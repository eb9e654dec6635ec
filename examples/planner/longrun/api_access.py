"""The API's part about people: signing in and out, and who one is."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from fairway_runtime.sessions import Session
from longrun.api_problems import BUSY, NOT_SIGNED_IN, WRONG, Problem, me, problem
from longrun.door import begin_session
from longrun.entrance import Entrance, Wrong
from longrun.passwords import LONGEST
from longrun.people import LONGEST_NAME, Person, Role

__all__ = ["add_access"]

TOO_OFTEN: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "Too many tries."}
}


class SignIn(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    password: str = Field(min_length=1, max_length=LONGEST)


class SignedIn(BaseModel):
    """Who is signed in."""

    name: str
    role: Role


def add_access(api: FastAPI, entrance: Entrance) -> None:
    """`/login`, `/logout`, `/me`."""

    @api.post(
        "/login",
        response_model=SignedIn,
        responses={**WRONG, **NOT_SIGNED_IN, **TOO_OFTEN, **BUSY},
        summary="Sign in: the answer's cookie is the session",
    )
    async def login(request: Request, said: SignIn) -> SignedIn | JSONResponse:
        session: Session = request.scope["session"]
        try:
            person = await entrance.sign_in(request.scope, said.name, said.password)
        except Wrong as error:
            return problem(401, "Not signed in", str(error))
        begin_session(session, person)
        return SignedIn(name=person.name, role=person.role)

    @api.post(
        "/logout",
        status_code=204,
        responses={**NOT_SIGNED_IN, **BUSY},
        summary="End all of one's sessions",
    )
    async def logout(request: Request, person: Annotated[Person, Depends(me)]) -> None:
        request.scope["session"].clear()
        await entrance.sign_out(person)

    @api.get("/me", responses=NOT_SIGNED_IN, summary="Who is signed in")
    def who(person: Annotated[Person, Depends(me)]) -> SignedIn:
        return SignedIn(name=person.name, role=person.role)
