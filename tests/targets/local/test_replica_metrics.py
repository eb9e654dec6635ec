"""What replicas say of themselves: which requests they have begun with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.release.analysis_sample import Sample
from fairway.targets.local.ports import HOST, free_port
from fairway.targets.local.replica_metrics import waiting, with_unanswered

pytestmark = pytest.mark.anyio
BODY = "# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight 3.0\nother 9\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def replica(body: str | None) -> AsyncGenerator[int]:
    """The port of one that answers every request with `body`; None: it never answers."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if body is not None:
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(f"{head}{body}".encode())
            else:
                await reader.read()
        finally:
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


@pytest.mark.requirement("R152", "R153")
def test_what_only_the_balancer_saw_fail_counts_too() -> None:
    told = Sample(requests=90, errors=2, latency=((10.0, 90),))
    assert with_unanswered(told, 12) == Sample(requests=100, errors=12, latency=((10.0, 90),))
    assert with_unanswered(told, 1) == told  # one that it asked for itself, past the balancer


@given(
    st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=2, max_size=20),
)
def test_whatever_fails_where_its_counts_only_grow(steps: list[tuple[int, int, int, int]]) -> None:
    good = bad = unanswered = late = 0
    before = Sample(0, 0)
    for more_good, more_bad, more_unanswered, between in steps:
        good, bad, unanswered = good + more_good, bad + more_bad, unanswered + more_unanswered
        counted = bad + late + unanswered  # by the balancer, a moment before the replica
        late += between  # answers 5xx in that moment
        now = with_unanswered(Sample(good + bad + late, bad + late), counted)
        assert now.requests >= before.requests
        assert now.errors >= before.errors
        assert now.errors <= bad + late + unanswered
        before = now
