"""The end of a process: nothing is lost, and it ends (R221-R226)."""

import asyncio
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.runtime.serving import Running, asked, client, until

pytestmark = pytest.mark.real


@pytest.mark.requirement("R165", "R221", "R222", "R223", "R224", "R225", "R226")
def test_sigterm_makes_it_unready_then_deaf_finishes_its_work_closes_and_exits_with_0() -> None:
    env = {"FAIRWAY_LAME_DUCK_SECONDS": "3"}
    with Running("shop:app", env=env) as app, ThreadPoolExecutor() as pool:
        app.ready()
        slow = asked(app, pool, "/slow?seconds=5")
        kept = client(app.url)
        assert "connection" not in kept.get("/items/1").headers

        app.terminate()
        until(lambda: app.status("/ready") == 503, 2)
        assert app.status("/health") == 200
        assert app.status("/items/2") == 200  # still accepting while a balancer notices
        assert kept.get("/items/3").headers["connection"] == "close"
        until(lambda: app.status("/health") == 0)
        assert not slow.done()

        assert slow.result().text == "done"
        assert app.code() == 0
        kept.close()
        assert app.saying("connections closed")  # by the app's lifespan, after the last request
        messages = [line.get("message") or line["operation"] for line in app.lines]
        assert messages.index("GET /slow") < messages.index("connections closed")
        assert messages[-1] == "drain"
        (drain,) = app.named("drain")
        assert (drain["success"], drain["requests"], drain["requests_cut"]) == (True, 1, 0)


@pytest.mark.requirement("R221", "R226")
def test_without_work_it_ends_at_once() -> None:
    with Running("shop:app") as app:
        app.ready()
        began = time.monotonic()
        app.terminate()

        assert app.code() == 0
        assert time.monotonic() - began < 15  # not the 30 s that it may take


@pytest.mark.requirement("C6", "R223", "R226")
@pytest.mark.parametrize("path", ["/slow", "/slow-thread"])
def test_what_outlasts_the_drain_is_answered_503_and_logged_and_the_exit_is_still_0(
    path: str,
) -> None:
    with (
        Running("shop:app", env={"FAIRWAY_DRAIN_SECONDS": "0.5"}) as app,
        ThreadPoolExecutor() as pool,
    ):
        app.ready()
        slow = asked(app, pool, f"{path}?seconds=15")
        app.terminate()

        answer = slow.result()
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close"
        assert app.code() == 0
        (line,) = app.named(f"GET {path}")
        assert (line["status"], line["success"], line["refusal"]) == (503, False, "drain")
        assert line["correlation_id"] == answer.headers["x-request-id"]
        assert app.named("drain")[0]["requests_cut"] == 1
        assert app.saying("connections closed")


@pytest.mark.requirement("R223")
def test_work_after_the_answer_is_awaited_too() -> None:
    with Running("shop:app") as app:
        app.ready()
        assert app.client.get("/later").status_code == 200
        app.terminate()

        assert app.code() == 0
        assert app.saying("background done")


@pytest.mark.requirement("R221", "R226")
def test_sigterm_twice_changes_nothing() -> None:
    with Running("shop:app") as app, ThreadPoolExecutor() as pool:
        app.ready()
        slow = asked(app, pool, "/slow?seconds=1.5")
        app.terminate()
        time.sleep(0.3)
        app.terminate()

        assert slow.result().status_code == 200
        assert app.code() == 0


def test_ctrl_c_drains_and_a_second_one_cuts_it_short() -> None:
    with Running("shop:app") as app, ThreadPoolExecutor() as pool:
        app.ready()
        slow = asked(app, pool, "/slow?seconds=15")
        app.process.send_signal(signal.SIGINT)
        until(lambda: app.status("/health") == 0)
        app.process.send_signal(signal.SIGINT)

        assert slow.result().status_code == 503
        assert app.code() == 0


@pytest.mark.requirement("R226")
def test_sigterm_while_it_starts_ends_it_with_0(tmp_path: Path) -> None:
    with Running("slow_start:app", env={"MAY_START": str(tmp_path / "never")}) as app:
        app.listening()
        app.terminate()

        assert app.code() == 0


@pytest.mark.requirement("R226")
def test_sigterm_while_the_app_is_imported_ends_it_with_0(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    )
    with Running("heavy:app", cwd=tmp_path) as app:
        until(lambda: "importing" in app.output)
        app.terminate()

        assert app.code() == 0


def test_an_app_that_ignores_its_cancellation_does_not_hold_the_process() -> None:
    with (
        Running("shop:app", env={"FAIRWAY_DRAIN_SECONDS": "0.3"}) as app,
        ThreadPoolExecutor() as pool,
    ):
        app.ready()
        stubborn = asked(app, pool, "/stubborn?seconds=15")
        app.terminate()

        assert app.code() == 0
        assert stubborn.result().status_code == 503


