"""A full disk: a small one in memory, mounted where the project keeps its state."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project
from tests.acceptance.traffic import Traffic

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system"),
]

WEB = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
uses = ["db"]
before = "python migrate.py"
timeouts = { drain = "3s" }
variables = { SWITCHES = "<switches>" }

[database.db]
"""

Mount = Callable[[Project, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a small disk over a project's state, or gives it another size."""
    mounted: list[Path] = []

    def change(project: Project, size: str) -> None:
        place = project.state
        if place in mounted:
            run("mount", "-o", f"remount,size={size}", str(place))
            return
        shared = (place / "runtime").readlink()
        if run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "small", str(place)):
            pytest.skip("this machine does not let us mount a file system")
        mounted.append(place)
        (place / "runtime").symlink_to(shared)

    yield change
    for place in mounted:
        assert run("umount", str(place)) == 0, f"something still uses {place}"


def run(*words: str) -> int:
    return subprocess.run(words, check=False, capture_output=True).returncode


def fill(project: Project) -> Path:
    """Take all the room that there is."""
    filler = project.state / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while file.write(b"\1" * size) == size:
                    pass
            except OSError:
                continue
    return filler


def test_a_start_on_a_full_disk_must_say_so_and_succeed_when_there_is_room(
    mount: Mount, make_project: MakeProject
) -> None:
    project = make_project(WEB)
    mount(project, "200m")
    for left_kib in (0, 4, 40, 20_000):
        filler = fill(project)
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - left_kib * 1024)
        said = project.fairway("up", "--detach")
        assert said.code == 1, f"with {left_kib} KiB left"
        assert "the disk is full" in said.err, said.err
        assert "Traceback" not in said.err
        assert not project.processes()
        filler.unlink()
    project.up()
    assert project.ask("/rows?id=1", method="POST").status == 201


def test_a_disk_that_runs_full_must_lose_nothing_and_end_nothing(
    mount: Mount, make_project: MakeProject
) -> None:
    project = make_project(WEB)
    mount(project, "200m")
    project.up()
    revision = project.status()["revision"]
    with (
        Traffic(project, visitors=1) as readers,
        Traffic(project, method="POST", path=lambda n: f"/rows?id={n}", visitors=1) as writers,
    ):
        project.until(lambda: len(writers.answers) > 5, "rows are written")
        filler = fill(project)
        project.version("2")
        said = project.fairway("deploy")
        assert said.code == 1
        assert "the disk is full" in said.err, said.err
        assert "Traceback" not in said.err
        status = project.status()
        assert (status["phase"], status["revision"]) == ("up", revision)
        assert project.ask().json["version"] == "1"
        filler.unlink()
        freed_at = time.time()
        project.until(
            lambda: any(at > freed_at and each.status == 201 for at, _, each in writers.answers),
            "rows are written again",
            seconds=30,
        )
    readers.served()
    assert max(each.seconds for _, _, each in writers.answers) < 8
    committed = {number for _, number, each in writers.answers if each.status == 201}
    assert committed <= set(project.ask("/rows").json)
    project.done("deploy")
    assert project.ask().json["version"] == "2"
    project.until(lambda: len(project.ready()) == 2, "two replicas are ready")
