"""The balancer at work: the real Envoy before real apps, started, told, asked and stopped."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from fairway.core.problem import Problems
from fairway.targets.local.balancer import server
from fairway.targets.local.balancer.model import Endpoint
from fairway.targets.local.balancer.server import NAME, Balancer
from fairway.targets.local.balancer.stats import rates
from fairway.targets.local.processes import ProcessTable
from tests.targets.local.balancer_backend import (
    Connection,
    a_front,
    access_log,
    backends,
    fetch,
    takes_connections,
    until,
    until_count,
    until_refused,
)

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def balancer(tmp_path: Path) -> AsyncIterator[Balancer]:
    processes = ProcessTable(tmp_path / "run")
    balancer = Balancer(tmp_path / "balancer", processes)
    yield balancer
    await processes.stop(NAME, grace_seconds=0)
    await processes.reap_strays()


# -- The public entry point ----------------------------------------------------------------------


@pytest.mark.requirement("R13", "R16")
async def test_requests_to_the_public_port_are_spread_over_the_replicas(
    balancer: Balancer,
) -> None:
    front = a_front()
    async with backends("one", "two") as (one, two):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        assert await balancer.accepts()
        got = [(await fetch(front.port)).header("x-me") for _ in range(40)]
    assert min(got.count("one"), got.count("two")) >= 10


@pytest.mark.requirement("R17")
async def test_two_hundred_connections_at_once_are_served(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one", "two") as (one, two):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        answers = await asyncio.gather(*(fetch(front.port, "/sleep/0.3") for _ in range(200)))
    assert {answer.status for answer in answers} == {200}


@pytest.mark.requirement("R164")
async def test_an_app_learns_the_client_and_the_id_of_a_request_and_the_log_keeps_no_secrets(
    balancer: Balancer, tmp_path: Path
) -> None:
    front = a_front()
    sent = (
        "x-request-id: req-abc123\r\nx-forwarded-for: 9.9.9.9\r\nx-envoy-retry-on: 5xx\r\n"
        "x_forwarded_for: 6.6.6.6\r\nauthorization: Bearer s3cret\r\n"
    )
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [replace(one.endpoint, replica="api.7")]})
        answer = await fetch(front.port, "/headers?token=s3cret", headers=sent)
        without = await fetch(front.port, "/headers")
    seen = dict(line.split(": ", 1) for line in answer.body.splitlines())
    assert seen["x-request-id"] == answer.header("x-request-id") == "req-abc123"
    assert seen["x-forwarded-for"] == "9.9.9.9,127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["authorization"] == "Bearer s3cret"
    assert not [name for name in seen if name.startswith("x-envoy") or "_" in name]
    assert len(without.header("x-request-id")) == 36
    assert "x-forwarded-for: 127.0.0.1" in without.body.splitlines()
    assert answer.header("server") == "fairway"

    await until(lambda: len(access_log(tmp_path)) == 2)
    line = access_log(tmp_path)[0]
    assert (line["path"], line["status"], line["replica"]) == ("/headers", 200, "api.7")
    assert (line["correlation_id"], line["service"]) == ("req-abc123", "api")
    assert "s3cret" not in json.dumps(line)


@pytest.mark.requirement("R235")
async def test_a_request_that_takes_too_long_is_answered_and_a_websocket_may_stay(
    balancer: Balancer,
) -> None:
    front = a_front(request_seconds=0.4)
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        assert (await fetch(front.port, "/sleep/1.5")).status == 504
        assert (await fetch(front.port, "/sleep/1.5", method="POST", body=b"x")).status == 504
        async with connect(f"ws://127.0.0.1:{front.port}/ws", proxy=None) as web:
            await asyncio.sleep(1)
            await web.send("still there?")
            assert await web.recv() == "one: still there?"
            assert (await balancer.stats())["api"].websockets == 1


async def test_a_service_that_takes_no_websockets_refuses_them(balancer: Balancer) -> None:
    front = a_front(websocket=False)
    upgrade = "connection: upgrade\r\nupgrade: websocket\r\n"
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        assert (await fetch(front.port, "/ws", headers=upgrade)).status == 403


# -- Too much ------------------------------------------------------------------------------------


@pytest.mark.requirement("R239")
async def test_what_a_replica_cannot_take_waits_and_what_cannot_wait_is_refused(
    balancer: Balancer,
) -> None:
    front = a_front(max_connections=2, max_pending=3)
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        busy = [asyncio.create_task(fetch(front.port, "/sleep/1")) for _ in range(2)]
        await until_count(one, 2)
        busy += [asyncio.create_task(fetch(front.port, "/sleep/1")) for _ in range(7)]
        await until(lambda: sum(task.done() for task in busy) == 4)
        reading = (await balancer.stats())["api"]
        answers = await asyncio.gather(*busy)
    assert (reading.pending, reading.in_flight, reading.refused_total) == (3, 5, 4)
    refused = [answer for answer in answers if answer.status != 200]
    assert [answer.status for answer in refused] == [503] * 4
    assert "too many requests wait" in refused[0].body


@pytest.mark.requirement("R167", "R168", "R169")
async def test_requests_errors_and_latencies_are_counted(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        before = (await balancer.stats())["api"]
        for path in ("/", "/", "/status/500", "/status/404", "/sleep/0.2"):
            await fetch(front.port, path)
        deadline = asyncio.get_running_loop().time() + 10
        after = before
        while not after.latency or after.latency[-1][1] < 5:  # latencies are a second late
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
            after = (await balancer.stats())["api"]
    figures = rates(before, after, 1.0)
    assert (after.requests_total, after.errors_5xx_total) == (5, 1)
    assert (figures.requests_per_second, figures.error_percent) == (5, 20)
    assert figures.p99_ms is not None
    assert figures.p99_ms >= 150


# -- Services, starts and stops ------------------------------------------------------------------


async def test_requests_that_get_no_answer_are_errors_of_their_endpoint(
    balancer: Balancer,
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /ready"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        finally:
            writer.transport.abort()

    front = a_front()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await balancer.start([front], {"api": [Endpoint(port=port, replica="api.1")]})
        answers = [await fetch(front.port, "/", method="POST") for _ in range(3)]
        (state,) = (await balancer.endpoints())["api"]
    assert {answer.status for answer in answers} == {503}
    assert state.errors_total == 3


async def test_a_service_comes_and_goes_while_another_serves(balancer: Balancer) -> None:
    api, web = a_front(), a_front(service="web")
    async with backends("one", "two") as (one, two):
        await balancer.start([api], {"api": [one.endpoint]})
        connection = Connection(api.port)
        assert (await connection.send()).status == 200
        await balancer.set_fronts([api, web])
        assert await balancer.accepts()
        assert (await fetch(web.port)).status == 503
        await balancer.set_endpoints("web", [two.endpoint])
        assert (await fetch(web.port)).header("x-me") == "two"
        await balancer.set_fronts([api])
        await until_refused(web.port)
        assert (await connection.send()).status == 200  # over the same connection
        connection.close()


async def test_a_public_port_that_is_taken_is_told_with_who_has_it(balancer: Balancer) -> None:
    api = a_front()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        web = a_front(service="web", port=taken.getsockname()[1])
        with pytest.raises(Problems) as at_start:
            await balancer.start([api, web])
        assert f"port {web.port} is taken by" in str(at_start.value)
        assert f"(pid {os.getpid()})" in str(at_start.value)
        assert "[service.web]" in str(at_start.value)

        await balancer.start([api])
        with pytest.raises(Problems, match=f"port {web.port} is taken by"):
            await balancer.set_fronts([api, web])
    assert await balancer.accepts()
    await balancer.set_fronts([api, web])
    assert await balancer.accepts()


async def test_what_envoy_refuses_is_told_in_its_words_and_changes_nothing(
    balancer: Balancer,
) -> None:
    front = a_front()
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        with pytest.raises(Problems, match="malformed IP address: nowhere"):
            await balancer.set_endpoints("api", [Endpoint(port=1, address="nowhere")])
        await balancer.set_endpoints("api", [one.endpoint])
        assert (await fetch(front.port)).status == 200


async def test_envoy_s_own_log_is_cut_when_it_is_large_and_envoy_goes_on_in_it(
    balancer: Balancer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = a_front()
    log, before = tmp_path / "balancer" / "envoy.log", tmp_path / "balancer" / "envoy.log.1"
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        with pytest.raises(Problems, match="malformed IP address: nowhere"):
            await balancer.set_endpoints("api", [Endpoint(port=1, address="nowhere")])
        assert "nowhere" in log.read_text()
        await balancer.stats()
        assert not before.exists(), "it is small"

        monkeypatch.setattr(server, "LOG_BYTES", 10)
        await balancer.stats()
        assert log.stat().st_size == 0
        assert "nowhere" in before.read_text()

        with pytest.raises(Problems, match="malformed IP address: elsewhere"):
            await balancer.set_endpoints("api", [Endpoint(port=1, address="elsewhere")])
        assert log.read_bytes().startswith(b"["), "no hole where the old lines were"
        assert "nowhere" not in log.read_text()


async def test_endpoints_of_a_service_that_is_not_there_are_refused(balancer: Balancer) -> None:
    await balancer.start([a_front()])
    with pytest.raises(Problems, match="no service web"):
        await balancer.set_endpoints("web", [])


async def test_another_engine_adopts_the_balancer_that_runs(
    balancer: Balancer, tmp_path: Path
) -> None:
    front = a_front()
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        processes = ProcessTable(tmp_path / "run")
        before = processes.find(NAME)
        adopted = Balancer(tmp_path / "balancer", processes)
        await adopted.start([front])
        after = processes.find(NAME)
        assert before is not None
        assert after is not None
        assert after.pid == before.pid
        assert (await fetch(front.port)).status == 200


async def test_after_a_crash_it_starts_again_on_the_same_port(
    balancer: Balancer, tmp_path: Path
) -> None:
    front = a_front()
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        running = ProcessTable(tmp_path / "run").find(NAME)
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        await until_refused(front.port)
        await balancer.start([front], {"api": [one.endpoint]})
        assert (await fetch(front.port)).status == 200


async def test_a_stop_lets_requests_finish_and_refuses_new_ones(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        idle = Connection(front.port)
        await idle.send()
        slow = asyncio.create_task(fetch(front.port, "/sleep/1"))
        await asyncio.sleep(0.2)
        stopping = asyncio.create_task(balancer.stop())
        await asyncio.sleep(0.05)
        assert (await idle.send()).header("connection") == "close"
        await asyncio.sleep(0.3)
        assert not slow.done()
        assert not await takes_connections(front.port)
        assert (await slow).status == 200
        await stopping
        assert not await balancer.accepts()
        await balancer.stop()  # nothing left to do


async def test_a_folder_too_deep_for_a_socket_path_is_no_obstacle(tmp_path: Path) -> None:
    processes = ProcessTable(tmp_path / "run")
    balancer = Balancer(tmp_path / ("deep" * 20) / ("er" * 40) / "balancer", processes)
    try:
        await balancer.start([a_front()])
        assert await balancer.accepts()
    finally:
        await balancer.stop()