def test_a_blocked_event_loop_does_not_hold_the_process_either() -> None:
    with (
        Running("shop:app", env={"FAIRWAY_DRAIN_SECONDS": "0.3"}) as app,
        ThreadPoolExecutor() as pool,
    ):
        app.ready()
        blocked = asked(app, pool, "/blocked?seconds=30")
        app.terminate()

        assert app.code() == 1  # nothing could be answered, and it says so
        assert app.named("drain")[0]["success"] is False
        with pytest.raises(httpx.TransportError):
            blocked.result()


@pytest.mark.requirement("R225", "R226")
def test_a_shutdown_of_the_app_that_never_ends_is_left_behind() -> None:
    with Running("slow_start:clings") as app:
        app.ready()
        app.terminate()

        assert app.code() == 0
        assert app.saying("took longer than")


def test_a_websocket_that_talks_may_finish_and_is_closed_with_1012_when_it_is_silent() -> None:
    with Running("shop:app", env={"FAIRWAY_DRAIN_SECONDS": "20"}) as app:
        app.ready()

        async def talk() -> tuple[int, float]:
            async with connect(f"ws://127.0.0.1:{app.port}/ws") as ws:
                await ws.send("before")
                await ws.recv()
                app.terminate()
                for _ in range(3):
                    await asyncio.sleep(0.5)
                    await ws.send("during")
                    assert await ws.recv() == "DURING"
                spoke_at = time.monotonic()
                with pytest.raises(ConnectionClosed) as closed:
                    await ws.recv()
                assert closed.value.rcvd is not None
                return closed.value.rcvd.code, time.monotonic() - spoke_at

        code, silent_seconds = asyncio.run(talk())
        assert code == 1012
        assert 0.9 < silent_seconds < 10  # of the 20 that it may have
        assert app.code() == 0
        assert app.named("drain")[0]["websockets_closed"] == 1
        assert app.named("WEBSOCKET")


def test_a_websocket_that_never_stops_talking_is_closed_with_1012_at_the_drain_s_end() -> None:
    with Running("shop:app", env={"FAIRWAY_DRAIN_SECONDS": "2"}) as app:
        app.ready()

        async def chatter(ws: ClientConnection) -> None:
            while True:
                await ws.send("still here")
                await ws.recv()
                await asyncio.sleep(0.2)

        async def talk() -> int:
            async with connect(f"ws://127.0.0.1:{app.port}/ws") as ws:
                app.terminate()
                with pytest.raises(ConnectionClosed) as closed:
                    await chatter(ws)
                assert closed.value.rcvd is not None
                return closed.value.rcvd.code

        assert asyncio.run(talk()) == 1012
        assert app.code() == 0
        assert app.named("drain")[0]["websockets_closed"] == 1
        assert app.named("WEBSOCKET")


def test_a_request_half_sent_when_the_drain_begins_is_still_answered() -> None:
    with Running("shop:app") as app:
        app.ready()
        with socket.create_connection(("127.0.0.1", app.port)) as peer:
            peer.sendall(b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab")
            time.sleep(0.3)
            app.terminate()
            time.sleep(0.5)
            peer.sendall(b"cd")
            answer = peer.makefile("rb").read()

        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer
        assert app.code() == 0


def test_load_through_a_drain_loses_no_request_that_was_accepted_before_it_went_deaf() -> None:
    """A client that, as a balancer, leaves when readiness goes: no failure until then."""
    env = {"FAIRWAY_LAME_DUCK_SECONDS": "3"}
    with Running("shop:app", env=env) as app, ThreadPoolExecutor(8) as pool:
        app.ready()
        failures: list[str] = []

        def ask_until_unready(_: int) -> int:
            count = 0
            with client(app.url) as one:
                while True:
                    try:
                        if one.get("/ready").status_code == 503:
                            return count
                        if one.get("/items/1").status_code != 200:
                            failures.append("status")
                    except httpx.TransportError as error:
                        failures.append(repr(error))
                        return count
                    count += 1

        counts = [pool.submit(ask_until_unready, number) for number in range(8)]
        time.sleep(0.7)
        app.terminate()

        assert sum(count.result() for count in counts) > 8
        assert failures == []
        assert app.code() == 0


def test_the_parent_s_death_is_not_its_own() -> None:
    """Its process group is its own: a signal to it reaches nothing else."""
    with Running("shop:app") as app:
        app.ready()
        os.killpg(app.process.pid, signal.SIGTERM)

        assert app.code() == 0
