"""The database: killed under load, kept over down and up, deleted only when that was asked for."""

import time

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Answer, Project
from tests.acceptance.traffic import Traffic

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

WEB = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
uses = ["db"]
before = "python migrate.py"
timeouts = { drain = "5s" }
variables = { SWITCHES = "<switches>" }

[database.db]
"""


@pytest.fixture(scope="module")
def running(make_shared_project: MakeProject) -> Project:
    project = make_shared_project(WEB)
    project.up()
    return project


def kept(project: Project) -> set[int]:
    answer = project.ask("/rows")
    assert answer.status == 200, answer
    return set(answer.json)


@pytest.mark.requirement("R81", "R83", "R156", "R271")
def test_a_database_that_is_killed_must_come_back_and_keep_every_committed_row(
    running: Project,
) -> None:
    with Traffic(running, method="POST", path=lambda n: f"/rows?id={n}") as writers:
        running.until(lambda: committed(writers), "a row is committed")
        running.kill("postgres")
        killed_at = time.time()
        running.until(lambda: writers.failures, "a request fails")
        running.until(
            lambda: any(at > killed_at + 0.5 for at, _, each in writers.answers if ok(each)),
            "rows are committed again",
            seconds=40,
        )
    slowest = max(each.seconds for _, _, each in writers.answers)
    assert slowest < 8, f"a request hung for {slowest:.1f} s"
    lost = committed(writers) - kept(running)
    assert not lost, f"committed, and gone: {sorted(lost)}"
    running.until(lambda: len(running.ready()) == 2, "both replicas are ready")
    assert {"web.1", "web.2"} == set(running.ready()), "the app recovered by itself"


def ok(answer: Answer) -> bool:
    return answer.status == 201


def committed(traffic: Traffic) -> set[int]:
    return {number for _, number, answer in list(traffic.answers) if ok(answer)}


def test_data_must_survive_down_and_up(running: Project) -> None:
    assert running.ask("/rows?id=1000001", method="POST").status == 201
    before = kept(running)
    running.down()
    running.up()
    assert kept(running) == before


def test_delete_data_must_name_what_is_lost_and_ask(running: Project) -> None:
    assert running.ask("/rows?id=2000001", method="POST").status == 201
    asked = running.fairway("down", "--delete-data")
    assert asked.code == 2
    assert "postgres" in asked.err
    assert "MiB" in asked.err
    assert "--yes" in asked.err
    assert 2000001 in kept(running), "nothing was stopped or deleted without a yes"
    running.down("--delete-data", "--yes")
    assert not (running.state / "data").exists()
    running.up()
    assert kept(running) == set()


@pytest.mark.requirement("R57", "R72")
def test_status_must_show_the_database_without_its_password(running: Project) -> None:
    said = running.done("status", "--json")
    node = next(each for each in said.json["nodes"] if each["name"] == "db")
    assert node["state"] == "up"
    assert "@" not in node["address"]
    words = "import os; print(os.environ['DATABASE_URL'])"
    url = running.done("exec", "web", "--", "python", "-c", words).out.strip()
    password = url.partition("@")[0].rpartition(":")[2]
    assert len(password) > 10
    journal = (running.state / "journal.jsonl").read_text()
    logs = "".join(path.read_text() for path in (running.state / "logs").glob("*.log"))
    for where in (said.out, said.err, journal, logs, running.done("plan").out):
        assert password not in where


OWN_NAMES = """
[variables]
PGHOST = "${db.host}"
PGPORT = "${db.port}"
PGUSER = "${db.user}"
PGPASSWORD = "${db.password}"
PGDATABASE = "${db.name}"
WHOLE = "postgresql://${db.user}:${db.password}@${db.host}:${db.port}/${db.name}"
REDIS_HOST = "${cache.host}"
REDIS_PORT = "${cache.port}"
REDIS_PASSWORD = "${cache.password}"
[cache.cache]
"""
ASKS = """
import os, psycopg, socket
redis = socket.create_connection((os.environ["REDIS_HOST"], os.environ["REDIS_PORT"]))
redis.sendall(f"AUTH {os.environ['REDIS_PASSWORD']}\\r\\n".encode())
print(redis.recv(100).decode().strip())
for address in ("", os.environ["WHOLE"]):
    print(psycopg.connect(address).execute("select current_database()").fetchone()[0])
print(os.environ["PGPASSWORD"], os.environ["REDIS_PASSWORD"])
"""


@pytest.mark.requirement("R57", "R72")
def test_an_app_must_reach_its_database_and_redis_by_names_of_its_own(
    make_project: MakeProject,
) -> None:
    project = make_project(WEB.replace('["db"]', '["db", "cache"]') + OWN_NAMES)
    project.up()
    said = project.done("exec", "web", "--", "python", "-c", ASKS).out.split()
    assert said[:3] == ["+OK", "small_db", "small_db"]
    journal = (project.state / "journal.jsonl").read_text()
    for where in (journal, project.done("plan").out, project.done("status", "--json").out):
        assert not [password for password in said[3:] if password in where]


def test_two_projects_must_not_disturb_each_other(
    running: Project, make_project: MakeProject
) -> None:
    other = make_project(WEB)
    with Traffic(running) as traffic:
        other.up()
        other.down()
    traffic.served()
