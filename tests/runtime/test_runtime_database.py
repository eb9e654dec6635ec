"""The databases on a real PostgreSQL: limits, time, retries, and reads that go elsewhere."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from fairway.targets.local.ports import free_port
from fairway_runtime.breaker import BreakerOpen
from fairway_runtime.database import AsyncDatabase
from fairway_runtime.database_engines import Engines
from fairway_runtime.database_policy import Policy
from fairway_runtime.database_settings import DatabaseSettings
from fairway_runtime.database_threads import Database
from fairway_runtime.retry import Retry
from tests.runtime.postgres_server import PostgresServer, postgres_server

pytestmark = pytest.mark.real
GONE = f"postgresql://u:p@127.0.0.1:{free_port()}/x"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> str:
    url = server.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        connection.execute("INSERT INTO t VALUES (1, 10), (2, 20)")
    return url


def quick(name: str = "test") -> Policy:
    def retry(label: str, on: tuple[type[Exception], ...]) -> Retry:
        return Retry(label, on=on, first_seconds=0.3, jitter=False)

    return Policy(name, retry=retry, open_seconds=0.5)


async def lost(database: AsyncDatabase) -> None:
    """Every pooled connection's server process ends, as in a failover."""
    with psycopg.connect(database._parts.settings.url, autocommit=True) as one:
        one.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def pid_of_server(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


@pytest.mark.requirement("R232")
def test_a_query_ends_after_its_time_and_is_not_made_again(url: str) -> None:
    async def main() -> None:
        settings = DatabaseSettings(url, query_seconds=0.3)
        async with AsyncDatabase(settings, policy=quick()) as database:
            assert await database.fetch("SELECT n FROM t WHERE id = %s", (1,)) == [{"n": 10}]
            began = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                await database.fetch("SELECT pg_sleep(9)")
            assert 0.2 < time.monotonic() - began < 3
            assert await database.execute("UPDATE t SET n = n + 1") == 2
        async with AsyncDatabase(DatabaseSettings(url)) as database:
            shown = await database.fetch("SHOW statement_timeout")
            assert shown == [{"statement_timeout": "5s"}]

    asyncio.run(main())


@pytest.mark.requirement("C5", "R65", "R82")
def test_at_boot_it_says_that_the_pools_are_too_many_and_opens_what_fits(
    url: str, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        role = conninfo_to_dict(url)["user"]
        admin.execute(
            sql.SQL("ALTER ROLE {} CONNECTION LIMIT 40").format(sql.Identifier(str(role)))
        )

    async def main() -> None:
        settings = DatabaseSettings(url, pool_size=20, processes=10)
        with caplog.at_level(logging.INFO, "fairway.database"):
            async with AsyncDatabase(settings) as database:
                assert database.pool is not None
                assert database.pool.size == 4
                queries = (database.fetch("SELECT pg_sleep(0.05)") for _ in range(12))
                await asyncio.gather(*queries)
                figures = {figure.name: figure.value for figure in database._parts.figures()}
                assert 1 <= figures["database_connections"] <= 4
        assert "200, and the server takes 40: each opens 4" in caplog.text
        assert "4 connections a process, 10 processes, 40 for all" in caplog.text

    asyncio.run(main())


@pytest.mark.requirement("R230")
def test_connections_that_were_lost_are_replaced_and_the_work_is_done_once(url: str) -> None:
    async def main() -> None:
        settings = DatabaseSettings(url, pool_size=5)
        async with AsyncDatabase(settings, policy=quick()) as database:
            await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.05)") for _ in range(5)))
            await lost(database)
            assert await database.fetch("SELECT n FROM t WHERE id = 1") == [{"n": 10}]
            await lost(database)
            attempts: list[int] = []

            async def work(connection: "psycopg.AsyncConnection[Any]") -> int:
                attempts.append(1)
                await connection.execute("UPDATE t SET n = n + 1 WHERE id = 1")
                if len(attempts) == 1:
                    await lost(database)  # in the middle: it certainly did not happen
                await connection.execute("UPDATE t SET n = n + 1 WHERE id = 1")
                return len(attempts)

            assert await database.transact(work) >= 2
            assert await database.fetch("SELECT n FROM t WHERE id = 1") == [{"n": 12}]

    asyncio.run(main())


def test_a_deadlock_s_loser_is_done_again(url: str) -> None:
    async def main() -> None:
        async with AsyncDatabase(DatabaseSettings(url), policy=quick()) as database:
            both = asyncio.Barrier(2)
            attempts: list[int] = []

            async def work(first: int, second: int) -> None:
                async def change(connection: "psycopg.AsyncConnection[Any]") -> None:
                    attempts.append(first)
                    await connection.execute("UPDATE t SET n = n + 1 WHERE id = %s", (first,))
                    if len(attempts) <= 2:
                        await both.wait()
                    await connection.execute("UPDATE t SET n = n + 1 WHERE id = %s", (second,))

                await database.transact(change)

            await asyncio.gather(work(1, 2), work(2, 1))
            assert len(attempts) == 3
            rows = await database.fetch("SELECT n FROM t ORDER BY id")
            assert rows == [{"n": 12}, {"n": 22}]

    asyncio.run(main())


def test_reads_go_to_the_replica_which_cannot_be_written_unless_they_must_be_fresh(
    url: str, server: PostgresServer
) -> None:
    replica = server.database()  # stands for one: it is told apart by what it holds
    with psycopg.connect(replica, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int, n int)")
        connection.execute("INSERT INTO t VALUES (1, -1)")

    async def main() -> None:
        settings = DatabaseSettings(url, read_url=replica)
        async with AsyncDatabase(settings, policy=quick()) as database:
            query = "SELECT n FROM t WHERE id = 1"
            assert await database.fetch(query) == [{"n": -1}]
            assert await database.fetch(query, is_fresh=True) == [{"n": 10}]
            await database.execute("UPDATE t SET n = 11 WHERE id = 1")
            assert await database.fetch(query) == [{"n": -1}]
            shown = await database.fetch("SHOW default_transaction_read_only")
            assert shown == [{"default_transaction_read_only": "on"}]
        async with AsyncDatabase(
            replace(settings, read_url=GONE, wait_seconds=0.2), policy=quick()
        ) as database:
            assert await database.fetch(query) == [{"n": 11}]  # the primary's
            figures = {figure.name: figure.value for figure in database._parts.figures()}
            assert figures["database_read_fallbacks_total"] == 1

    asyncio.run(main())


def test_a_server_that_is_away_at_boot_is_no_reason_not_to_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.WARNING, "fairway.database"),
        Database(DatabaseSettings(GONE, wait_seconds=0.1)) as database,
    ):
        assert "can't be asked for its limits, pools of 5" in caplog.text
        with pytest.raises(psycopg.OperationalError):
            database.execute("SELECT 1")
    with pytest.raises(RuntimeError, match="is not open"):
        database.execute("SELECT 1")


