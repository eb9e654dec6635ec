"""The JSON API, mounted at `/api`. Translates between HTTP and the service.

Errors are RFC 9457 problems: what is wrong, in which field, and how to mend it; never internals.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, File, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from longrun import __version__
from longrun.analysis import Finding, analyse, ask
from longrun.answers import Answer, Figure
from longrun.inputs import PlanInput, Text, Trouble, troubles
from longrun.report import report
from longrun.service import Busy, Service, TooSlow, over_cap, parsed
from longrun.store import Unavailable
from longrun.stress import TEMPLATES
from longrun.text import plain_text

__all__ = ["create_api"]

log = logging.getLogger(__name__)
MOST_UPLOAD = 10 * 1000 * 1000


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


class AnalysisRequest(BaseModel):
    """A plan, and perhaps a question about it."""

    model_config = ConfigDict(extra="forbid")
    plan: PlanInput
    question: Text = ""


class Told(BaseModel):
    """The analysis of a plan."""

    risk: str
    findings: list[Finding]
    flags: list[str]
    suggestions: list[str]
    question: str
    answer: str
    is_answered: bool
    disclosure: str
    recorded: bool


class Stressed(BaseModel):
    """The plan after one bad beginning."""

    name: str
    title: str
    about: str
    success_probability: Figure
    p50: Figure


class SaveRequest(BaseModel):
    """A scenario to keep."""

    model_config = ConfigDict(extra="forbid")
    name: Text = Field(min_length=1)
    plan: PlanInput


class Uploaded(BaseModel):
    """What an uploaded file is. It is looked at and not kept."""

    name: str
    bytes: int


WRONG: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "Something in the request is wrong; which, it says."},
    503: {"model": Problem, "description": "Busy, or the database is away; try again."},
}
TOO_LARGE: dict[int | str, dict[str, Any]] = {413: {"model": Problem, "description": "Too large."}}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "Not there."}}
IS_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}


class NotAllowed(Exception):
    """Input that only this environment, or only a file's content, makes wrong."""

    def __init__(self, status: int, *found: Trouble) -> None:
        self.status, self.troubles = status, found
        super().__init__(str(found[0]))


def create_api(service: Service) -> FastAPI:
    """Build the API for one service."""
    api = FastAPI(title="Longrun", version=__version__, description=__doc__ or "")
    api.state.service = service
    api.add_exception_handler(RequestValidationError, _refused)
    api.add_exception_handler(NotAllowed, _not_allowed)
    for kind in (Busy, TooSlow, Unavailable):
        api.add_exception_handler(kind, _unavailable)
    _answer_plans(api)
    _keep_things(api)
    return api


def _answer_plans(api: FastAPI) -> None:
    @api.post("/simulate", response_model=Answer, responses=WRONG, summary="Simulate a plan")
    def simulate(request: Request, plan: PlanInput) -> Response:
        service = _service(request, plan)
        told = service.solve(plan)
        found = parsed(told)
        recorded = service.record(plan, found, analyse(plan, found))
        headers = {"x-recorded": "true" if recorded else "false"}
        return Response(told, media_type="application/json", headers=headers)

    @api.post("/analysis", responses=WRONG, summary="What a plan's figures mean")
    def analysis(request: Request, asked: AnalysisRequest) -> Told:
        found, told, recorded = _service(request, asked.plan).analyse(asked.plan)
        reply, is_answered = (
            ask(asked.question, asked.plan, found) if asked.question else ("", False)
        )
        return Told(
            risk=told.risk,
            findings=list(told.findings),
            flags=list(told.flags),
            suggestions=list(told.suggestions),
            question=asked.question,
            answer=reply,
            is_answered=is_answered,
            disclosure=told.disclosure,
            recorded=recorded,
        )

    @api.post("/stress", responses=WRONG, summary="A plan after bad beginnings")
    def stress(request: Request, plan: PlanInput) -> list[Stressed]:
        found = _service(request, plan).stress(plan)
        return [
            Stressed(
                name=one.name,
                title=one.title,
                about=one.about,
                success_probability=found[one.name].success_probability,
                p50=found[one.name].ending.p50,
            )
            for one in TEMPLATES
        ]

    @api.post(
        "/report", responses={**WRONG, **IS_PDF}, response_class=Response, summary="A PDF report"
    )
    def pdf(request: Request, plan: PlanInput) -> Response:
        found, told, _ = _service(request, plan).analyse(plan)
        made = report(plan, found, told, datetime.now(UTC).date())
        headers = {"content-disposition": 'attachment; filename="retirement-plan.pdf"'}
        return Response(made, media_type="application/pdf", headers=headers)


