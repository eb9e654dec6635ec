"""Pools that fit their server, and what becomes of database work that fails (R65, R227, R230)."""

import asyncio
from contextlib import nullcontext

import psycopg
import pytest
import sqlalchemy.exc
from hypothesis import given
from hypothesis import strategies as st
from psycopg_pool import PoolTimeout

from fairway_runtime.breaker import BreakerOpen
from fairway_runtime.database_policy import Kind, Policy, Work, kind_of
from fairway_runtime.database_settings import DatabaseSettings, fit
from fairway_runtime.retry import Retry
from tests.properties import examples
from tests.runtime.ticking import Ticking

URL = "postgresql://u:p@db/x"


@pytest.mark.requirement("R65")
@pytest.mark.parametrize(
    ("environment", "size"), [("dev", 5), ("staging", 10), ("production", 20), ("", 5)]
)
def test_the_pool_s_size_is_the_environment_s(environment: str, size: int) -> None:
    env = {"DATABASE_URL": URL, "ENVIRONMENT": environment}
    assert DatabaseSettings.from_environment(env).pool_size == size
    assert DatabaseSettings.from_environment({**env, "DB_POOL_SIZE": "7"}).pool_size == 7


def test_every_fault_of_the_environment_is_told_at_once_and_no_password_is() -> None:
    with pytest.raises(ValueError, match="DB_POOL_SIZE='0': must") as fault:
        DatabaseSettings.from_environment({"DB_POOL_SIZE": "0", "FAIRWAY_REPLICAS": "many"})
    assert "FAIRWAY_REPLICAS='many'" in str(fault.value)
    assert "DATABASE_URL is not set" in str(fault.value)
    env = {"DATABASE_URL": URL, "FAIRWAY_REPLICAS": "10", "WEB_CONCURRENCY": "2"}
    settings = DatabaseSettings.from_environment(env)
    assert settings.processes == 20
    assert URL not in repr(settings)


@pytest.mark.requirement("C5")
def test_ten_replicas_with_twenty_connections_each_do_not_take_a_stock_server() -> None:
    pool = fit(DatabaseSettings(URL, pool_size=20, processes=10), 97)
    assert pool.size == 9
    assert pool.warnings[0] == (
        "10 processes x 20 connections = 200, and the server takes 97: each opens 9;"
        " lower DB_POOL_SIZE, or put a pooler in front"
    )
    assert "both revisions at once needs 180" in pool.warnings[1]
    assert fit(DatabaseSettings(URL, pool_size=5, processes=3), 97).warnings == ()


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2000))
@pytest.mark.requirement("C5")
def test_all_pools_together_never_take_more_than_the_server_has(
    wanted: int, processes: int, available: int
) -> None:
    pool = fit(DatabaseSettings(URL, pool_size=wanted, processes=processes), available)
    assert 1 <= pool.size <= wanted
    assert pool.size * processes <= available or pool.size == 1
    twin = wanted  # dumb: one less until it fits
    while twin > 1 and twin * processes > available:
        twin -= 1
    assert pool.size == twin
    fits_twice = 2 * wanted * processes <= available
    assert (pool.warnings == ()) == fits_twice


ERRORS: list[tuple[Exception, Kind]] = [
    (psycopg.OperationalError("the connection is closed"), Kind.LOST),
    (psycopg.errors.ConnectionTimeout("no"), Kind.LOST),
    (psycopg.errors.AdminShutdown("no"), Kind.LOST),
    (psycopg.errors.CannotConnectNow("no"), Kind.LOST),
    (psycopg.errors.ReadOnlySqlTransaction("no"), Kind.ANSWER),
    (psycopg.errors.SerializationFailure("no"), Kind.AGAIN),
    (psycopg.errors.DeadlockDetected("no"), Kind.AGAIN),
    (PoolTimeout("no"), Kind.BUSY),
    (psycopg.errors.TooManyConnections("no"), Kind.BUSY),
    (psycopg.errors.QueryCanceled("no"), Kind.ANSWER),  # slow, and the server works
    (psycopg.errors.UniqueViolation("no"), Kind.ANSWER),
    (psycopg.ProgrammingError("no"), Kind.ANSWER),
    (sqlalchemy.exc.TimeoutError("no"), Kind.BUSY),
    (sqlalchemy.exc.OperationalError("q", {}, psycopg.OperationalError("no")), Kind.LOST),
    (sqlalchemy.exc.DBAPIError("q", {}, psycopg.errors.DeadlockDetected("no")), Kind.AGAIN),
    (sqlalchemy.exc.IntegrityError("q", {}, psycopg.errors.UniqueViolation("no")), Kind.ANSWER),
    (ValueError("the app's own"), Kind.ANSWER),
    (ConnectionError("some other server's"), Kind.ANSWER),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS, ids=lambda one: repr(one)[:50])
def test_an_error_s_kind_is_told_by_its_code(error: Exception, kind: Kind) -> None:
    assert kind_of(error) is kind


def policy(clock: Ticking) -> Policy:
    def retry(name: str, on: tuple[type[Exception], ...]) -> Retry:
        return Retry(name, on=on, clock=clock, sleep=clock.sleep, async_sleep=clock.async_sleep)

    return Policy("test", retry=retry)


OUTCOME = st.tuples(st.sampled_from(ERRORS), st.booleans()) | st.just("well")


@examples(200)
@given(st.lists(OUTCOME, min_size=4, max_size=4), st.booleans())
@pytest.mark.requirement("R230", "C2")
def test_work_is_repeated_exactly_where_its_dumb_twin_would(
    outcomes: list[tuple[tuple[Exception, Kind], bool] | str], is_async: bool
) -> None:
    made: list[int] = []

    def work(state: Work) -> str:
        outcome = outcomes[len(made)]
        made.append(1)
        if isinstance(outcome, str):
            return outcome
        (error, _), state.may_have_happened = outcome
        raise error

    async def work_async(state: Work) -> str:
        return work(state)

    expected, last = 0, ""
    for outcome in outcomes:
        expected += 1
        if isinstance(outcome, str):
            break
        (error, kind), happened = outcome
        last = type(error).__name__
        if not (kind is Kind.AGAIN or (kind is Kind.LOST and not happened)):
            break
    under = policy(Ticking())
    succeeds = isinstance(outcomes[expected - 1], str)
    with (
        nullcontext()
        if succeeds
        else pytest.raises(
            (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, ValueError, OSError)
        ) as raised
    ):
        answer = asyncio.run(under.call_async(work_async)) if is_async else under.call(work)
        assert answer == "well"
    assert succeeds or (raised is not None and type(raised.value).__name__ == last)
    assert len(made) == expected


@pytest.mark.requirement("R227", "R228")
def test_a_server_that_is_gone_is_left_alone_after_five_losses_but_not_for_slow_queries() -> None:
    under = policy(Ticking())

    def slow(_: Work) -> None:
        raise psycopg.errors.QueryCanceled("5 s")

    def gone(_: Work) -> None:
        raise psycopg.OperationalError("gone")

    for _ in range(9):
        with pytest.raises(psycopg.errors.QueryCanceled):
            under.call(slow)
    with pytest.raises(psycopg.OperationalError):
        under.call(gone)  # four attempts
    with pytest.raises(BreakerOpen):
        under.call(gone)
    with pytest.raises(BreakerOpen):
        under.call(slow)
