"""The driver takes over what an earlier engine left."""

import asyncio
import os
from pathlib import Path

import pytest

from fairway.targets.local.driver import LocalDriver
from fairway.targets.local.layout import Layout
from fairway.targets.local.processes import Command, ProcessTable
from tests.targets.local.sessions import niceness_of_session
from tests.targets.local.test_processes import end

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_stood_back_for_an_engine_that_was_killed_steps_forward(tmp_path: Path) -> None:
    table = ProcessTable(Layout(tmp_path).run)
    command = Command(
        name="web.1",
        argv=("/bin/sleep", "60"),
        directory=tmp_path,
        environment={},
        log=tmp_path / "log",
        labels={"kind": "job"},
    )
    try:
        running = await table.start(command)
        table.set_priority("web.1", starting=True)
        assert niceness_of_session(running.pid) in {"19", None}

        await asyncio.sleep(0.12)  # an ordinary user may change an autogroup ten times a second
        await LocalDriver.connect(
            folder=tmp_path, environment="local", assumed=None, say=lambda _node, _text: None
        )
        assert niceness_of_session(running.pid) in {"0", None}
        assert os.sched_getscheduler(running.pid) == os.SCHED_OTHER
    finally:
        await end(table)
