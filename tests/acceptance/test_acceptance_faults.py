"""Apps that fail: at their start, while they serve, and when they are told to end."""

import json
import os
import signal
import threading
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
memory = "160 MiB"
timeouts = { drain = "5s" }
variables = { SWITCHES = "<switches>" }
"""
OWN_SERVER = """
app = "small"

[service.web]
command = "python server.py"
probe = "/probe"
public = true
port = <port>
replicas = 2
timeouts = { drain = "1s" }
variables = { SWITCHES = "<switches>" }
"""


# -- At the start ------------------------------------------------------------------------------


@pytest.mark.requirement("R157")
@pytest.mark.parametrize("how", [("up",), ("up", "--detach")], ids=" ".join)
def test_an_app_that_crashes_at_once_must_end_the_start_with_its_last_words(
    make_project: MakeProject, how: tuple[str, ...]
) -> None:
    project = make_project(WEB)
    project.switch("crash")
    said = project.fairway(*how)
    assert said.code == 1
    assert "exited with code 3" in said.err
    assert "the last words of version 1" in said.err
    assert "Traceback" not in said.err
    assert not project.processes()
    project.unswitch("crash")
    project.up()
    assert project.ask().status == 200


@pytest.mark.requirement("R157")
def test_an_app_that_never_gets_ready_must_end_the_start_with_reason_and_last_lines(
    make_project: MakeProject,
) -> None:
    file = WEB.replace("timeouts = {", 'timeouts = { startup = "6s",')
    project = make_project(file)
    project.switch("never-ready")
    said = project.fairway("up", "--detach")
    assert said.code == 1
    assert "not ready within 6 s" in said.err
    assert "waits for what never comes" in said.err
    assert "Traceback" not in said.err
    assert not project.processes()


# -- While it serves ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(make_shared_project: MakeProject) -> Project:
    project = make_shared_project(WEB)
    project.up()
    return project


@pytest.fixture
def app(running: Project) -> Project:
    """The running app at full strength."""
    running.until(lambda: len(running.ready()) == 2, "two replicas are ready")
    return running


def is_replaced(app: Project, victim: str) -> bool:
    return victim not in app.replicas() and len(app.ready()) == 2


@pytest.mark.requirement("R15", "R32")
def test_a_replica_that_is_killed_must_be_replaced_without_a_failed_request(app: Project) -> None:
    victim = app.ready()[0]
    with Traffic(app) as traffic:
        app.kill(victim)
        app.until(lambda: is_replaced(app, victim), "it is replaced", seconds=30)
    traffic.served()


@pytest.mark.requirement("R15", "R32", "R155")
def test_a_replica_that_hangs_must_be_replaced(app: Project) -> None:
    victim = app.ready()[0]
    app.kill(victim, signal.SIGSTOP)
    app.until(lambda: is_replaced(app, victim), "it is replaced", seconds=40)
    assert any(f"{victim} goes: does not answer" in line for line in app.told())
    with Traffic(app) as traffic:
        app.until(lambda: len(traffic.answers) > 30, "requests are answered")
    traffic.served()


@pytest.mark.requirement("R13", "R32")
def test_a_balancer_that_is_killed_must_come_back_at_the_same_address(app: Project) -> None:
    before = app.kill("balancer")
    app.until(lambda: app.ask().status == 200, "it answers again")
    assert app.pid("balancer") != before
    with Traffic(app) as traffic:
        app.until(lambda: len(traffic.answers) > 30, "requests are answered")
    traffic.served()


@pytest.mark.requirement("R32")
def test_a_replica_over_its_memory_must_be_replaced_without_less_capacity(app: Project) -> None:
    least = [2]
    with Traffic(app, visitors=1) as traffic:
        victim = str(app.ask("/hold?mib=200").json["replica"])

        def is_over() -> bool:
            least.append(len(app.ready()))
            # It may be replaced within half a second: too soon to say that nobody noticed.
            return is_replaced(app, victim) and len(traffic.answers) >= 20

        app.until(is_over, "it is replaced, and visitors came meanwhile", seconds=40)
    traffic.served()
    assert min(least) >= 2
    assert any(victim in line and "160 MiB" in line for line in app.told())


@pytest.mark.requirement("R15", "R156")
def test_a_replica_that_is_not_ready_must_get_no_requests_until_it_is_again(
    make_project: MakeProject,
) -> None:
    project = make_project(OWN_SERVER)
    project.up()
    project.until(lambda: len(project.ready()) == 2, "two replicas are ready")
    away = project.ready()[0]

    def answering() -> set[str]:
        answers = [project.ask() for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        return {answer.body for answer in answers}

    with Traffic(project) as traffic:
        assert len(answering()) == 2
        project.switch(f"unready-{away}")
        project.until(lambda: away not in answering(), "nobody asks it")
        project.until(lambda: project.replicas()[away]["state"] == "unready", "it is shown")
        project.unswitch(f"unready-{away}")
        project.until(lambda: away in answering(), "it is asked again")
    traffic.served()
    assert away in project.ready(), "the same replica came back: nobody replaced it"


# -- When it is told to end --------------------------------------------------------------------


@pytest.mark.requirement("R221", "R222", "R223", "R224", "R225", "R226")
def test_ctrl_c_must_let_requests_in_flight_finish_and_end_with_0(
    make_project: MakeProject,
) -> None:
    project = make_project(WEB)
    child = project.start("up", "--json")
    project.until(lambda: "up after" in " ".join(project.told()), "it is up", seconds=30)
    answers: list[Answer] = []
    slow = threading.Thread(target=lambda: answers.append(project.ask("/slow?seconds=2")))
    slow.start()
    project.until(lambda: project.lines("slow"), "the request is in flight")
    child.send_signal(signal.SIGINT)
    project.until(lambda: project.ask(seconds=1).status == 0, "nothing new is accepted")
    slow.join()
    said = project.ended(child)
    assert [answer.status for answer in answers] == [200]
    assert said.code == 0, said.err
    assert json.loads(said.out)["url"] == f"http://127.0.0.1:{project.port}"
    assert "Traceback" not in said.err
    assert not project.processes()
    for log in project.state.glob("logs/web.*.log"):
        text = log.read_text()
        assert "closed what was open" in text
        assert '"operation":"drain"' in text


def test_a_second_ctrl_c_must_not_wait_for_requests_in_flight(make_project: MakeProject) -> None:
    project = make_project(WEB.replace('"5s"', '"40s"'))
    child = project.start("up")
    project.until(lambda: project.ask().status == 200, "it is up", seconds=30)
    slow = threading.Thread(target=lambda: project.ask("/slow?seconds=30", seconds=40))
    slow.start()
    project.until(lambda: in_flight(project) > 0, "the request is in flight")
    child.send_signal(signal.SIGINT)
    project.until(lambda: project.ask(seconds=1).status == 0, "it drains")
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    said = project.ended(child, seconds=20)
    assert time.monotonic() - began < 8
    slow.join()
    assert said.code == 0, said.err
    assert "Traceback" not in said.err
    assert not project.processes()


def in_flight(project: Project) -> int:
    return sum(int(each["in_flight"]) for each in project.status()["services"])


@pytest.mark.requirement("R154", "R223")
def test_a_server_that_knows_no_drain_must_not_lose_the_requests_that_it_has(
    make_project: MakeProject,
) -> None:
    project = make_project(OWN_SERVER.replace('"1s"', '"10s"'))
    project.up()
    with Traffic(project, method="POST", path=lambda n: "/slow", visitors=4) as slow:
        project.until(lambda: in_flight(project) == 4, "all are asked")
        project.done("scale", "web=1")
        project.until(lambda: len(project.replicas()) == 1, "one is gone", seconds=20)
    slow.served(4)


@pytest.mark.requirement("R223")
def test_an_app_that_ignores_sigterm_must_be_ended_after_its_drain(
    make_project: MakeProject,
) -> None:
    project = make_project(OWN_SERVER)
    project.switch("deaf")
    project.up()
    began = time.monotonic()
    project.down()
    assert time.monotonic() - began < 1 + 3 + 6


def test_down_without_an_engine_must_end_what_it_left(make_project: MakeProject) -> None:
    project = make_project(WEB)
    project.up()
    os.kill(project.engine_pid(), signal.SIGKILL)
    assert project.ask().status == 200
    assert project.fairway("status").code == 1
    project.down()
    assert project.ask().status == 0
    assert "not running" in project.fairway("status").err


def test_a_first_start_must_fail_whole_where_only_a_later_service_fails(
    make_project: MakeProject,
) -> None:
    project = make_project(
        'app = "small"\n[variables]\nSWITCHES = "<switches>"\n'
        '[service.web]\nasgi = "main:app"\npublic = true\nport = <port>\nreplicas = 1\n'
        '[service.zebra]\nasgi = "zebra:app"\nreplicas = 1\n'
    )
    (project.folder / "zebra.py").write_text("raise RuntimeError('stripes are missing')\n")
    failed = project.fairway("up", "--detach")
    assert failed.code == 1
    assert "the app did not start" in failed.err
    assert "stripes are missing" in failed.err
    project.until(lambda: not project.processes(), "nothing of it goes on")

    (project.folder / "zebra.py").write_text("from main import app as app\n")
    project.up()
    assert {line["name"] for line in project.status()["services"]} == {"web", "zebra"}
    project.down()

    # The same from an app that was in service once, whose folder changed while it was down.
    (project.folder / "zebra.py").write_text("raise RuntimeError('stripes are missing')\n")
    assert project.fairway("up", "--detach").code == 1
    project.until(lambda: not project.processes(), "nothing of it goes on")
    (project.folder / "zebra.py").write_text("from main import app as app\n")
    project.up()
    assert project.ask().status == 200
