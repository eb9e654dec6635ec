"""An app behaves the same with Fairway around it and without: ASGI's corner cases."""

import asyncio
import socket
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fairway_runtime import Fairway, Settings
from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.lifecycle import Phase
from tests.properties import examples
from tests.runtime.apps import gallery
from tests.runtime.asking import ask, scope_of
from tests.runtime.serving import Memory, Running, lines_into

QUIET = Settings(is_logging=False)
OURS = {
    *(b"x-request-id", b"x-content-type-options", b"x-frame-options", b"referrer-policy"),
}


def wrapped(app: App) -> Fairway:
    return Fairway(app, QUIET, lines_into(Memory()))


def told(app: App, scope: Scope, given_messages: list[Message]) -> list[object]:
    """What `app` sends and raises when it is given these messages, then nothing more."""
    sent: list[object] = []

    async def run() -> None:
        waiting = iter(given_messages)

        async def receive() -> Message:
            for message in waiting:
                return message
            return await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: Message) -> None:
            sent.append(without_ours(message))

        try:
            async with asyncio.timeout(5):
                await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 (whatever the app raises is part of what it does)
            sent.append((type(error), str(error)))

    asyncio.run(run())
    return sent


def without_ours(message: Message) -> MutableMapping[str, Any]:
    if "headers" not in message:
        return message
    kept = [pair for pair in message["headers"] if pair[0] not in OURS]
    return {**message, "headers": kept}


# -- A whole app -------------------------------------------------------------------------------
REQUESTS: list[tuple[str, str, list[tuple[bytes, bytes]], bytes]] = [
    ("GET", "/items/1", [], b""),
    ("HEAD", "/items/1", [], b""),
    ("GET", "/items/x", [], b""),
    ("POST", "/items", [(b"content-type", b"application/json")], b'{"name":"a"}'),
    ("POST", "/items", [(b"content-type", b"application/json")], b"{"),
    ("GET", "/header", [(b"x-token", b"t")], b""),
    ("GET", "/header", [], b""),
    ("GET", "/cookie", [], b""),
    ("GET", "/depends", [], b""),
    ("GET", "/later", [], b""),
    ("GET", "/teapot", [], b""),
    ("GET", "/missing", [], b""),
    ("GET", "/redirect", [], b""),
    ("GET", "/items/1/", [], b""),
    ("GET", "/page", [(b"accept-encoding", b"gzip")], b""),
    ("GET", "/stream", [], b""),
    ("GET", "/nothing", [], b""),
    ("GET", "/state", [(b"host", b"shop.example")], b""),
    ("POST", "/echo", [], b"\x00\xff" * 1000),
    ("DELETE", "/items/1", [], b""),
    ("GET", "/nowhere", [], b""),
    ("GET", "/docs", [], b""),
    ("GET", "/openapi.json", [], b""),
    ("GET", "/sub/openapi.json", [], b""),
    ("OPTIONS", "/items", [], b""),
]


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"), REQUESTS, ids=lambda value: str(value)[:20]
)
def test_what_the_frameworks_documentation_shows_is_the_same_with_and_without(
    method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    outcomes: list[object] = []
    for app in (gallery.app, wrapped(gallery.app)):
        gallery.done.clear()
        length = [(b"content-length", b"%d" % len(body))] if body else []
        scope = scope_of(path, method, [*headers, *length])
        message = {"type": "http.request", "body": body, "more_body": False}
        outcomes.append((told(app, scope, [message]), gallery.done[:]))

    bare, ours = outcomes
    assert ours == bare


def test_only_the_bare_500_differs_it_is_a_problem() -> None:
    bare = told(gallery.app, scope_of("/problem"), [])
    ours = told(wrapped(gallery.app), scope_of("/problem"), [])

    assert [one for one in ours if isinstance(one, tuple)] == [bare[-1]]
    assert ours[0]["status"] == bare[0]["status"] == 500  # type: ignore[index]
    assert (b"content-type", b"application/problem+json") in ours[0]["headers"]  # type: ignore[index]


# -- Any app -----------------------------------------------------------------------------------
STATUS = st.sampled_from([200, 204, 301, 404, 500, 503])
PAIRS = st.tuples(
    st.sampled_from([b"content-type", b"x-a", b"set-cookie", b"x-frame-options", b"vary"]),
    st.binary(max_size=5),
)
STEPS = st.one_of(
    st.builds(
        lambda body, more: {"type": "http.response.body", "body": body, "more_body": more},
        st.binary(max_size=4),
        st.booleans(),
    ),
    st.just({"type": "http.response.body"}),
    st.just("receive"),
    st.just("raise"),
    st.just("yield"),
)
GIVEN = st.lists(
    st.sampled_from(
        [
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.request", "body": b"", "more_body": False},
            {"type": "http.disconnect"},
        ]
    ),
    min_size=8,
    max_size=8,
)


@examples(150)
@given(STATUS, st.lists(PAIRS, max_size=4), st.lists(STEPS, max_size=6), GIVEN)
def test_whatever_an_app_sends_receives_and_raises_passes_through(
    status: int,
    headers: list[tuple[bytes, bytes]],
    steps: list[Any],
    given_messages: list[dict[str, Any]],
) -> None:
    def made() -> tuple[App, list[Message]]:
        received: list[Message] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            start = {"type": "http.response.start", "status": status, "headers": headers}
            await send(start)
            for step in steps:
                if step == "raise":
                    raise RuntimeError("in the middle")
                if step == "receive":
                    received.append(await receive())
                elif step == "yield":
                    await asyncio.sleep(0)
                else:
                    await send(step)

        return app, received

    bare, received_bare = made()
    inner, received_ours = made()

    without = told(bare, scope_of(), list(given_messages))
    with_ours = told(wrapped(inner), scope_of(), list(given_messages))

    def same(message: object) -> object:
        if not isinstance(message, dict) or "headers" not in message:
            return message
        kept = [pair for pair in message["headers"] if pair[0] not in OURS]
        return {**message, "headers": kept}

    assert [same(one) for one in with_ours] == [same(one) for one in without]
    assert received_ours == received_bare


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_client_that_leaves_in_the_middle_of_its_body_is_the_app_s_to_notice(
    is_wrapped: bool,
) -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            seen.append(await receive())
            if seen[-1]["type"] == "http.disconnect":
                return

    messages: list[Message] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    chunked = [(b"transfer-encoding", b"chunked")]
    sent = told(wrapped(app) if is_wrapped else app, scope_of("/", "POST", chunked), messages)

    assert seen == messages
    assert sent == []


def test_what_an_app_raises_after_its_answer_began_goes_on_and_nothing_is_sent_twice() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("late")

    assert told(wrapped(app), scope_of(), []) == told(app, scope_of(), [])


def test_an_app_that_names_its_requests_itself_is_not_contradicted() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"x-request-id", b"own")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    assert asyncio.run(ask(wrapped(app))).header("x-request-id") == "own"


