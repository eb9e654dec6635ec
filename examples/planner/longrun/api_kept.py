"""The API's part about what was kept: history and scenarios of one's own, and the audit log."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from fairway_runtime.audit_chain import Head, Record
from longrun.api_problems import (
    BUSY,
    NOT_SIGNED_IN,
    UNKNOWN,
    WRONG,
    Problem,
    compliance,
    me,
    problem,
)
from longrun.inputs import PlanInput, Text
from longrun.people import Person
from longrun.service import Service

__all__ = ["add_kept"]

Me = Annotated[Person, Depends(me)]
Officer = Annotated[Person, Depends(compliance)]
ASKED: dict[int | str, dict[str, Any]] = {**WRONG, **NOT_SIGNED_IN, **BUSY}
NOT_YOURS: dict[int | str, dict[str, Any]] = {
    403: {"model": Problem, "description": "Compliance's to read."}
}


class SaveRequest(BaseModel):
    """A scenario to keep; a shared one opens for everybody who is signed in and has its id."""

    model_config = ConfigDict(extra="forbid")
    name: Text = Field(min_length=1)
    plan: PlanInput
    shared: bool = False


class AuditRecord(BaseModel):
    """One record of the audit log; `detail` has inputs, outputs and flags of a simulation."""

    sequence: int
    time: str
    actor: str | None
    action: str
    target: str | None
    correlation_id: str | None
    detail: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, record: Record) -> "AuditRecord":
        return cls(
            sequence=record.sequence,
            time=record.time,
            actor=record.actor,
            action=record.action,
            target=record.target,
            correlation_id=record.correlation_id,
            detail=dict(record.detail),
            hash=record.hash,
        )


class Verified(BaseModel):
    """Whether the whole audit log is intact. Keep `head`, and give it to the next verification."""

    is_intact: bool
    records: int
    head: str
    faults: list[str]


def add_kept(api: FastAPI, service: Service) -> None:
    """`/history`, `/scenarios`, `/audit`."""
    _add_history(api, service)
    _add_audit(api, service)

    @api.post("/scenarios", status_code=201, responses=ASKED, summary="Keep a scenario")
    def save(person: Me, asked: SaveRequest, response: Response) -> dict[str, str]:
        plan = asked.plan
        key = service.store.save(
            asked.name,
            plan.client_id,
            plan.model_dump(mode="json"),
            owner=person,
            is_shared=asked.shared,
        )
        target = f"client/{plan.client_id}"
        service.recorder.keep(
            service.event(person.id, "scenario.save", target, scenario=key, shared=asked.shared)
        )
        response.headers["location"] = f"/api/scenarios/{key}"
        return {"id": key}

    @api.get(
        "/scenarios/{key}",
        responses={**ASKED, **UNKNOWN},
        response_model=dict[str, Any],
        summary="A scenario that was kept",
    )
    def scenario(person: Me, key: Text) -> Response | dict[str, Any]:
        found = service.store.scenario(key, person)
        if found is None:
            return problem(404, "Not found", "there is no such scenario, or it is not yours")
        return {"id": found.id, "saved_at": found.saved_at, "name": found.name, "plan": found.plan}


def _add_history(api: FastAPI, service: Service) -> None:
    @api.get("/history", responses=ASKED, summary="A client's simulations, newest first")
    def history(
        person: Me, client_id: Annotated[Text, Query(description="Whose.", min_length=1)]
    ) -> list[dict[str, Any]]:
        return [
            {"id": s.id, "ran_at": s.ran_at, "plan": s.plan, "summary": s.summary, "flags": s.flags}
            for s in service.store.simulations(client_id, person)
        ]


def _add_audit(api: FastAPI, service: Service) -> None:
    @api.get(
        "/audit", responses={**ASKED, **NOT_YOURS}, summary="The audit log's records, newest first"
    )
    def audit(
        officer: Officer,
        client_id: Annotated[Text, Query(description="Whose; all without.")] = "",
        most: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> list[AuditRecord]:
        target = f"client/{client_id}" if client_id else ""
        return [AuditRecord.of(one) for one in service.trail.recent(target, most)]

    @api.get(
        "/audit/verification",
        response_model=Verified,
        responses={**ASKED, **NOT_YOURS},
        summary="Read the whole audit log, and say whether it is intact",
    )
    def verify(
        officer: Officer,
        head: Annotated[
            str,
            Query(
                description="Of an earlier verification: is it still there?",
                pattern=r"^([0-9]{1,15}:[0-9a-f]{64})?$",
            ),
        ] = "",
    ) -> Verified | JSONResponse:
        number, _, digest = head.partition(":")
        report = service.trail.verify(Head(int(number), digest) if head else None)
        service.recorder.keep(
            service.event(officer.id, "verify", "audit-log", is_intact=report.is_intact)
        )
        return Verified(
            is_intact=report.is_intact,
            records=report.records,
            head=f"{report.head.sequence}:{report.head.hash}",
            faults=list(report.faults),
        )
