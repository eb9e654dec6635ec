"""Our own HTTP/1.1 says what uvicorn's says, byte by byte, but where that would be wrong."""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from hypothesis import assume, given
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from fairway_runtime import http_head
from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.http_connection import HttpConnection
from tests.properties import examples

Kind = type[HttpConnection] | type[HttpToolsProtocol]
ASIDE = ("state", "headers", "extensions")
DATE = (b"date", b"Sun, 22 Nov 2026 00:00:00 GMT")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """What a protocol writes, and whether it hung up."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 5000)})
        self.written: list[bytes] = []
        self.is_open = True
        self.is_reading_ = True
        self.protocol: Any = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.is_open, "written to a closed connection"
        self.written.append(bytes(data))

    def close(self) -> None:
        self.is_open = False

    def is_closing(self) -> bool:
        return not self.is_open

    def pause_reading(self) -> None:
        self.is_reading_ = False

    def resume_reading(self) -> None:
        self.is_reading_ = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    @property
    def text(self) -> bytes:
        return b"".join(self.written)


@dataclass
class Talk:
    """A connection to an app, without a socket."""

    protocol: Any
    wire: Wire
    state: ServerState
    errors: list[str] = field(default_factory=list[str])

    async def says(self, *parts: bytes) -> bytes:
        """What the answer is when these parts come one after the other."""
        before = len(self.wire.text)
        for part in parts:
            if self.wire.is_open:
                self.protocol.data_received(part)
            await settle()
        return self.wire.text[before:]


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def talk(
    app: App, kind: Kind = HttpConnection, *, keep_alive: float = 60, ws: Any = "none"
) -> Talk:
    config = uvicorn.Config(
        app,
        http=kind,
        ws=ws,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=keep_alive,  # pyright: ignore[reportArgumentType] (parts of seconds too)
    )
    config.load()
    state = ServerState()
    state.default_headers = [DATE]
    protocol = kind(config, state, {}, asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(wire)
    return Talk(protocol, wire, state)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with everything that it was told."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    told = {key: value for key, value in scope.items() if key not in ASIDE}
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    ]
    parts = [told, headers, body.decode("latin-1")]
    text = json.dumps(parts, default=repr, sort_keys=True).encode()
    length = [(b"content-length", b"%d" % len(text)), (b"Content-Type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": text})


def answering(*messages: Message) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


# -- The same as uvicorn -------------------------------------------------------------------------
TOKENS = st.text("abcXYZ09-_", min_size=1, max_size=6).map(str.encode)
VALUES = st.text('abc XYZ0,;="/\xe9', max_size=8).map(lambda text: text.strip().encode("latin-1"))
TARGETS = st.one_of(
    st.text("ab/%2F?&=.~:@+ ;", max_size=10).map(lambda text: "/" + text.replace(" ", "")),
    st.sampled_from(["/a%20b", "//x//y", "/?", "/a?b?c", "/a#b", "http://h/p?q", "/%zz"]),
).map(lambda text: text.encode("latin-1"))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request as a client may write it: with a body, in chunks, without either."""
    method = draw(st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"PURGE"]))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0"]))
    lines = [b"%b %b HTTP/%b" % (method, draw(TARGETS), version), b"Host: a"]
    lines += [b"X-%b: %b" % pair for pair in draw(st.lists(st.tuples(TOKENS, VALUES), max_size=3))]
    lines += draw(
        st.sampled_from([[], [], [], [b"Connection: close"], [b"Connection: keep-alive"]])
    )
    data = draw(st.binary(max_size=9))
    match draw(st.sampled_from(["none", "length", "chunks"])):
        case "length":
            return b"\r\n".join([*lines, b"Content-Length: %d" % len(data), b"", data])
        case "chunks":
            sizes = draw(st.lists(st.integers(1, 4), max_size=3))
            chunks: list[bytes] = []
            for size in sizes:
                if data[:size]:
                    chunks.append(b"%x\r\n%b\r\n" % (len(data[:size]), data[:size]))
                    data = data[size:]
            return b"\r\n".join(
                [*lines, b"Transfer-Encoding: chunked", b"", b"".join([*chunks, b"0\r\n\r\n"])]
            )
        case _:
            return b"\r\n".join([*lines, b"", b""])


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in parts, cut at these places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[one:other] for one, other in pairwise(ends)]