# -- Lifespan ----------------------------------------------------------------------------------
@pytest.mark.requirement("R157")
def test_a_startup_that_fails_is_told_to_the_server_and_nothing_is_served() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def run() -> None:
        fairway = wrapped(app)
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "lifespan.startup"}

        async def send(message: Message) -> None:
            sent.append(message)

        await fairway({"type": "lifespan"}, receive, send)
        assert sent == [{"type": "lifespan.startup.failed", "message": "no database"}]
        assert fairway.lifecycle.phase is Phase.FAILED
        assert (await ask(fairway, "/startup")).status == 503
        assert (await ask(fairway, "/ready")).status == 503
        assert (await ask(fairway, "/")).status == 503

    asyncio.run(run())


def test_a_startup_that_raises_raises_as_it_did() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise ConnectionError("no database")

    messages: list[Message] = [{"type": "lifespan.startup"}]

    bare = told(app, {"type": "lifespan"}, messages)
    assert told(wrapped(app), {"type": "lifespan"}, messages) == bare
    assert bare == [(ConnectionError, "no database")]


def test_a_kind_of_scope_that_nobody_knows_passes_through() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": f"{scope['type']}.ok"})

    assert told(wrapped(app), {"type": "telepathy"}, []) == [{"type": "telepathy.ok"}]


# -- WebSockets --------------------------------------------------------------------------------
async def _echo(socket: WebSocket) -> None:
    await socket.accept("chat", [(b"x-own", b"1")])
    try:
        while True:
            await socket.send_text((await socket.receive_text()).upper())
    except WebSocketDisconnect:
        return


async def _refuse(socket: WebSocket) -> None:
    await socket.close(4003, "not you")


async def _break(socket: WebSocket) -> None:
    await socket.accept()
    raise RuntimeError("in the conversation")


@pytest.mark.parametrize("conversation", [_echo, _refuse, _break])
def test_a_conversation_over_a_websocket_is_the_same_with_and_without(
    conversation: Callable[[WebSocket], Any],
) -> None:
    app = Starlette(routes=[WebSocketRoute("/ws", conversation)])
    scope = {**scope_of("/ws"), "type": "websocket", "subprotocols": ["chat"]}
    messages: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "text": "again"},
        {"type": "websocket.disconnect", "code": 1001},
    ]

    bare = told(app, dict(scope), messages)

    assert told(wrapped(app), dict(scope), messages) == bare


# -- On the wire -------------------------------------------------------------------------------
@pytest.mark.real
def test_pipelined_requests_are_answered_in_order_each_with_its_own_id() -> None:
    with Running("api:app") as app:
        app.ready()
        request = b"GET /items/%d HTTP/1.1\r\nhost: x\r\nx-request-id: req-%d\r\n\r\n"
        with socket.create_connection(("127.0.0.1", app.port), timeout=20) as stream:
            stream.sendall(b"".join(request % (number, number) for number in range(5)))
            data = b""
            while data.count(b'{"item":') < 5:
                part = stream.recv(65536)
                assert part
                data += part

    answers = data.split(b"HTTP/1.1 200 OK")[1:]
    assert len(answers) == 5
    for number, answer in enumerate(answers):
        assert b"x-request-id: req-%d\r\n" % number in answer
        assert answer.endswith(b'{"item":%d}' % number)
