"""The API and its landing page: `uvicorn weather.api:app`.

Purpose: translate between HTTP and the queries. It opens no connection before the first request,
so it starts without its database, answers 503 while that is away, and recovers by itself.
"""

import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse

from weather import jobs, queries
from weather.database import Database, Unavailable, connect
from weather.launcher import Launcher
from weather.models import (
    Calculated,
    Day,
    Job,
    Observation,
    Page,
    PageNumber,
    PageSize,
    Problem,
    Rejected,
    Station,
    StationId,
    StationYear,
    Year,
)
from weather.settings import Settings
from weather.sql import statistics
from weather.store import Row

__all__ = ["app", "create_app"]

CALCULATION_SECONDS = 60.0
RETRY_SECONDS = "1"
STYLE = Path(__file__).with_name("page.css")

api = APIRouter(
    prefix="/api/v1",
    responses={503: {"model": Problem, "description": "The database is away; try again."}},
)
site = APIRouter(include_in_schema=False)


def create_app(settings: Settings) -> FastAPI:
    """Build the app for one database and one set of files."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if not settings.is_postgres:
            from weather.schema import make_sqlite_schema

            make_sqlite_schema(settings)
        app.state.database = connect(settings)
        app.state.launcher = Launcher(settings, app.state.database)
        yield
        await app.state.launcher.close()
        await app.state.database.close()

    app = FastAPI(title="Almanac", version="1.0.0", description=__doc__ or "", lifespan=lifespan)
    app.include_router(api)
    app.include_router(site)
    app.add_exception_handler(Unavailable, _unavailable)
    return app


@api.get("/weather", summary="Daily observations, by station and date")
async def weather(
    request: Request,
    station_id: StationId | None = None,
    start_date: Annotated[Day | None, Query(description="First day, YYYY-MM-DD.")] = None,
    end_date: Annotated[Day | None, Query(description="Last day, YYYY-MM-DD.")] = None,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[Observation]:
    """List the observations of one station or of all, in the order of station and date."""
    _in_order("start_date", start_date, "end_date", end_date)
    period = queries.Period(start_date, end_date)
    database = _database(request)
    counts = await queries.count_rows(database, station_id, period)
    place = queries.place_of(counts, (page - 1) * size, size)
    rows = await queries.observations(database, place, period, size)
    return Page(
        total=sum(count.rows for count in counts),
        page=page,
        size=size,
        data=[_observation(row) for row in rows],
    )


@api.get("/weather/stats", summary="Yearly statistics, by station and year")
async def stats(
    request: Request,
    station_id: StationId | None = None,
    year: Annotated[Year | None, Query(description="One year.")] = None,
    start_year: Annotated[Year | None, Query(description="First year.")] = None,
    end_year: Annotated[Year | None, Query(description="Last year.")] = None,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[StationYear]:
    """List mean temperatures and total rain of each station's year, as last calculated."""
    _in_order("start_year", start_year, "end_year", end_year)
    first = max(filter(None, (year, start_year)), default=None)
    last = min(filter(None, (year, end_year)), default=None)
    total, rows = await queries.station_years(
        _database(request), station_id, (first, last), ((page - 1) * size, size)
    )
    return Page(total=total, page=page, size=size, data=[_station_year(row) for row in rows])


@api.get("/stations", summary="The stations, and how many observations each has")
async def stations(
    request: Request, page: PageNumber = 1, size: PageSize = queries.MAX_STATIONS
) -> Page[Station]:
    """List the stations in the order of their ids."""
    total, rows = await queries.stations(_database(request), ((page - 1) * size, size))
    return Page(total=total, page=page, size=size, data=[_station(row) for row in rows])


@api.post("/weather/ingestion", status_code=202, summary="Load what is new among the files")
async def start_ingestion(request: Request, response: Response) -> Job:
    """Queue a load and start it, or join one that waits to begin; ask for the job to follow it."""
    launcher: Launcher = request.app.state.launcher
    job = await _job(_database(request), await launcher.request())
    assert job is not None, "a load that was queued has its row"
    response.headers["location"] = f"/api/v1/weather/ingestion/{job.job}"
    return job