@examples(400)
@given(st.lists(requests(), min_size=1, max_size=3), st.lists(st.integers(0, 500), max_size=4))
def test_requests_however_they_are_cut_are_heard_and_answered_as_by_uvicorn(
    asked: list[bytes], places: list[int]
) -> None:
    async def heard(kind: Kind) -> tuple[bytes, bool]:
        one = talk(echo, kind)
        await one.says(*cut(b"".join(asked), places))
        text = one.wire.text
        return text.partition(b"HTTP/1.1 400")[0] + (
            b"400" if b"HTTP/1.1 400" in text else b""
        ), one.wire.is_open

    async def both() -> None:
        assert await heard(HttpConnection) == await heard(HttpToolsProtocol)

    asyncio.run(both())


PAIRS = st.tuples(
    st.sampled_from(
        [b"content-type", b"X-A", b"set-cookie", b"vary", b"connection", b"x-request-id"]
    ),
    st.sampled_from([b"", b"a", b"b c", b"keep-alive", b"close", b"\xe9"]),
)


@examples(300)
@given(
    st.sampled_from([b"GET", b"HEAD", b"POST"]),
    st.sampled_from([200, 206, 301, 404, 500]),
    st.lists(PAIRS, max_size=4),
    st.lists(st.binary(max_size=4), min_size=1, max_size=4),
    st.sampled_from(["all", "all", "length", "raise", "return"]),
    st.booleans(),
)
def test_answers_however_they_are_sent_are_written_as_by_uvicorn(
    method: bytes,
    status: int,
    headers: list[tuple[bytes, bytes]],
    parts: list[bytes],
    end: str,
    yields: bool,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        length = [(b"content-length", b"%d" % sum(map(len, parts)))] if end == "length" else []
        await send(start(status, *headers, *length))
        for part in parts:
            if yields:
                await asyncio.sleep(0)
            await send(body(part, more=True))
        if end == "raise":
            raise RuntimeError("in the middle")
        if end != "return":
            await send(body())

    async def written(kind: Kind) -> tuple[bytes, bool]:
        one = talk(app, kind)
        text = await one.says(method + GET[3:], GET)
        return text, one.wire.is_open

    # Nothing was seen of that one yet: it is answered 500, where uvicorn leaves half of it.
    is_unseen = method == b"HEAD" or not (yields or any(parts))
    assume(end not in ("raise", "return") or not is_unseen)

    async def both() -> None:
        assert await written(HttpConnection) == await written(HttpToolsProtocol)

    asyncio.run(both())


@pytest.mark.parametrize(
    "request_",
    [
        *(b"GET /\xe9 HTTP/1.1\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n"),
        *(b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nA B: c\r\n\r\n", b"GET x HTTP/1.1\r\n\r\n"),
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\nA: b\n\n",
    ],
)
def test_what_uvicorn_refuses_is_refused(request_: bytes) -> None:
    async def answers(kind: Kind) -> tuple[bytes, bool]:
        one = talk(echo, kind)
        return (await one.says(request_))[:12], one.wire.is_open

    async def both() -> None:
        ours, theirs = await answers(HttpConnection), await answers(HttpToolsProtocol)
        assert ours == theirs == (b"HTTP/1.1 400", False)

    asyncio.run(both())


# -- Better than uvicorn ---------------------------------------------------------------------------
@examples(300)
@given(st.lists(st.one_of(requests(), st.binary(max_size=30)), max_size=3), st.integers(0, 60))
def test_no_bytes_bring_a_connection_down_or_leave_it_waiting(parts: list[bytes], at: int) -> None:
    data = b"".join(parts)
    data = data[:at] + data[at + 1 :]

    async def hears() -> None:
        one = talk(echo)
        await one.says(*cut(data, [at]))
        one.protocol.connection_lost(None)
        await settle()
        assert not one.state.tasks
        assert not one.state.connections

    asyncio.run(hears())


def test_a_head_takes_no_write_of_its_own_and_each_part_of_a_body_one() -> None:
    async def known() -> list[bytes]:
        one = talk(
            answering(start(200, (b"content-length", b"4")), body(b"ab", more=True), body(b"cd"))
        )
        await one.says(GET)
        return one.wire.written

    async def streamed() -> list[bytes]:
        one = talk(answering(start(), body(b"ab", more=True), body(b"cd")))
        await one.says(GET)
        return one.wire.written

    first, second = asyncio.run(known())
    assert first.endswith(b"\r\n\r\nab")
    assert second == b"cd"
    first, second = asyncio.run(streamed())
    assert first.endswith(b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n")
    assert second == b"2\r\ncd\r\n0\r\n\r\n"


def test_an_answer_without_a_length_that_is_whole_at_once_takes_one_write() -> None:
    """A process that is killed leaves all of it or nothing, which a balancer asks for again."""

    async def written() -> list[bytes]:
        one = talk(answering(start(), body(b"abc")))
        await one.says(GET)
        return one.wire.written

    (whole,) = asyncio.run(written())
    assert whole.endswith(b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


def test_the_head_of_a_stream_goes_out_when_its_app_waits_before_its_first_part() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-type", b"text/event-stream")))
        await asyncio.Event().wait()

    async def seen() -> bytes:
        return await talk(app).says(GET)

    assert b"text/event-stream" in asyncio.run(seen())


@pytest.mark.parametrize("messages", [(), (start(),), (start(200, (b"content-length", b"4")),)])
def test_an_app_that_stops_before_its_body_is_answered_500(messages: tuple[Message, ...]) -> None:
    async def seen() -> tuple[bytes, bool]:
        one = talk(answering(*messages))
        return await one.says(GET), one.wire.is_open

    text, is_open = asyncio.run(seen())
    assert text.startswith(b"HTTP/1.1 500 ")
    assert text.count(b"HTTP/1.1") == 1
    assert not is_open


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ((body(b"a"),), "http.response.body came before http.response.start"),
        ((start(), start()), "http.response.start came inside of an answer"),
        ((start(), body(), body()), "http.response.body came after the end of the answer"),
        ((start(200, (b"content-length", b"1")), body(b"ab")), "the body is longer than"),
        ((start(200, (b"content-length", b"3")), body(b"ab")), "the body is shorter than"),
        ((start(204), body(b"a", more=True), body(b"b")), ""),
        ((start(200, (b"a b", b"")),), "is no name of a header"),
        ((start(200, (b"a", b"b\r\nset-cookie: c=d")),), "holds a control character"),
        ((start(200, (b"a\r\nb", b"c")),), "is no name of a header"),
    ],
)
def test_what_an_app_may_not_send_is_an_error_in_the_app(
    messages: tuple[Message, ...], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def seen() -> bytes:
        return await talk(answering(*messages)).says(GET)

    with caplog.at_level(logging.ERROR):
        text = asyncio.run(seen())

    if error:
        assert error in caplog.text
    assert b"set-cookie" not in text
    assert text.endswith((b"\r\n\r\n", b"Internal Server Error", b"ab"))


def test_an_answer_without_a_body_sends_none_whatever_the_app_says() -> None:
    async def seen(request: bytes, *messages: Message) -> tuple[bytes, bool]:
        one = talk(answering(*messages))
        return await one.says(request), one.wire.is_open

    unmodified = start(304, (b"content-length", b"7"), (b"etag", b'"a"'))
    for request, messages in (
        (GET, (start(204), body(b"a"))),
        (GET, (unmodified, body())),
        (b"HEAD" + GET[3:], (start(200, (b"content-length", b"7")), body(b"1234567"))),
        (b"HEAD" + GET[3:], (start(200), body(b"12", more=True), body(b"34"))),
        (b"HEAD" + GET[3:], (start(200, (b"transfer-encoding", b"chunked")), body(b"12"))),
    ):
        text, is_open = asyncio.run(seen(request, *messages))
        assert text.endswith(b"\r\n\r\n"), text
        assert text.count(b"\r\n\r\n") == 1
        assert is_open


def test_an_old_client_gets_a_stream_s_bytes_and_then_the_connection_s_end() -> None:
    async def seen() -> tuple[bytes, bool]:
        one = talk(answering(start(), body(b"ab", more=True), body(b"cd")))
        return await one.says(b"GET / HTTP/1.0\r\n\r\n"), one.wire.is_open

    text, is_open = asyncio.run(seen())
    assert text.endswith(b"connection: close\r\n\r\nabcd")
    assert not is_open


def test_headers_may_be_lists_and_come_in_any_case() -> None:
    async def seen() -> bytes:
        headers = [[b"Content-Length", b"2"], [b"X-A", b"b"]]
        message = {"type": "http.response.start", "status": 200, "headers": headers}
        return await talk(answering(message, body(b"ok"))).says(GET)

    assert b"content-length: 2\r\nx-a: b\r\n\r\nok" in asyncio.run(seen())


def test_what_stands_behind_a_body_is_no_header_of_the_next_request() -> None:
    """RFC 9110, 6.5.1: a trailer may not pass for a header (an identity, say)."""
    first = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-User: intruder\r\n\r\n"

    async def seen() -> bytes:
        return await talk(echo).says(first, GET)

    assert b"intruder" not in asyncio.run(seen())


def test_a_request_that_was_whole_is_answered_though_nonsense_follows() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.01)
        await send(start(200, (b"content-length", b"2")))
        await send(body(b"ok"))

    async def seen() -> tuple[bytes, bool]:
        one = talk(app)
        await one.says(GET + b"\x00nonsense\r\n\r\n", b"more")
        await asyncio.sleep(0.05)
        return one.wire.text, one.wire.is_open

    text, is_open = asyncio.run(seen())
    assert text.endswith(b"connection: close\r\n\r\nok")
    assert text.count(b"HTTP/1.1") == 1
    assert not is_open


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nA: ",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
    ],
)
def test_a_head_without_end_is_refused(beginning: bytes) -> None:
    async def hears() -> tuple[bytes, int]:
        one = talk(echo)
        parts = 0
        await one.says(beginning)
        while one.wire.is_open and parts < 100:
            await one.says(b"a" * 10_000)
            parts += 1
        return one.wire.text, parts

    text, parts = asyncio.run(hears())
    assert text.startswith(b"HTTP/1.1 431 ")
    assert parts < 10


