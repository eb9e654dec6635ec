"""What the driver says reaches everybody who listens."""

import asyncio

import pytest

from fairway.cli.progress import Progress
from fairway.core.status import EventLine

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_a_thread_says_is_told_in_the_loop_to_all_who_listen_by_then() -> None:
    loop = asyncio.get_running_loop()
    first: list[EventLine] = []
    late: list[EventLine] = []
    progress = Progress(loop, lambda: 7.0, first.append)
    await asyncio.to_thread(progress.say, "web", "Creating virtual environment")
    await asyncio.sleep(0)
    progress.listeners = [first.append, late.append]
    await asyncio.to_thread(progress.say, "web", "Installed 8 packages")
    await asyncio.sleep(0)
    assert [event.text for event in first] == [
        "Creating virtual environment",
        "Installed 8 packages",
    ]
    assert late == [EventLine(at=7.0, node="web", text="Installed 8 packages")]
