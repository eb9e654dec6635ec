"""Jobs: what starts them, how often, and what ends them."""

import os
import signal
from itertools import pairwise

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

FILE = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 1
timeouts = { drain = "2s" }

[variables]
SWITCHES = "<switches>"

[job.first]
command = "python work.py first"
schedule = "@once"
then = "second"

[job.second]
command = "python work.py second"

[job.arrivals]
command = "python work.py arrivals"
on_new = "files/incoming/"
uses = ["files"]

[job.late]
command = "python work.py late"
timeout = "2s"
retries = 0

[job.flaky]
command = "python work.py flaky"
retries = 2

[job.single]
command = "python work.py single"
schedule = "0 6 * * *"

[job.load]
command = "python work.py load"

[job.train]
command = "python work.py train"
retries = 0

[workflow.daily]
steps = ["load", "train"]

[bucket.files]
"""


@pytest.fixture(scope="module")
def app(make_shared_project: MakeProject) -> Project:
    project = make_shared_project(FILE)
    project.up()
    return project


def begun(app: Project, job: str) -> list[list[str]]:
    """When, in which revision and as which process a job began, each time."""
    return [line.split() for line in app.lines(f"ran-{job}")]


def ended(app: Project, job: str) -> int:
    """How often a job ended well."""
    return len(app.lines(f"done-{job}"))


@pytest.mark.requirement("R28", "R111", "R113")
def test_a_job_for_once_must_run_once_and_the_next_after_it(app: Project) -> None:
    app.until(lambda: ended(app, "second") == 1, "both ran", seconds=30)
    assert len(begun(app, "first")) == 1
    assert float(begun(app, "second")[0][0]) > float(app.lines("done-first")[0])
    app.until(lambda: len(app.history("second")) == 1, "it is in the history")
    assert app.history("second")[0]["cause"] == "after first#1"
    app.down()
    app.up()
    app.until(lambda: app.job("first")["state"] == "idle", "it is idle")
    assert len(begun(app, "first")) == 1


@pytest.mark.requirement("R29", "R109", "R110", "R113")
def test_new_objects_must_start_the_job_once_for_each_version(app: Project) -> None:
    put(app, "incoming/a.txt", "one")
    app.until(lambda: ended(app, "arrivals") == 1, "it ran for the object", seconds=30)
    put(app, "elsewhere/a.txt", "one")
    put(app, "incoming/b.txt", "one")
    app.until(lambda: ended(app, "arrivals") == 2, "it ran for the next object", seconds=30)
    put(app, "incoming/a.txt", "two")
    app.until(lambda: ended(app, "arrivals") == 3, "it ran for the new version", seconds=30)
    app.until(lambda: app.job("arrivals")["state"] == "idle", "it is idle")
    assert len(begun(app, "arrivals")) == 3


def put(app: Project, key: str, text: str) -> None:
    """Write an object as an app would, with its own variables."""

    def files() -> dict[str, str]:
        nodes: list[dict[str, str]] = app.status()["nodes"]
        return next(each for each in nodes if each["name"] == "files")

    # Only jobs use it: the app is up before it.
    app.until(lambda: files()["state"] == "up", "the bucket is up")
    address = files()["address"]
    host, _, bucket = address.removeprefix("http://").partition("/")
    answer = app.ask(f"/{bucket}/{key}", method="PUT", port=int(host.split(":")[1]), body=text)
    assert answer.status == 200, answer


@pytest.mark.requirement("R112", "R195")
def test_a_job_that_takes_too_long_must_be_ended_and_shown_as_failed(app: Project) -> None:
    app.switch("hold-late")
    said = app.fairway("run", "late")
    assert said.code == 1
    assert "timeout of 2 s" in said.err
    pid = int(begun(app, "late")[-1][2])
    app.until(lambda: pid not in app.processes(), "its process is gone")
    app.until(lambda: app.job("late")["state"] == "failed", "it is shown as failed")
    assert app.history("late")[-1]["note"] == "timed out"
    app.unswitch("hold-late")


@pytest.mark.requirement("R112", "R230")
def test_a_job_that_fails_must_be_tried_again_each_time_later(app: Project) -> None:
    app.switch("fail-flaky", "2")
    said = app.done("run", "flaky")
    assert "succeeded" in said.err
    times = [float(each[0]) for each in begun(app, "flaky")]
    assert len(times) == 3
    waits = [after - before for before, after in pairwise(times)]
    assert waits[0] >= 1
    assert waits[1] >= 2
    tries = [(each["attempt"], each["exit_code"]) for each in app.history("flaky")]
    assert tries == [(1, 4), (2, 4), (3, 0)]


@pytest.mark.requirement("R113")
def test_a_job_must_never_run_twice_at_once_and_remember_one_wish(app: Project) -> None:
    app.switch("hold-single")
    before = len(begun(app, "single"))
    app.done("run", "single", "--detach")
    app.until(lambda: len(begun(app, "single")) == before + 1, "it has begun")
    for _ in range(3):
        app.done("run", "single", "--detach")
    assert app.job("single")["state"] == "running"
    assert len(begun(app, "single")) == before + 1
    app.unswitch("hold-single")
    app.until(lambda: len(begun(app, "single")) == before + 2, "it ran once more")
    app.until(lambda: app.job("single")["state"] == "idle", "it is idle")
    assert len(begun(app, "single")) == before + 2
    assert app.job("single")["next_at"] % 86_400 == 6 * 3_600


def test_a_job_must_survive_a_deploy_and_a_kill_of_the_engine(app: Project) -> None:
    app.switch("hold-single")
    before = len(begun(app, "single"))
    count = ended(app, "single")
    app.done("run", "single", "--detach")
    app.until(lambda: len(begun(app, "single")) == before + 1, "it has begun")
    _, revision, pid = begun(app, "single")[-1]
    app.version("2")
    app.done("deploy")
    assert app.status()["revision"] != revision
    assert int(pid) in app.processes()
    os.kill(app.engine_pid(), signal.SIGKILL)
    app.unswitch("hold-single")
    app.until(lambda: ended(app, "single") == count + 1, "it ends without an engine")
    app.up()
    app.until(lambda: app.job("single")["state"] == "idle", "its end was found")
    assert app.history("single")[-1]["exit_code"] == 0
    assert len(begun(app, "single")) == before + 1


@pytest.mark.requirement("R114")
def test_a_workflow_must_survive_a_kill_and_go_on_where_it_stopped(app: Project) -> None:
    app.switch("hold-load")
    app.switch("fail-train", "1")
    app.done("run", "daily", "--detach")
    app.until(lambda: begun(app, "load"), "its first step has begun")
    os.kill(app.engine_pid(), signal.SIGKILL)
    app.unswitch("hold-load")
    app.up()
    app.until(lambda: app.job("daily")["state"] == "failed", "its second step has failed")
    assert app.job("daily")["history"][-1]["note"] == "stopped at train: train#1 failed"
    said = app.done("run", "daily")
    assert "daily#1 succeeded" in said.err
    assert (len(begun(app, "load")), len(begun(app, "train"))) == (1, 2)
