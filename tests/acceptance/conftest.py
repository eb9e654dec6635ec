"""Projects for acceptance tests: made where nothing else is, taken down whatever happens."""

import fcntl
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.acceptance.project import Project

OPEN: list[Project] = []  # the projects that a failure may be about


class MakeProject(Protocol):
    """Makes a project whose `fairway.toml` says this; `shares` no environment: it installs one."""

    def __call__(self, file: str, *, shares: bool = True) -> Project: ...


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep with a failure what the projects that were open then wrote down."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for project in OPEN:
            report.sections.append((f"project {project.folder.name}", project.artefacts()))


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose environment and runtime all others share: installed once, not once a test."""
    base = tmp_path_factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = place / "workshop"
    with (place / "workshop.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            first = Project(folder, FIRST)
            try:
                first.up()
            finally:
                first.end()
    return folder


FIRST = """
app = "workshop"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 1
"""


@contextmanager
def making(factory: pytest.TempPathFactory, workshop: Path) -> Generator[MakeProject]:
    """Make projects, and end every one of them."""
    made: list[Project] = []

    def make(file: str, *, shares: bool = True) -> Project:
        folder = factory.mktemp("project") / "app"
        project = Project(folder, file, shared=workshop if shares else None)
        made.append(project)
        OPEN.append(project)
        return project

    try:
        yield make
    finally:
        faults: list[AssertionError] = []
        for project in made:
            OPEN.remove(project)
            try:
                project.end()
            except AssertionError as fault:
                faults.append(fault)
            shutil.rmtree(project.state / "data", ignore_errors=True)
        if faults:
            raise AssertionError("\n".join(map(str, faults)))


@pytest.fixture
def make_project(tmp_path_factory: pytest.TempPathFactory, workshop: Path) -> Iterator[MakeProject]:
    """Makes projects of one test."""
    with making(tmp_path_factory, workshop) as make:
        yield make


@pytest.fixture(scope="module")
def make_shared_project(
    tmp_path_factory: pytest.TempPathFactory, workshop: Path
) -> Iterator[MakeProject]:
    """Makes projects that the tests of a module share."""
    with making(tmp_path_factory, workshop) as make:
        yield make
