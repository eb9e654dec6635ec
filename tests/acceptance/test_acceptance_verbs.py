"""The verbs on one running app, as a user types them one after the other."""

import signal
import threading
from pathlib import Path

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project
from tests.acceptance.traffic import Traffic

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

WEB = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
timeouts = { drain = "5s" }
variables = { SWITCHES = "<switches>", SETTING = "first" }

[job.report]
command = "python work.py report"
retries = 0
variables = { SWITCHES = "<switches>" }
"""


@pytest.fixture(scope="module")
def running(make_shared_project: MakeProject) -> Project:
    project = make_shared_project(WEB)
    project.up()
    return project


@pytest.fixture
def app(running: Project) -> Project:
    """The running app, with nothing switched on, at full strength."""
    for each in running.switches.iterdir():
        each.unlink()
    running.until(lambda: len(running.ready()) == 2, "two replicas are ready")
    return running


def version(project: Project) -> str:
    answer = project.ask()
    assert answer.status == 200, answer
    return str(answer.json["version"])


def test_status_must_tell_what_runs(app: Project) -> None:
    told = app.done("status", "--json").json
    assert told["phase"] == "up"
    assert told["url"] == f"http://127.0.0.1:{app.port}"
    service = told["services"][0]
    assert (service["wanted"], service["ready"]) == (2, 2)
    assert {each["revision"] for each in service["replicas"]} == {told["revision"]}
    app.until(
        lambda: all(10 < each["rss_mib"] < 200 for each in app.replicas().values()),
        "what they take was measured",
    )
    words = app.done("status").out
    assert told["url"] in words
    assert all(each["name"] in words for each in service["replicas"])


def test_up_must_give_address_and_ports_as_json(app: Project) -> None:
    ports = [each["port"] for each in app.replicas().values()]
    assert all(app.ask(port=port).status == 200 for port in ports)
    assert not [port for port in ports if reached_from_outside(port)]


def reached_from_outside(port: int) -> bool:
    """Whether something listens there on more than the loopback address."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    return any(
        address.endswith(f":{port:04X}") and not address.startswith("0100007F")
        for address in listening
    )


@pytest.mark.requirement("R161", "R162")
def test_logs_must_show_and_follow_what_is_printed(app: Project) -> None:
    app.ask("/print?text=a-line-from-before")
    app.until(lambda: "a-line-from-before" in app.done("logs").out, "the line is in the logs")
    only = app.done("logs", "web").out
    assert "a-line-from-before" in only
    assert "balancer" not in only
    seen: list[str] = []
    child = app.start("logs", "--follow", "-n", "0")
    assert child.stdout is not None
    lines = iter(child.stdout.readline, "")
    reader = threading.Thread(target=lambda: seen.extend(lines))
    reader.start()
    number = 0

    def followed() -> bool:
        nonlocal number
        number += 1
        app.ask(f"/print?text=a-new-line-{number}")
        return any("a-new-line" in line for line in seen)

    app.until(followed, "a new line is followed")
    assert not any("a-line-from-before" in line for line in seen)
    child.send_signal(signal.SIGINT)
    reader.join(timeout=5)
    said = app.ended(child)
    assert "Traceback" not in said.err
    missing = app.fairway("logs", "nobody")
    assert missing.code == 2
    assert "web" in missing.err


@pytest.mark.requirement("R28", "R112")
def test_run_must_wait_for_the_job_and_tell_how_it_ended(app: Project) -> None:
    said = app.done("run", "report", "--json")
    assert said.json["exit_code"] == 0
    assert app.job("report")["last_exit_code"] == 0
    app.switch("fail-report", "1")
    failed = app.fairway("run", "report")
    assert failed.code == 1
    assert "exit code 4" in failed.err
    assert "report fails" in failed.err
    assert "report fails" in app.done("logs", "report").out
    assert app.job("report")["state"] == "failed"
    unknown = app.fairway("run", "reprot")
    assert unknown.code == 2
    assert "report" in unknown.err


def test_exec_must_run_where_the_service_runs(app: Project) -> None:
    words = "import os; print(os.environ['SETTING'], os.environ['FAIRWAY_REVISION'], os.getcwd())"
    said = app.done("exec", "web", "--", "python", "-c", words)
    setting, revision, folder = said.out.split()
    assert setting == "first"
    assert revision == app.status()["revision"]
    assert f"/.fairway/revisions/{revision}" in folder
    assert app.fairway("exec", "web", "--", "python", "-c", "raise SystemExit(7)").code == 7
    assert app.fairway("exec", "wbe", "--", "true").code == 2


@pytest.mark.requirement("R16", "R154")
def test_scale_must_add_and_remove_replicas_without_a_failed_request(app: Project) -> None:
    with Traffic(app) as traffic:
        app.done("scale", "web=4")
        app.until(lambda: len(app.ready()) == 4, "four replicas are ready")
        app.until(lambda: answering(app) >= set(app.ready()), "all are asked")
        app.done("scale", "web=1")
        app.until(lambda: len(app.replicas()) == 1, "one replica is left")
        app.done("scale", "web=2")
        app.until(lambda: len(app.ready()) == 2, "two replicas are ready")
    traffic.served(100)
    assert app.fairway("scale", "web=many").code == 2
    assert app.fairway("scale", "wbe=2").code == 2


