"""How much runs: replicas over a day, and runs of a job over a month, from file and traffic. Pure.

A replica is needed for every `cpu` times `scale.cpu` seconds of processor time that requests take
in a second, or for every `scale.requests` of them. Autoscaling keeps within the file's range, and
within `off_hours`' range at its hours, which are never the busiest.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.line import HOURS
from fairway.core.cron import CRON, ONCE
from fairway.core.spec.model import Service
from fairway.core.spec.quantities import Replicas

__all__ = ["Running", "average_replicas", "busiest", "runs_per_month"]

DAY_MINUTES = 1440.0
MONTH_DAYS = HOURS / 24
YEAR = datetime(2024, 12, 31, 23, 59, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Running:
    """Replicas on average over a month: at the fewest, as expected, at the most."""

    lowest: float
    expected: float
    highest: float


def average_replicas(service: Service, assumed: Assumptions, *, off_hours: bool = True) -> Running:
    """How many replicas run; without `off_hours` as if the file did not set other ones."""
    usual = service.replicas
    off = service.off_hours if off_hours else None
    quiet = usual if off is None else off.replicas
    night = 0.0 if off is None else (off.end_minute - off.start_minute) % DAY_MINUTES
    day = DAY_MINUTES - night
    busy = min(assumed.busy_hours * 60, day)
    average = assumed.requests_per_month / (HOURS * 3600)
    busy_rate = average * assumed.peak
    rest = max(average * DAY_MINUTES - busy_rate * busy, 0.0)
    rate = rest / (DAY_MINUTES - busy) if busy < DAY_MINUTES else average
    expected = (
        busy * needed(service, busy_rate, usual, assumed)
        + (day - busy) * needed(service, rate, usual, assumed)
        + night * needed(service, rate, quiet, assumed)
    )
    return Running(
        (day * usual.minimum + night * quiet.minimum) / DAY_MINUTES,
        expected / DAY_MINUTES,
        (day * usual.maximum + night * quiet.maximum) / DAY_MINUTES,
    )


def busiest(service: Service, assumed: Assumptions) -> int:
    """The replicas that the busiest hours need, whatever the file allows."""
    rate = assumed.requests_per_month / (HOURS * 3600) * assumed.peak
    return wanted(service, rate, assumed)


def wanted(service: Service, rate: float, assumed: Assumptions) -> int:
    """The replicas that so many requests a second need; of a worker, which has none, no more."""
    if not service.answers:
        return 0
    if service.scale.requests is not None:
        count = rate / service.scale.requests
    else:
        share = service.scale.cpu_percent / 100
        count = rate * assumed.cpu_ms / 1000 / (service.cpu * share)
    return math.ceil(count - 1e-9)


def needed(service: Service, rate: float, within: Replicas, assumed: Assumptions) -> int:
    """The same, within what the file allows."""
    return min(max(wanted(service, rate, assumed), within.minimum), within.maximum)


def runs_per_month(schedule: str | None) -> float:
    """How often a schedule comes in an average month; `@once` and no schedule: 0."""
    if schedule is None or schedule == ONCE:
        return 0.0
    minute, hour, *days = CRON.get(schedule, schedule).split()
    once_a_day = CronSim(f"{minute} {hour} * * *", YEAR[0])
    a_day = len(once_a_day.minutes) * len(once_a_day.hours)
    if days == ["*", "*", "*"]:
        return a_day * MONTH_DAYS
    count = 0
    for each in CronSim(" ".join(("0", "0", *days)), YEAR[0]):
        if each >= YEAR[1]:
            break
        count += 1
    return a_day * count / 12
