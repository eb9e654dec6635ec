"""Warm-up: a new replica answers itself before it answers visitors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.middleware import Fairway
from fairway_runtime.settings import Settings, SettingsError
from fairway_runtime.warmup import warm_up
from tests.runtime.serving import Memory, lines_into

Answer = Callable[[Scope, Receive, Send], Awaitable[None]]


async def ok(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "http.request"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("no table")


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.Event().wait()


def app_of(seen: list[Scope], answer: Answer = ok) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["pool"] = "open"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            return
        seen.append(scope)
        await answer(scope, receive, send)

    return app


def started(app: App, *paths: str) -> tuple[Fairway, list[dict[str, Any]]]:
    """The app after its startup, and the log."""
    memory = Memory()
    fairway = Fairway(app, Settings(is_logging=False, warmup=paths), lines_into(memory))

    async def run() -> None:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        sent: asyncio.Queue[Message] = asyncio.Queue()
        messages.put_nowait({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        life = asyncio.create_task(fairway(scope, messages.get, sent.put))
        assert (await sent.get())["type"] == "lifespan.startup.complete"
        messages.put_nowait({"type": "lifespan.shutdown"})
        await life

    asyncio.run(run())
    return fairway, memory.lines


@pytest.mark.requirement("R157")
def test_each_path_is_asked_several_times_before_the_start_is_over() -> None:
    seen: list[Scope] = []
    fairway, log = started(app_of(seen), "/api/items%20here?size=1", "/")
    asked = [(scope["path"], scope["query_string"]) for scope in seen]
    assert asked == [("/api/items here", b"size=1")] * 16 + [("/", b"")] * 16
    assert all(scope["state"] == {"pool": "open"} for scope in seen)  # what the startup made
    (line,) = log
    assert (line["operation"], line["success"], line["paths"]) == ("warm-up", True, 2)
    assert b"http_requests_total{" not in fairway.registry.render()  # nobody's requests


@pytest.mark.parametrize(
    ("answer", "why", "times"),
    [
        (broken, "/: status 503", 4),
        (raising, "/: LookupError('no table')", 4),
        (silent, "/: no answer", 4),
    ],
)
def test_an_answer_that_fails_is_told_and_keeps_nobody_out(
    answer: Answer, why: str, times: int
) -> None:
    seen: list[Scope] = []
    fairway, (line,) = started(app_of(seen, answer), "/")
    assert (line["level"], line["success"], line["error"]) == ("WARNING", False, why)
    assert len(seen) == times
    assert fairway.lifecycle.has_started


def test_a_page_that_never_ends_holds_the_start_up_for_so_long_only() -> None:
    memory = Memory()
    lines = lines_into(memory)
    asyncio.run(warm_up(app_of([], endless), ["/"], {"type": "lifespan"}, lines, seconds=0.05))
    assert memory.lines[0]["error"] == "not done within 0.05 s"


def test_an_app_without_lifespan_is_warmed_up_as_well() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "no lifespan here"
        seen.append(scope)
        await ok(scope, receive, send)

    async def run() -> None:
        fairway = Fairway(app, Settings(is_logging=False, warmup=("/",)), lines_into(Memory()))
        with pytest.raises(AssertionError):
            await fairway({"type": "lifespan"}, _nothing, _forget)
        assert fairway.lifecycle.has_started

    asyncio.run(run())
    assert len(seen) == 16


async def _nothing() -> Message:
    return {"type": "lifespan.startup"}


async def _forget(message: Message) -> None:
    del message


def test_paths_come_from_the_environment_and_begin_with_a_slash() -> None:
    assert Settings.from_environment({"FAIRWAY_WARMUP": "/a?b=1  / /a?b=1"}).warmup == (
        "/a?b=1",
        "/",
    )
    with pytest.raises(SettingsError, match=r"FAIRWAY_WARMUP.*such as /api/items"):
        Settings.from_environment({"FAIRWAY_WARMUP": "api"})