@api.get(
    "/weather/ingestion/{job}",
    summary="How a load is doing",
    responses={404: {"model": Problem, "description": "There is no such job."}},
    response_model=Job,
)
async def ingestion(request: Request, job: UUID) -> Job | JSONResponse:
    """Tell how far a load has come. Any replica knows, whichever started it."""
    found = await _job(_database(request), str(job))
    return found or _problem(404, "Not found", f"there is no job {job}")


@api.post("/weather/statistics/calculate", summary="Compute the yearly statistics anew")
async def calculate(request: Request) -> Calculated:
    """Compute every station's years from the stored observations; answers when it is done."""
    started = time.monotonic()
    database = _database(request)
    count = await database.run(statistics(database.year_of_day), {}, CALCULATION_SECONDS)
    return Calculated(station_years=count, seconds=round(time.monotonic() - started, 3))


@site.get("/")
async def landing(request: Request, station: StationId | None = None) -> HTMLResponse:
    """Show what this is, how much is stored, and one station's years."""
    from weather import page

    database = _database(request)
    try:
        stored = page.Stored(*await queries.summary(database))
        _, rows = await queries.stations(database, (0, queries.MAX_STATIONS))
        known = [_station(row) for row in rows]
        chosen = page.choose(known, station)
        years: list[StationYear] = []
        if chosen:
            _, found = await queries.station_years(
                database, chosen.station_id, (None, None), (0, 1000)
            )
            years = [_station_year(row) for row in found]
    except Unavailable as error:
        return HTMLResponse(page.unavailable(str(error)), 503, {"retry-after": RETRY_SECONDS})
    return HTMLResponse(page.landing(stored, known, chosen, years))


@site.get("/page.css")
async def style() -> Response:
    """The landing page's style."""
    return Response(STYLE.read_bytes(), media_type="text/css")


async def _job(database: Database, job: str) -> Job | None:
    rows = await database.rows(jobs.SELECT, {"id": job})
    if not rows:
        return None
    said = Job.model_validate(dict(zip(Job.model_fields, (*rows[0], ()), strict=True)))
    if jobs.is_stale(said.status, said.heartbeat_at):
        said.status = "interrupted"
    if said.lines_rejected:
        said.rejected = [
            Rejected(file=file, line=line, reason=reason, raw=raw)
            for file, line, reason, raw in await database.rows(jobs.REJECTS, {"id": job})
        ]
    return said


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _observation(row: Row) -> Observation:
    station_id, day, tmax, tmin, prcp = row
    return Observation(
        station_id=station_id,
        date=day,
        max_temperature_celsius=None if tmax is None else tmax / 10,
        min_temperature_celsius=None if tmin is None else tmin / 10,
        precipitation_mm=None if prcp is None else prcp / 10,
    )


def _station_year(row: Row) -> StationYear:
    return StationYear.model_validate(dict(zip(StationYear.model_fields, row, strict=True)))


def _station(row: Row) -> Station:
    return Station.model_validate(dict(zip(Station.model_fields, row, strict=True)))


def _in_order(
    first_name: str, first: date | int | None, last_name: str, last: date | int | None
) -> None:
    """Refuse a period that ends before it begins, as any other wrong parameter is refused."""
    if first is None or last is None or str(first) <= str(last):
        return
    raise RequestValidationError(
        [
            {
                "type": "value_error",
                "loc": ("query", last_name),
                "msg": f"{last_name} is before {first_name}",
                "input": str(last),
            }
        ]
    )


def _problem(status: int, title: str, detail: str, **headers: str) -> JSONResponse:
    return JSONResponse(
        Problem(title=title, status=status, detail=detail).model_dump(),
        status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        media_type="application/problem+json",
    )


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    return _problem(503, "Service unavailable", str(error), retry_after=RETRY_SECONDS)


app = create_app(Settings.from_environment(os.environ))