def _keep_things(api: FastAPI) -> None:
    @api.get("/history", responses=WRONG, summary="A client's simulations, newest first")
    def history(
        request: Request, client_id: Annotated[Text, Query(description="Whose.", min_length=1)]
    ) -> list[dict[str, Any]]:
        service: Service = request.app.state.service
        return [
            {"id": s.id, "ran_at": s.ran_at, "plan": s.plan, "summary": s.summary, "flags": s.flags}
            for s in service.store.simulations(client_id)
        ]

    @api.post("/scenarios", status_code=201, responses=WRONG, summary="Keep a scenario")
    def save(request: Request, asked: SaveRequest, response: Response) -> dict[str, str]:
        service: Service = request.app.state.service
        plan = asked.plan
        key = service.store.save(asked.name, plan.client_id, plan.model_dump(mode="json"))
        response.headers["location"] = f"/api/scenarios/{key}"
        return {"id": key}

    @api.get(
        "/scenarios/{key}",
        responses={**WRONG, **UNKNOWN},
        response_model=dict[str, Any],
        summary="A scenario that was kept",
    )
    def scenario(request: Request, key: Text) -> Response | dict[str, Any]:
        service: Service = request.app.state.service
        found = service.store.scenario(key)
        if found is None:
            return _problem(404, "Not found", "there is no such scenario")
        return {"id": found.id, "saved_at": found.saved_at, "name": found.name, "plan": found.plan}

    @api.post("/upload", responses={**WRONG, **TOO_LARGE}, summary="Check a client's PDF")
    def upload(file: Annotated[UploadFile, File(description="A PDF below 10 MB.")]) -> Uploaded:
        return check_pdf(file.filename or "", file.file.read(MOST_UPLOAD + 1))


def check_pdf(name: str, data: bytes) -> Uploaded:
    """Whether this is a PDF, by its first and last bytes. Raises `NotAllowed`."""
    if len(data) >= MOST_UPLOAD:
        raise NotAllowed(413, Trouble("file", "it has 10 MB or more", "Choose a smaller one."))
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-1024:]:
        raise NotAllowed(422, Trouble("file", "it is not a PDF", "Choose a PDF file."))
    return Uploaded(name=plain_text(name[:200]), bytes=len(data))


def _service(request: Request, plan: PlanInput) -> Service:
    """The service, once the plan is within this environment's cap."""
    service: Service = request.app.state.service
    trouble = over_cap(plan, service.settings)
    if trouble is not None:
        raise NotAllowed(422, trouble)
    return service


def _problem(
    status: int, title: str, detail: str, found: Sequence[Trouble] = (), **headers: str
) -> JSONResponse:
    problem = Problem(
        title=title,
        status=status,
        detail=detail,
        errors=[FieldTrouble(field=t.field, what=t.what, mend=t.mend) for t in found],
    )
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(problem.model_dump(), status, told, media_type="application/problem+json")


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = troubles(error.errors())
    return _problem(422, "Not understood", "; ".join(map(str, found)), found)


async def _not_allowed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotAllowed)
    title = "Too large" if error.status == 413 else "Not allowed"
    return _problem(error.status, title, str(error), error.troubles)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("refused for now: %s", error)
    return _problem(503, "Try again", str(error), retry_after="2")
