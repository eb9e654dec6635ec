"""Builds of a revision, run by real commands in an environment that the real uv makes."""

import asyncio
import os
import re
import threading
import time
from pathlib import Path

import pytest

from fairway.core.problem import Problem, Problems
from fairway.programs import priority
from fairway.targets.local.layout import Layout
from fairway.targets.local.preparation import Preparation
from fairway.targets.local.processes import ProcessTable

pytestmark = pytest.mark.real

FILE = """\
app = "shop"

[service.web]
wsgi  = "main:app"
build = "python build.py"

[service.web.variables]
GREETING = "hello"
"""
BUILD = """\
import os, pathlib, sys
pathlib.Path("static.txt").write_text(f"{sys.prefix} {os.environ['GREETING']}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "fairway.toml").write_text(FILE)
    (tmp_path / "main.py").write_text("app = None\n")
    (tmp_path / "build.py").write_text(BUILD)
    return tmp_path


@pytest.fixture
def preparation(project: Path) -> Preparation:
    return Preparation(
        layout=Layout(project),
        environment_name="local",
        assumed=None,
        caller=dict(os.environ),
        say=lambda _node, _text: None,
    )


def test_a_build_runs_in_the_apps_own_environment_before_anything_was_installed(
    project: Path, preparation: Preparation
) -> None:
    revision = preparation.revise(in_use=False)
    built = preparation.source(revision) / "static.txt"
    assert built.read_text() == f"{project / '.venv'} hello"


def test_a_build_beside_what_runs_leaves_the_folders_environment_alone(
    project: Path, preparation: Preparation
) -> None:
    revision = preparation.revise(in_use=True)
    built = preparation.source(revision) / "static.txt"
    assert built.read_text().startswith(str(project / ".fairway" / "environments"))
    assert not (project / ".venv").exists()


def test_who_only_looks_builds_nothing(project: Path, preparation: Preparation) -> None:
    glanced = preparation.glance()
    assert not (project / "static.txt").exists()
    assert glanced != preparation.revise(in_use=False)
    assert glanced != preparation.glance()


def test_a_build_that_goes_on_says_so_and_stands_aside(
    project: Path, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def say(_node: str, text: str) -> None:
        said.append(text)
        if "weighs" in text:
            (project / "told").touch()

    preparation.say = say
    monkeypatch.setattr("fairway.programs.building.TELL_SECONDS", 0.1)
    (project / "build.py").write_text(
        "import pathlib, time\n"
        "print('weighs', pathlib.Path('/proc/self/autogroup').read_text(), flush=True)\n"
        "while not pathlib.Path('told').exists(): time.sleep(0.02)\n"
    )
    preparation.revise(in_use=True)
    told = [text for text in said if re.match(r"still builds after \d+ s: weighs", text)]
    assert told[0].split()[-1] in (priority.ASIDE, "weighs")


def test_a_build_ends_with_all_that_it_started_when_the_engine_does(
    project: Path, preparation: Preparation
) -> None:
    (project / "build.py").write_text(
        "import subprocess, time\n"
        "subprocess.Popen(['sleep', '60'])\n"
        "open('begun', 'w').close()\n"
        "time.sleep(60)\n"
    )
    building = Building(preparation)
    building.start()
    begun = time.monotonic()
    while not (project / "begun").exists():
        assert time.monotonic() < begun + 30
        time.sleep(0.01)
    preparation.stop.set()
    building.join(10)
    assert [problem.what for problem in building.problems] == ["The build was stopped."]
    assert building.problems[0].where == "service.web.build"
    until_nothing_is_left(project)


def test_a_build_that_outlived_its_engine_is_ended_by_the_next(
    project: Path, preparation: Preparation
) -> None:
    """Two would write the same files."""
    (project / "build.py").write_text(
        "import subprocess\nsubprocess.Popen(['sleep', '60'], start_new_session=True)\n"
    )
    begun = time.monotonic()
    preparation.revise(in_use=False)
    assert time.monotonic() - begun < 30  # the one that it left holds its output open
    assert left_of(project) == ["sleep 60"]
    table = ProcessTable(preparation.layout.run)
    (stray,) = asyncio.run(table.reap_strays())
    assert (stray.name, stray.command) == ("web", "sleep 60")
    assert left_of(project) == []


def until_nothing_is_left(project: Path) -> None:
    begun = time.monotonic()
    while left := left_of(project):
        assert time.monotonic() < begun + 10, left
        time.sleep(0.01)


class Building(threading.Thread):
    """A revision that is made in a thread, and why it was not."""

    def __init__(self, preparation: Preparation) -> None:
        super().__init__()
        self.preparation = preparation
        self.problems: tuple[Problem, ...] = ()

    def run(self) -> None:
        try:
            self.preparation.revise(in_use=False)
        except Problems as problems:
            self.problems = tuple(problems.problems)


def left_of(project: Path) -> list[str]:
    """What runs that the project started."""
    return [stray.command for stray in ProcessTable(Layout(project).run).strays()]