def test_a_connection_that_says_nothing_is_closed_and_one_that_works_is_not() -> None:
    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.3)
        await send(start(200, (b"content-length", b"0")))
        await send(body())

    async def seen() -> None:
        silent, busy, trickling = (talk(slowly, keep_alive=0.1) for _ in range(3))
        await busy.says(GET)
        for _ in range(10):
            await trickling.says(b"G" if not trickling.wire.text else b"")
            await asyncio.sleep(0.02)
        assert not silent.wire.is_open
        assert not trickling.wire.is_open
        assert busy.wire.is_open
        await asyncio.sleep(0.15)
        assert busy.wire.text.startswith(b"HTTP/1.1 200 ")
        assert busy.wire.is_open
        await asyncio.sleep(0.15)
        assert not busy.wire.is_open

    asyncio.run(seen())


def test_an_app_that_does_not_read_stops_its_client_from_sending() -> None:
    goes_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await goes_on.wait()
        await echo(scope, receive, send)

    async def seen() -> None:
        one = talk(app)
        await one.says(b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", b"a" * 70_000)
        assert not one.wire.is_reading_
        goes_on.set()
        await settle()
        assert one.wire.is_reading_
        assert b"HTTP/1.1 200" in await one.says(b"a" * 30_000)

    asyncio.run(seen())


def test_a_client_that_does_not_read_stops_the_app_from_sending() -> None:
    sent: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(5):
            await send(body(b"a", more=True))
            sent.append(number)
        await send(body())

    async def seen() -> None:
        one = talk(app)
        one.protocol.pause_writing()
        await one.says(GET)
        assert sent == []
        one.protocol.resume_writing()
        await settle()
        assert sent == [0, 1, 2, 3, 4]
        one.protocol.pause_writing()
        await one.says(GET)
        one.protocol.connection_lost(None)  # who waits for a client that left waits no more
        await settle()
        assert not one.state.tasks

    asyncio.run(seen())


def test_an_app_is_told_of_a_client_that_left() -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not seen or seen[-1]["type"] != "http.disconnect":
            seen.append(await receive())
        await send(start())  # to nobody
        await send(body())

    async def leaves() -> None:
        one = talk(app)
        await one.says(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
        one.wire.close()
        one.protocol.connection_lost(ConnectionResetError())
        await settle()
        assert not one.state.tasks

    asyncio.run(leaves())
    assert seen == [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.disconnect"},
    ]


def test_whoever_is_being_answered_is_told_though_the_client_has_asked_for_more() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        told.append((await receive())["type"])

    async def leaves() -> None:
        one = talk(app)
        await one.says(GET, GET, GET)
        one.protocol.connection_lost(None)
        await settle()
        assert not one.state.tasks

    asyncio.run(leaves())
    assert told == ["http.disconnect"]  # those behind it never began


def test_a_client_that_asks_whether_to_go_on_is_told_once_and_only_if_the_app_reads() -> None:
    ask = b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"

    async def reads() -> bytes:
        return await talk(echo).says(ask, b"ok")

    async def refuses() -> bytes:
        nothing = (start(413, (b"content-length", b"0")), body())
        return await talk(answering(*nothing)).says(ask)

    text = asyncio.run(reads())
    assert text.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert text.count(b"100 Continue") == 1
    assert asyncio.run(refuses()).startswith(b"HTTP/1.1 413 ")


def test_a_server_that_ends_closes_idle_connections_and_lets_busy_ones_answer() -> None:
    goes_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await goes_on.wait()
        await send(start(200, (b"content-length", b"0")))
        await send(body())

    async def ends() -> None:
        idle, busy = talk(app), talk(app)
        await busy.says(GET, GET)
        for one in (idle, busy):
            one.protocol.shutdown()
        assert not idle.wire.is_open
        assert busy.wire.is_open
        goes_on.set()
        await settle()
        assert busy.wire.text.count(b"HTTP/1.1 200") == 2
        assert busy.wire.text.count(b"connection: close") == 1
        assert not busy.wire.is_open
        assert busy.state.total_requests == 2

    asyncio.run(ends())


class Handed:
    """A protocol for WebSockets that keeps what it is given."""

    def __init__(self, **_: object) -> None:
        self.data = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data


@pytest.mark.parametrize("split", [0, 40])
def test_a_websocket_is_handed_over_with_all_that_came(split: int) -> None:
    asks = (
        b"GET /ws?a=b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
        b"Upgrade: WebSocket\r\n\r\n"
    )

    async def seen() -> None:
        one = talk(echo, ws=Handed)
        await one.says(*[part for part in (asks[:split], asks[split:] + b"\x81\x80early") if part])
        assert isinstance(one.wire.protocol, Handed)
        head, _, rest = one.wire.protocol.data.partition(b"\r\n\r\n")
        assert head.startswith(
            b"GET /ws?a=b HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade"
        )
        assert rest == b"\x81\x80early"
        assert not one.state.connections
        assert one.wire.text == b""

    asyncio.run(seen())


@pytest.mark.parametrize(
    "asks",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_an_upgrade_that_is_not_known_is_an_ordinary_request(asks: bytes) -> None:
    async def seen() -> bytes:
        return await talk(echo).says(asks)

    assert asyncio.run(seen()).startswith(b"HTTP/1.1 200 ")


def test_only_so_many_lines_of_headers_are_kept_and_none_of_a_cookie() -> None:
    async def answers() -> None:
        for number in range(3000):
            value = b"%d" % number
            cookie = (b"set-cookie", b"id=" + value)
            await talk(answering(start(204, (b"x-" + value, value), cookie), body())).says(GET)

    asyncio.run(answers())
    lines = http_head._lines
    assert 0 < len(lines) <= 1024
    assert not [name for name, _ in lines if name == b"set-cookie"]
