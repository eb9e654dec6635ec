"""Builds of a revision, run by real commands in an environment that the real uv makes."""

import os
from pathlib import Path

import pytest

from fairway.targets.local.layout import Layout
from fairway.targets.local.preparation import Preparation

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