def answering(app: Project) -> set[str]:
    """Who answers twenty requests."""
    return {str(app.ask().json["replica"]) for _ in range(20)}


def test_a_deploy_with_nothing_changed_must_say_so(app: Project) -> None:
    before = app.replicas()
    said = app.done("deploy")
    assert "nothing to do" in said.err
    assert app.replicas().keys() == before.keys()


@pytest.mark.requirement("R142", "R145", "R146", "R154")
def test_deploy_and_rollback_must_replace_code_and_configuration_without_a_failed_request(
    app: Project,
) -> None:
    old = app.status()["revision"]
    with Traffic(app) as traffic, Traffic(app, method="POST", visitors=1) as posts:
        app.version("2")
        app.write(WEB.replace('"first"', '"second"'))
        app.done("deploy")
        assert [app.ask().json[key] for key in ("version", "setting")] == ["2", "second"]
        new = app.status()["revision"]
        assert new != old
        assert {each["revision"] for each in app.replicas().values()} == {new}
        app.done("rollback")
        assert [app.ask().json[key] for key in ("version", "setting")] == ["1", "first"]
        assert app.status()["revision"] == old
        assert len(app.ready()) == 2
        assert "nothing to do" in app.done("rollback", old[:6]).err
    traffic.served(100)
    posts.served(20)
    unknown = app.fairway("rollback", "nosuch")
    assert unknown.code == 2
    assert new in unknown.err
    app.version("1")
    app.write(WEB)
    assert "nothing to do" in app.done("deploy").err


@pytest.mark.requirement("R147", "R154")
@pytest.mark.parametrize("fault", ["crash", "never-ready"])
def test_a_broken_revision_must_be_taken_back_with_its_last_words(app: Project, fault: str) -> None:
    before = app.status()["revision"]
    app.switch(f"{fault}-3")
    app.version("3")
    app.write(WEB.replace("timeouts = {", 'timeouts = { startup = "8s",'))
    with Traffic(app) as traffic:
        said = app.fairway("deploy")
        assert said.code == 1
        assert "rolled back" in said.err
        words = {"crash": "last words of version 3", "never-ready": "waits for what never comes"}
        assert words[fault] in said.err
        assert "Traceback" not in said.err
        assert version(app) == "1"
        assert app.status()["revision"] == before
        app.until(lambda: len(app.replicas()) == 2, "the broken replicas are gone")
    traffic.served()
    answered = {each.json["version"] for _, _, each in traffic.answers}
    assert answered == {"1"}
    app.version("1")
    app.write(WEB)


def test_an_unknown_verb_must_be_answered_with_the_nearest(app: Project) -> None:
    said = app.fairway("stauts")
    assert said.code == 2
    assert "status" in said.err


@pytest.mark.requirement("R149")
def test_a_revision_must_pass_its_own_test_before_anybody_meets_it(app: Project) -> None:
    before = app.status()["revision"]
    (app.folder / "smoke.py").write_text(SMOKE)
    app.version("4")
    green = WEB.replace("replicas = 2\n", 'replicas = 2\ntest = "python smoke.py 5"\n')
    app.write(green.replace("replicas = 2\n", 'replicas = 2\nrelease.blue_green.keep = "1s"\n'))
    with Traffic(app) as traffic:
        said = app.fairway("deploy")
        assert said.code == 1
        assert "version 4 is not 5" in said.err
        assert "service.web.test" in said.err or "smoke.py" in said.err
        assert app.status()["revision"] == before
    traffic.served()
    assert {each.json["version"] for _, _, each in traffic.answers} == {"1"}
    app.version("5")
    app.done("deploy")
    assert version(app) == "5"
    app.version("1")
    app.write(WEB)
    app.done("deploy")


SMOKE = """
import json, os, sys, urllib.request

with urllib.request.urlopen(os.environ["FAIRWAY_TEST_URL"], timeout=5) as answer:
    version = json.load(answer)["version"]
if version != sys.argv[1]:
    sys.exit(f"version {version} is not {sys.argv[1]}")
"""


@pytest.mark.requirement("R151", "R152")
def test_a_canary_that_nobody_visits_must_be_judged_by_its_probes(app: Project) -> None:
    app.version("6")
    canary = 'release.canary = { steps = ["50% for 4s"], probes = ["/", "/print?text=probe"] }\n'
    app.write(WEB.replace("replicas = 2\n", f"replicas = 2\n{canary}"))
    said = app.done("deploy")
    assert "too few visitors" in said.err
    assert "no worse than the baseline" in said.err
    assert version(app) == "6"
    app.version("1")
    app.write(WEB)
    app.done("deploy")
