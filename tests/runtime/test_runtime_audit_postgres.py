"""The audit log in PostgreSQL: one chain, whoever writes, that the server lets nobody change."""

import threading
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fairway_runtime.audit import AuditLog
from fairway_runtime.audit_chain import AuditBroken
from fairway_runtime.audit_export import export_month, months
from fairway_runtime.audit_postgres import PostgresLedger
from fairway_runtime.cli import main
from tests.runtime.postgres_server import PostgresServer, postgres_server
from tests.runtime.test_runtime_audit import Folder

pytestmark = pytest.mark.real
KEY = b"k" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.database()


@pytest.fixture
def ledger(url: str) -> Iterator[PostgresLedger]:
    ledger = PostgresLedger(url)
    ledger.prepare()
    ledger.prepare()  # once is enough, twice no harm
    yield ledger
    ledger.close()


@pytest.mark.requirement("R90", "R106")
def test_writers_over_many_connections_make_one_chain_that_is_exported_by_month(
    url: str, ledger: PostgresLedger
) -> None:
    def write(name: str) -> None:
        own = PostgresLedger(url)
        for number in range(20):
            AuditLog(own, key=KEY).append("plan.save", actor=name, detail={"n": number})
        own.close()

    threads = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log, store = AuditLog(ledger, key=KEY), Folder()
    report = log.verify()
    assert (report.records, report.is_intact) == (80, True)
    (month,) = months(log)
    exported = export_month(log, month, store)
    assert exported is not None
    assert exported.report.head == report.head
    assert store.objects[f"audit/{month}.jsonl"].count(b"\n") == 80


@pytest.mark.requirement("R90")
def test_the_server_refuses_to_change_or_remove_a_record(url: str, ledger: PostgresLedger) -> None:
    AuditLog(ledger).append("plan.save")
    for statement in (
        "UPDATE audit_log SET line = ''",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ):
        with (
            psycopg.connect(url) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="append-only"),
        ):
            connection.execute(statement)


@pytest.mark.parametrize("change", ["replace(line, 'zoe', 'eve')", "left(line, 40)", "'nothing'"])
def test_who_drops_the_triggers_and_changes_a_record_is_seen(
    url: str, ledger: PostgresLedger, change: LiteralString
) -> None:
    log = AuditLog(ledger)
    for _ in range(3):
        log.append("plan.save", actor="zoe")
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE audit_log DISABLE TRIGGER ALL")
        connection.execute(f"UPDATE audit_log SET line = {change}")
    report = log.verify()
    assert report.faults or report.torn
    with pytest.raises(AuditBroken):
        log.append("plan.save")
    assert log.verify().records == 0


def test_a_record_in_the_app_s_own_transaction_is_kept_with_it_or_not_at_all(
    url: str, ledger: PostgresLedger
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE plans (n int)")
        connection.commit()
        log = AuditLog(ledger.within(connection))
        connection.execute("INSERT INTO plans VALUES (1)")
        log.append("plan.save")
        connection.rollback()
        assert log.verify().records == 0
        connection.execute("INSERT INTO plans VALUES (1)")
        log.append("plan.save")
        connection.commit()
    report = AuditLog(ledger).verify()
    assert (report.records, report.head.sequence, report.is_intact) == (1, 1, True)


def test_a_connection_that_was_lost_is_opened_again(
    ledger: PostgresLedger, server: PostgresServer
) -> None:
    log = AuditLog(ledger)
    log.append("one")
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 't%'"
            " AND datname NOT LIKE 'template%'"
        )
    with pytest.raises(psycopg.OperationalError):
        log.append("lost")
    log.append("two")
    assert [record.action for record in log.records()] == ["one", "two"]


@pytest.mark.requirement("R90")
def test_a_role_that_may_insert_and_select_only_can_append_and_do_nothing_else(
    url: str, ledger: PostgresLedger, server: PostgresServer
) -> None:
    AuditLog(ledger).append("by the owner")
    info = conninfo_to_dict(url)
    role = f"{info['user']}_app"
    name = sql.Identifier(role)
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'app'").format(name))
        database = sql.Identifier(str(info["dbname"]))
        admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(sql.SQL("GRANT SELECT, INSERT ON audit_log TO {}").format(name))
    own = PostgresLedger(make_conninfo(url, user=role, password="app"))
    AuditLog(own).append("by the app")
    for statement in ("DROP TRIGGER no_change ON audit_log", "DELETE FROM audit_log"):
        with (
            psycopg.connect(make_conninfo(url, user=role, password="app")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)
    report = AuditLog(own).verify()
    assert (report.records, report.is_intact) == (2, True)
    own.close()


def test_the_command_line_reads_the_table_of_the_database_that_the_environment_names(
    url: str,
    ledger: PostgresLedger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head = AuditLog(ledger).append("plan.save")
    monkeypatch.setenv("DATABASE_URL", url)
    assert main(["audit", "verify"]) == 0
    assert capsys.readouterr().out == f"intact: 1 records, head 1:{head.hash}\n"
    assert main(["audit", "verify", "--table", "none"]) == 2
    assert 'relation "none" does not exist' in capsys.readouterr().err
