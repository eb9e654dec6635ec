"""Workers: what takes tasks and what keeps time, killed, broken, replaced and taken down."""

import os
import signal
from itertools import pairwise

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import APP, Project

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

[worker.takers]
command = "python loop.py taker"
replicas = 2
uses = ["queue"]
timeouts = { steady = "1s" }

[worker.clock]
command = "python loop.py clock"
uses = ["queue"]
timeouts = { steady = "1s" }

[cache.queue]
"""


@pytest.mark.requirement("R32", "R147", "R223")
def test_workers_must_come_back_be_replaced_and_end_and_one_alone_never_run_twice(
    make_project: MakeProject,
) -> None:
    project = make_project(FILE)
    project.up()
    assert len(project.ready("takers")) == 2
    project.until(lambda: len(project.lines("done")) > 3, "tasks are taken")

    project.kill("takers.1")
    replaced = ["takers.2", "takers.3"]
    project.until(lambda: project.ready("takers") == replaced, "another takes its place")

    good = (APP / "loop.py").read_text()
    bad = good.replace("    {", '    sys.exit("no such queue: ticks")\n    {')
    (project.folder / "loop.py").write_text(bad)
    said = project.fairway("deploy")
    assert said.code == 1
    assert "rolled back" in said.err
    assert "no such queue: ticks" in said.err
    everybody = {"takers": 2, "clock": 1}
    project.until(lambda: alive_of(project, "1") == everybody, "all of the old version said so")

    (project.folder / "loop.py").write_text(good.replace('VERSION = "1"', 'VERSION = "2"'))
    project.done("deploy")
    # It is ready once it lived for a second, in which a busy machine may not have let it speak.
    project.until(lambda: alive_of(project, "2") == everybody, "all of the new version said so")
    assert alive_of(project, "1") == {"takers": 0, "clock": 0}

    names = (*project.ready("takers"), *project.ready("clock"))
    replicas = {name: project.pid(name) for name in names}
    os.kill(project.engine_pid(), signal.SIGKILL)
    project.up()
    project.until(lambda: len(project.ready("takers")) == 2, "they are adopted")
    assert {name: project.pid(name) for name in replicas} == replicas
    assert len(project.replicas("takers")) == 2
    assert len(project.replicas("clock")) == 1

    project.down()
    lives = sorted(tuple(map(float, line.split()[:2])) for line in project.lines("lived-clock"))
    assert len(lives) >= 3
    assert all(before[1] <= after[0] for before, after in pairwise(lives)), "two ran at once"
    assert set(project.lines("done")) >= set(project.lines("taken")[-5:]), "what began, ended"
    assert not project.lines("told"), "only a worker itself is told to end"


def alive_of(project: Project, version: str) -> dict[str, int]:
    """How many replicas of each worker live and said that they are of this version."""
    found: dict[str, int] = {}
    for worker, program in (("takers", "taker"), ("clock", "clock")):
        logs = [project.state / "logs" / f"{name}.log" for name in project.ready(worker)]
        found[worker] = sum(f"{program} {version} begins" in log.read_text() for log in logs)
    return found
