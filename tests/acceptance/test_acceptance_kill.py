"""The engine killed with SIGKILL at every step of a release, and started again.

Visitors ask all the while: the balancer and the replicas outlive the engine, so that no request
may fail, whichever line of the journal was the last. After each kill one revision serves at full
strength, nothing else is left running, and every row is there.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fairway.targets.local import procfs
from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project
from tests.acceptance.traffic import Traffic

pytestmark = [pytest.mark.acceptance, pytest.mark.real, pytest.mark.timeout(300)]

WEB = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
uses = ["db"]
before = "python migrate.py"
timeouts = { startup = "20s", drain = "3s" }
variables = { SWITCHES = "<switches>" }

[database.db]
"""
WITHOUT_DATA = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
timeouts = { drain = "3s" }
"""
MOST_LINES = 40


@pytest.mark.requirement("R147", "R154")
@pytest.mark.parametrize("first", [1, 2])
def test_a_release_whose_engine_is_killed_must_go_on_and_fail_no_request(
    make_project: MakeProject, first: int
) -> None:
    """A step writes two or three lines within a millisecond: each is hit from both beginnings."""
    project = make_project(WEB)
    project.up()
    assert project.ask("/rows?id=1", method="POST").status == 201
    with (
        Traffic(project, visitors=1) as traffic,
        Traffic(project, method="POST", visitors=1) as posts,
    ):
        for line in range(first, MOST_LINES, 3):
            version = str(line + 1)
            project.version(version)
            written = len(lines(project)) + line
            was_killed = kill_when(project, project.start("deploy"), written)
            if was_killed:
                project.up()
            converged(project, version)
            assert not traffic.failures + posts.failures, f"killed at line {line}"
            if not was_killed:
                break
        else:
            raise AssertionError(f"a release that writes more than {MOST_LINES} lines")
    traffic.served(100)
    posts.served(20)
    assert project.ask("/rows").json == [1]


@pytest.mark.requirement("R147", "R154")
def test_a_way_back_whose_engine_is_killed_must_end_on_the_old_revision(
    make_project: MakeProject,
) -> None:
    project = make_project(WEB)
    project.up()
    with Traffic(project) as traffic:
        for line in range(1, MOST_LINES, 3):
            project.version(f"unwanted-{line}")
            halfway = told(project, "2 replicas of the new revision")
            child = project.start("deploy")
            project.until(
                lambda: told(project, "2 replicas of the new revision") > halfway,  # noqa: B023
                "it is halfway",
                seconds=40,
            )
            before = len(lines(project))
            project.done("abort")
            was_killed = kill_when(project, child, before + line)
            project.version("1")
            if was_killed:
                project.up()
            converged(project, "1")
            if not was_killed:
                break
    traffic.served()


def told(project: Project, text: str) -> int:
    """How often something was told of."""
    return sum(text in line for line in project.told())


@pytest.mark.parametrize("line", [1, 3, 5])
def test_a_first_start_whose_engine_is_killed_must_succeed_when_it_is_repeated(
    make_project: MakeProject, line: int
) -> None:
    project = make_project(WEB)
    child = project.start("up", "--detach")
    project.until(lambda: len(lines(project)) >= line, "it has begun", seconds=30)
    kill_engine(project)
    project.ended(child)
    project.up()
    converged(project, "1")
    assert project.ask("/rows?id=1", method="POST").status == 201


@pytest.mark.requirement("R154")
def test_a_start_after_a_kill_must_adopt_what_runs_however_old_and_even_if_not_ready(
    make_project: MakeProject,
) -> None:
    project = make_project(WEB)
    project.up()
    before = {name: project.pid(name) for name in (*project.ready(), "balancer")}
    kill_engine(project)
    for name in project.state.glob("run/web.[0-9].json"):  # they started long ago
        record = json.loads(name.read_text())
        record["labels"]["started_at"] = str(float(record["labels"]["started_at"]) - 3600)
        name.write_text(json.dumps(record))
    project.kill("postgres")
    project.until(lambda: project.ask("/rows").status == 503, "the database is gone")
    project.up()
    converged(project, "1")
    assert {name: project.pid(name) for name in (*project.ready(), "balancer")} == before
    # The database recovers while those that need it are found as they were.
    project.until(lambda: project.ask("/rows").status == 200, "the database is back")
    project.until(lambda: len(project.ready()) == 2, "both replicas are ready again")
    with Traffic(project) as traffic:
        kill_engine(project)
        project.up()
        project.until(lambda: len(traffic.answers) > 50, "requests are answered")
    traffic.served()


@pytest.mark.requirement("R32")
def test_a_start_after_a_kill_must_end_and_replace_what_has_no_record(
    make_project: MakeProject,
) -> None:
    project = make_project(WEB.replace('uses = ["db"]', "").replace("before = ", "# "))
    project.up()
    stray = project.pid("web.1")
    kill_engine(project)
    (project.state / "run" / "web.1.json").unlink()
    with Traffic(project) as traffic:
        project.up()
        assert "nobody knew" in (project.state / "logs" / "engine.log").read_text()
        assert stray not in project.processes()
        converged(project, "1")
    traffic.served()


def kill_when(project: Project, child: "subprocess.Popen[str]", written: int) -> bool:
    """Kill the engine when the journal has so many lines; whether the verb did not end first."""
    size = -1
    while child.poll() is None:
        if size != (size := journal(project).stat().st_size) and len(lines(project)) >= written:
            kill_engine(project)
            project.ended(child)
            return True
        time.sleep(0.001)
    project.ended(child)
    return False


def lines(project: Project) -> list[bytes]:
    """The lines of the journal, unread: it is looked at a thousand times a second."""
    path = journal(project)
    return path.read_bytes().splitlines() if path.exists() else []


def journal(project: Project) -> Path:
    return project.state / "journal.jsonl"


def kill_engine(project: Project) -> None:
    pid = project.engine_pid()
    os.kill(pid, signal.SIGKILL)
    project.until(lambda: pid not in project.processes(), "the engine is gone")


def converged(project: Project, version: str) -> None:
    """One revision serves at full strength, and nothing else of the project is left."""
    project.until(
        lambda: settled(project), "two replicas of one revision, and no other", seconds=30
    )
    answers = [project.ask() for _ in range(10)]
    assert {each.json["version"] for each in answers} == {version}
    records = [path.stem for path in project.state.glob("run/[bp]*.json")]
    expected = {project.pid(name) for name in (*project.replicas(), *records)}
    expected.add(project.engine_pid())
    project.until(
        lambda: not {pid for pid in project.processes() if not belongs(pid, expected)},
        "no process is an orphan",
    )


def settled(project: Project) -> bool:
    status = project.status()
    replicas = status["services"][0]["replicas"]
    states = {(each["revision"], each["state"]) for each in replicas}
    return len(replicas) == 2 and states == {(status["revision"], "ready")}


def belongs(pid: int, expected: set[int]) -> bool:
    """Whether a process is one of these, or descends from one."""
    while pid > 1:
        if pid in expected:
            return True
        found = procfs.read(pid)
        pid = 0 if found is None else found.parent
    return False
