"""What the API takes and gives, as OpenAPI shows it."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from weather.lines import FIRST_YEAR

__all__ = [
    "Calculated",
    "Day",
    "Job",
    "Observation",
    "Page",
    "PageNumber",
    "PageSize",
    "Problem",
    "Rejected",
    "Station",
    "StationId",
    "StationYear",
    "Year",
]

MOST_PER_PAGE = 1000
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ROW = TypeVar("ROW")


def _year(value: int) -> int:
    last = datetime.now(UTC).year
    if not FIRST_YEAR <= value <= last:
        raise ValueError(f"a year must be {FIRST_YEAR} to {last}")
    return value


def _day(value: date) -> date:
    _year(value.year)
    return value


def _iso_day(value: object) -> object:
    """Refuse what would be taken for a time in seconds: 19850101 is not a date."""
    if isinstance(value, str) and not ISO_DAY.fullmatch(value):
        raise ValueError("a date must be written YYYY-MM-DD")
    return value


StationId = Annotated[
    str, Query(pattern="^[A-Za-z0-9]{1,20}$", examples=["USC00110072"], description="One station.")
]
Day = Annotated[date, BeforeValidator(_iso_day), AfterValidator(_day)]
Year = Annotated[int, AfterValidator(_year)]
PageNumber = Annotated[int, Query(ge=1, description="Which page, counted from 1.")]
PageSize = Annotated[int, Query(ge=1, le=MOST_PER_PAGE, description="Rows on a page.")]


class Page(BaseModel, Generic[ROW]):
    """Some of `total` rows."""

    total: int
    page: int
    size: int
    data: list[ROW]


class Observation(BaseModel):
    """One station's day. A value is null when it was not measured; 0.0 was."""

    station_id: str
    date: date
    max_temperature_celsius: float | None
    min_temperature_celsius: float | None
    precipitation_mm: float | None


class StationYear(BaseModel):
    """One station's year, from valid values only; null when there is none."""

    station_id: str
    year: int
    mean_max_temperature_celsius: float | None
    mean_min_temperature_celsius: float | None
    total_precipitation_cm: float | None
    max_temperature_count: int
    min_temperature_count: int
    precipitation_count: int


class Station(BaseModel):
    """One station. `flagged` counts the days whose minimum is above their maximum."""

    station_id: str
    state: str | None
    rows: int
    flagged: int
    first_date: date | None
    last_date: date | None


class Rejected(BaseModel):
    """A line that was put aside; line 0 is the file as a whole."""

    file: str
    line: int
    reason: str
    raw: str


class Job(BaseModel):
    """A load: how far it has come, and the first lines that it put aside."""

    job: UUID
    status: Literal["queued", "running", "succeeded", "failed", "interrupted"]
    created_at: datetime
    heartbeat_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    files_found: int = 0
    files_unchanged: int = 0
    files_loaded: int = 0
    rows_added: int = 0
    rows_known: int = 0
    lines_rejected: int = 0
    error: str | None = None
    rejected: list[Rejected] = Field(default=[], description="At most 20.")


class Calculated(BaseModel):
    """The statistics were computed anew."""

    station_years: int
    seconds: float


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