@pytest.mark.requirement("R230", "R232")
def test_threads_have_the_same(url: str, server: PostgresServer) -> None:
    settings = DatabaseSettings(url, read_url=server.database(), query_seconds=0.3)
    with Database(settings, policy=quick()) as database:
        assert database.fetch("SELECT n FROM t WHERE id = 1", is_fresh=True) == [{"n": 10}]
        with pytest.raises(psycopg.errors.UndefinedTable):
            database.fetch("SELECT n FROM t")  # the replica has none
        with pytest.raises(psycopg.errors.QueryCanceled):
            database.execute("SELECT pg_sleep(9)")
        threads = [
            threading.Thread(target=database.execute, args=("UPDATE t SET n = n + 1",))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.connection() as connection:
            connection.execute("INSERT INTO t VALUES (3, 30)")
            assert connection.execute("SELECT sum(n) FROM t").fetchone() == (100,)
        asyncio.run(lost(database))  # pyright: ignore[reportArgumentType] (its parts are the same)
        assert database.transact(lambda one: one.execute("SELECT 1").fetchone()) == (1,)


@pytest.mark.requirement("R65", "R82", "R232", "R230", "C5")
def test_sqlalchemy_s_engines_have_the_same(
    url: str, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    replica = server.database()
    settings = DatabaseSettings(
        url, read_url=replica, query_seconds=0.3, pool_size=20, processes=50
    )

    def total(connection: Connection) -> int:
        return connection.execute(text("SELECT sum(n) FROM t")).scalar_one()

    def add(connection: Connection) -> int:
        return connection.execute(text("UPDATE t SET n = n + 1")).rowcount

    with (
        caplog.at_level(logging.WARNING, "fairway.database"),
        Engines(settings, policy=quick()) as engines,
    ):
        assert engines.pool is not None
        assert engines.pool.size < 20
        assert "50 processes x 20 connections = 1000" in caplog.text
        assert engines.transact(add) == 2
        assert engines.read(total, is_fresh=True) == 32
        with pytest.raises(ProgrammingError):
            engines.read(total)  # the replica has no such table
        with pytest.raises(DBAPIError, match="read-only"):
            engines.read(lambda one: one.execute(text("CREATE TABLE u (n int)")))
        with pytest.raises(OperationalError, match="statement timeout"):
            engines.transact(lambda one: one.execute(text("SELECT pg_sleep(9)")))
        attempts: list[int] = []

        def cut(connection: Connection) -> int:
            attempts.append(1)
            connection.execute(text("UPDATE t SET n = n + 1"))
            if len(attempts) == 1:
                with psycopg.connect(url, autocommit=True) as one:
                    one.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            return connection.execute(text("UPDATE t SET n = n + 1")).rowcount

        assert engines.transact(cut) == 2
        assert len(attempts) == 2
        assert engines.read(total, is_fresh=True) == 36
        names = {figure.name: figure.value for figure in engines.parts.figures()}
        assert names["database_connections"] >= 1


@pytest.mark.parametrize("idle_seconds", [0.0, 1.1])
def test_connections_that_died_in_the_engines_pool_fail_nobody(
    url: str, idle_seconds: float
) -> None:
    with Engines(DatabaseSettings(url), policy=quick()) as engines:
        pids = {engines.transact(pid_of_server) for _ in range(3)}
        assert len(pids) == 1  # it is kept
        with psycopg.connect(url, autocommit=True) as one:
            one.execute("SELECT pg_terminate_backend(%s)", (*pids,))
        time.sleep(idle_seconds)
        assert engines.transact(pid_of_server) not in pids


@pytest.mark.requirement("R69")
def test_in_development_the_same_engines_take_sqlite(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path / 'dev.db'}"}
    with Engines.from_environment(env) as engines:
        engines.transact(lambda one: one.execute(text("CREATE TABLE t (n int)")))
        engines.transact(lambda one: one.execute(text("INSERT INTO t VALUES (7)")))
        assert engines.read(lambda one: one.execute(text("SELECT n FROM t")).scalar_one()) == 7


@pytest.mark.requirement("R227", "R230")
def test_a_server_that_is_gone_and_comes_back_is_used_again_without_a_restart(
    server: PostgresServer,
) -> None:
    url = server.database()

    async def main() -> None:
        settings = DatabaseSettings(url, wait_seconds=0.3)
        async with AsyncDatabase(settings, policy=quick()) as database:
            assert await database.fetch("SELECT 1 AS n") == [{"n": 1}]
            await asyncio.to_thread(server.stop)  # at once, as in a crash
            began = time.monotonic()
            for _ in range(4):
                with pytest.raises((psycopg.OperationalError, BreakerOpen)):
                    await database.fetch("SELECT 1 AS n")
            assert time.monotonic() - began < 15
            await asyncio.to_thread(server.start)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                try:
                    assert await database.fetch("SELECT 1 AS n") == [{"n": 1}]
                except (psycopg.OperationalError, BreakerOpen):
                    await asyncio.sleep(0.1)
                else:
                    return
            pytest.fail("it never came back")

    asyncio.run(main())
