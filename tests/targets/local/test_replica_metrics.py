"""What replicas say of themselves: which requests they have begun with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from fairway.targets.local.ports import HOST, free_port
from fairway.targets.local.replica_metrics import waiting

pytestmark = pytest.mark.anyio
BODY = "# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight 3.0\nother 9\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def replica(body: str | None) -> AsyncGenerator[int]:
    """The port of one that answers every request with `body`; None: it never answers."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if body is not None:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(f"{head}{body}".encode())
        else:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(converse, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.requirement("R239")
async def test_what_no_replica_has_begun_with_waits() -> None:
    async with replica(BODY) as one, replica(BODY) as other:
        assert await waiting(140, [one, other]) == 134
        assert await waiting(6, [one, other]) == 0
        assert await waiting(2, [one, other]) == 0  # some were answered in between


@pytest.mark.requirement("R239")
async def test_a_replica_that_cannot_even_answer_that_has_begun_with_none() -> None:
    async with replica(BODY) as busy, replica(None) as stuck, replica("") as silent:
        assert await waiting(140, [busy, stuck, silent, free_port()]) == 137
