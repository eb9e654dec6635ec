"""How much runs: replicas on average over a day, runs of a job over a month."""

import pytest

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.load import Running, average_replicas, runs_per_month
from fairway.core.spec.model import OffHours, Scale, Service
from fairway.core.spec.quantities import Replicas


def service(low: int, high: int, **others: object) -> Service:
    return Service(name="api", asgi="m:a", replicas=Replicas(low, high), **others)  # pyright: ignore[reportArgumentType] - any of its keys


def test_little_traffic_runs_the_fewest_replicas() -> None:
    assert average_replicas(service(2, 10), Assumptions(requests_per_month=0)) == Running(2, 2, 10)


def test_much_traffic_runs_the_most() -> None:
    found = average_replicas(service(2, 10), Assumptions(requests_per_month=1e12))
    assert found == Running(2, 10, 10)


@pytest.mark.requirement("R236", "R237")
def test_a_replica_is_needed_for_every_share_of_a_processor_that_scaling_allows() -> None:
    """0.5 processors at 70 % give 0.35 s of work a second, or 17.5 requests of 20 ms."""
    each_second = 17.5 * 3600 * 730
    flat = Assumptions(requests_per_month=4 * each_second, peak=1)
    assert average_replicas(service(1, 10), flat).expected == pytest.approx(4)
    above = Assumptions(requests_per_month=4.1 * each_second, peak=1)
    assert average_replicas(service(1, 10), above).expected == pytest.approx(5)


def test_the_busiest_hours_have_more_replicas_than_the_others() -> None:
    """Twice the traffic for 8 of 24 hours leaves half of it for the rest."""
    assumed = Assumptions(requests_per_month=4 * 17.5 * 3600 * 730, peak=2, busy_hours=8)
    assert average_replicas(service(1, 10), assumed).expected == pytest.approx(
        (8 * 8 + 16 * 2) / 24
    )


def test_requests_per_replica_are_taken_from_the_file_where_it_says_them() -> None:
    assumed = Assumptions(requests_per_month=100 * 3600 * 730, peak=1)
    found = average_replicas(service(1, 10, scale=Scale(requests=50)), assumed)
    assert found.expected == pytest.approx(2)


@pytest.mark.requirement("R115")
def test_off_hours_have_their_own_range_over_midnight() -> None:
    night = OffHours(replicas=Replicas(1, 3), start_minute=22 * 60, end_minute=5 * 60)
    found = average_replicas(service(2, 10, off_hours=night), Assumptions(requests_per_month=0))
    assert found.lowest == pytest.approx((17 * 2 + 7 * 1) / 24)
    assert found.expected == pytest.approx(found.lowest)
    assert found.highest == pytest.approx((17 * 10 + 7 * 3) / 24)
    without = average_replicas(
        service(2, 10, off_hours=night), Assumptions(requests_per_month=0), off_hours=False
    )
    assert without == Running(2, 2, 10)


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        (None, 0),
        ("@once", 0),
        ("@daily", 365 / 12),
        ("@hourly", 730),
        ("@weekly", 52 / 12),
        ("@monthly", 1),
        ("0 6 * * *", 365 / 12),
        ("*/15 * * * *", 4 * 730),
        ("30 9,17 * * MON-FRI", 2 * 261 / 12),
        ("0 0 1 1 *", 1 / 12),
        ("0 0 29 2 *", 0),
    ],
)
def test_runs_of_a_schedule_in_an_average_month(schedule: str | None, times: float) -> None:
    assert runs_per_month(schedule) == pytest.approx(times)
