"""The JSON API, mounted at `/api`. Translates between HTTP and the service.

Errors are RFC 9457 problems: what is wrong, in which field, and how to mend it; never internals.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator

from fairway_runtime.business import count
from fairway_runtime.operations import operation
from fairway_runtime.timeouts import PDF_SECONDS, within
from longrun import __version__
from longrun.analysis import Analysis, Finding, analyse, ask
from longrun.answers import Answer, Figure
from longrun.api_access import add_access
from longrun.api_kept import add_kept
from longrun.api_problems import (
    BUSY,
    NOT_SIGNED_IN,
    WRONG,
    NotAllowed,
    Problem,
    me,
    not_allowed,
    not_understood,
    too_often,
    unavailable,
)
from longrun.database import Unavailable
from longrun.entrance import Entrance, TooOften
from longrun.inputs import PlanInput, Text, Trouble
from longrun.people import Person
from longrun.recorder import NotRecorded
from longrun.report import report
from longrun.service import Busy, Recorded, Service, TooSlow, over_cap, parsed
from longrun.stress import TEMPLATES
from longrun.text import plain_text

__all__ = ["create_api"]

MOST_UPLOAD = 10 * 1000 * 1000


def _validated(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Validation, with a span of its own (R186). What is wrong stays out of the log."""
    failed: ValidationError | None = None
    found: object = None
    with operation("validate_inputs") as work:
        try:
            found = handler(value)
        except ValidationError as error:
            failed = error
            work.fields["wrong_fields"] = error.error_count()
    if failed is not None:
        raise failed
    return found


Asked = Annotated[PlanInput, WrapValidator(_validated)]
Me = Annotated[Person, Depends(me)]


class AnalysisRequest(BaseModel):
    """A plan, and perhaps a question about it."""

    model_config = ConfigDict(extra="forbid")
    plan: Asked
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
    record: str
    recorded: bool


class Stressed(BaseModel):
    """The plan after one bad beginning."""

    name: str
    title: str
    about: str
    success_probability: Figure
    p50: Figure


class Uploaded(BaseModel):
    """What an uploaded file is. It is looked at and not kept."""

    name: str
    bytes: int


TOO_LARGE: dict[int | str, dict[str, Any]] = {413: {"model": Problem, "description": "Too large."}}
IS_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
ASKED: dict[int | str, dict[str, Any]] = {**WRONG, **NOT_SIGNED_IN, **BUSY}


def create_api(service: Service, entrance: Entrance) -> FastAPI:
    """Build the API for one service. It stands behind the door, which says who asks."""
    api = FastAPI(title="Longrun", version=__version__, description=__doc__ or "")
    api.add_exception_handler(RequestValidationError, not_understood)
    api.add_exception_handler(NotAllowed, not_allowed)
    api.add_exception_handler(TooOften, too_often)
    for kind in (Busy, TooSlow, Unavailable, NotRecorded):
        api.add_exception_handler(kind, unavailable)
    add_access(api, entrance)
    _answer_plans(api, service)
    _explain_plans(api, service)
    add_kept(api, service)
    return api


def _answer_plans(api: FastAPI, service: Service) -> None:
    @api.post("/simulate", response_model=Answer, responses=ASKED, summary="Simulate a plan")
    async def simulate(person: Me, plan: Asked) -> Response:
        _check_cap(plan, service)
        told = await service.solve_in_turn(plan)
        found = parsed(told)
        kept = await service.record_async(person, "simulate", plan, found, analyse(plan, found))
        return Response(told, media_type="application/json", headers=_kept(kept))

    @api.post("/stress", responses=ASKED, summary="A plan after bad beginnings")
    async def stress(person: Me, plan: Asked) -> list[Stressed]:
        _check_cap(plan, service)
        found = await service.in_turn(lambda: service.stress(plan))
        worst = {name: one.success_probability.value for name, one in found.items()}
        event = service.event(person.id, "stress", f"client/{plan.client_id}", outputs=worst)
        await service.recorder.keep_async(event)
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


def _explain_plans(api: FastAPI, service: Service) -> None:
    @api.post("/analysis", responses=ASKED, summary="What a plan's figures mean")
    async def analysis(person: Me, asked: AnalysisRequest) -> Told:
        _check_cap(asked.plan, service)
        found = parsed(await service.solve_in_turn(asked.plan))
        told = analyse(asked.plan, found)
        kept = await service.record_async(person, "analyse", asked.plan, found, told)
        count("analysis_requests_total")
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
            record=kept.id,
            recorded=kept.is_there,
        )

    @api.post(
        "/report", responses={**ASKED, **IS_PDF}, response_class=Response, summary="A PDF report"
    )
    async def pdf(person: Me, plan: Asked) -> Response:
        _check_cap(plan, service)
        found = parsed(await service.solve_in_turn(plan))
        told, day = analyse(plan, found), datetime.now(UTC).date()
        async with within("report", PDF_SECONDS):
            made = await service.in_turn(lambda: _drawn(plan, found, told, day))
        kept = await service.record_async(person, "report", plan, found, told)
        count("pdf_downloads_total")
        headers = {"content-disposition": 'attachment; filename="retirement-plan.pdf"'}
        return Response(made, media_type="application/pdf", headers={**headers, **_kept(kept)})

    @api.post(
        "/upload",
        responses={**WRONG, **NOT_SIGNED_IN, **TOO_LARGE},
        summary="Check a client's PDF",
    )
    def upload(
        person: Me, file: Annotated[UploadFile, File(description="A PDF below 10 MB.")]
    ) -> Uploaded:
        return check_pdf(file.filename or "", file.file.read(MOST_UPLOAD + 1))


def check_pdf(name: str, data: bytes) -> Uploaded:
    """Whether this is a PDF, by its first and last bytes. Raises `NotAllowed`."""
    if len(data) >= MOST_UPLOAD:
        raise NotAllowed(413, Trouble("file", "it has 10 MB or more", "Choose a smaller one."))
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-1024:]:
        raise NotAllowed(422, Trouble("file", "it is not a PDF", "Choose a PDF file."))
    return Uploaded(name=plain_text(name[:200]), bytes=len(data))


def _drawn(plan: PlanInput, found: Answer, told: Analysis, day: date) -> bytes:
    with operation("render_charts"):
        return report(plan, found, told, day)


def _check_cap(plan: PlanInput, service: Service) -> None:
    trouble = over_cap(plan, service.settings)
    if trouble is not None:
        raise NotAllowed(422, trouble)


def _kept(kept: Recorded) -> dict[str, str]:
    """Whether the audit log has the record by now, or will when the database is back."""
    return {"x-record": kept.id, "x-recorded": "true" if kept.is_there else "later"}
