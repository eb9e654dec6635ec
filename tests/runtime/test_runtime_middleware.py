"""The middleware in this process: what it adds to any app, and what it leaves alone."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ClassVar

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from fairway_runtime import Fairway, Settings, contract
from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.checks import Outcome
from fairway_runtime.lifecycle import Phase
from fairway_runtime.probes import Readiness
from fairway_runtime.refusals import DRAINED
from fairway_runtime.settings import Dependency
from tests.runtime.apps import api, plain, shop
from tests.runtime.asking import Answer, ask, scope_of
from tests.runtime.serving import Memory, lines_into

QUIET = Settings(is_logging=False)


def wrapped(app: App, settings: Settings = QUIET) -> tuple[Fairway, Memory]:
    memory = Memory()
    return Fairway(app, settings, lines_into(memory)), memory


def asked(app: App, path: str = "/", method: str = "GET", **more: object) -> Answer:
    return asyncio.run(ask(app, path, method, **more))  # type: ignore[arg-type]


@pytest.mark.requirement("R155", "R156", "R157", "R166")
@pytest.mark.parametrize("path", sorted(("/health", "/ready", "/startup", "/metrics")))
def test_an_app_with_a_catch_all_page_does_not_shadow_the_probes(path: str) -> None:
    fairway, memory = wrapped(api.app)

    answer = asked(fairway, path)
    head = asked(fairway, path, "HEAD")
    post = asked(fairway, path, "POST")

    assert answer.status == head.status == 200
    assert b"catch-all" not in answer.body
    assert head.body == b""
    assert (post.status, post.header("allow")) == (405, "GET, HEAD")
    assert memory.lines == []  # probes would drown the log


def test_probes_are_found_under_a_root_path_too() -> None:
    fairway, _ = wrapped(plain.app)

    assert asked(fairway, "/api/health", root_path="/api").json == {"status": "alive"}


def test_health_says_which_revision_and_replica_answers() -> None:
    settings = Settings(is_logging=False, service="api", revision="r7", replica="api-2")
    fairway, _ = wrapped(plain.app, settings)

    assert asked(fairway, "/health").json == {
        "status": "alive",
        "service": "api",
        "revision": "r7",
        "replica": "api-2",
    }
    assert asked(fairway, "/").header(contract.REPLICA_HEADER) == "api-2"


@pytest.mark.requirement("R161", "R162", "R185")
def test_a_request_gets_an_id_a_header_and_one_line_with_exactly_the_agreed_fields() -> None:
    fairway, memory = wrapped(api.app)

    answer = asked(fairway, "/v1/nested/a/parts/3", query_string=b"token=secret")

    (line,) = memory.lines
    assert tuple(line) == (*contract.LOG_FIELDS, "method", "path", "status")
    assert re.fullmatch(r"req-[0-9a-f]{16}", line["correlation_id"])
    assert answer.header("x-request-id") == line["correlation_id"]
    assert line["operation"] == "GET /v1/nested/{name}/parts/{part}"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/nested/a/parts/3", 200)
    assert line["success"] is True
    assert line["duration_ms"] > 0


def test_an_id_from_the_header_is_kept_and_a_forged_one_replaced() -> None:
    fairway, memory = wrapped(plain.app)

    asked(fairway, headers=[(b"x-request-id", b"req-abc123")])
    asked(fairway, headers=[(b"x-request-id", b'x","level":"FAKE')])

    assert memory.lines[0]["correlation_id"] == "req-abc123"
    assert memory.lines[1]["correlation_id"].startswith("req-")
    assert memory.lines[1]["level"] == "INFO"


def test_the_app_s_own_messages_are_not_changed_in_place() -> None:
    fairway, _ = wrapped(plain.app)

    answers = [asked(fairway) for _ in range(3)]

    assert plain.START["headers"] == ((b"content-length", b"2"),)
    assert {len(answer.headers) for answer in answers} == {5}


def test_a_stream_passes_chunk_by_chunk_as_the_app_sends_it() -> None:
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for chunk in (b"a", b"b", b"c"):
            order.append(f"sent {chunk.decode()}")
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        async def send(message: Message) -> None:
            order.append(f"got {message.get('body', b'').decode()}")

        fairway, _ = wrapped(app)
        await fairway(scope_of(), _never, send)

    asyncio.run(run())

    assert order == ["got ", "sent a", "got a", "sent b", "got b", "sent c", "got c", "got "]


def test_an_exception_before_the_answer_gives_a_500_without_internals_and_goes_on() -> None:
    fairway, memory = wrapped(plain.app)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError, match="before the answer"):
        asyncio.run(fairway(scope_of("/raise"), _never, send))

    answer = Answer(tuple(sent))
    assert answer.status == 500
    assert answer.header("content-type") == "application/problem+json"
    assert "before" not in answer.body.decode()
    assert answer.json["correlation_id"] == memory.lines[1]["correlation_id"]
    assert (memory.lines[1]["status"], memory.lines[1]["success"]) == (500, False)


def test_an_exception_during_the_answer_is_logged_once_as_a_failure() -> None:
    fairway, memory = wrapped(plain.app)

    with pytest.raises(RuntimeError, match="during"):
        asked(fairway, "/raise-late")

    error, line = memory.lines
    assert error["error"] == "RuntimeError: during the answer"
    assert (line["status"], line["success"], line["refusal"]) == (200, False, "error")


@pytest.mark.requirement("R235")
def test_a_request_that_takes_too_long_is_answered_504_and_its_work_cancelled() -> None:
    cancelled: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    fairway, memory = wrapped(app, Settings(is_logging=False, request_seconds=0.2))
    answer = asked(fairway)

    assert answer.status == 504
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("x-request-id") == memory.lines[0]["correlation_id"]
    assert cancelled == [True]
    assert memory.lines[0]["refusal"] == "timeout"
    assert 150 < memory.lines[0]["duration_ms"] < 9000


@pytest.mark.requirement("R235")
def test_an_app_that_turns_its_cancellation_into_an_error_still_gets_a_504() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise ConnectionError("pool is gone") from None

    fairway, _ = wrapped(app, Settings(is_logging=False, request_seconds=0.2))

    assert asked(fairway).status == 504


def test_an_answer_that_has_begun_is_not_cut_by_the_timeout() -> None:
    fairway, memory = wrapped(shop.app, Settings(is_logging=False, request_seconds=0.2))

    answer = asked(fairway, "/stream", query_string=b"seconds=0.6")

    assert answer.body == b"data: first\n\ndata: last\n\n"
    assert memory.lines[0]["success"] is True


def test_a_cancellation_by_the_server_stays_one() -> None:
    async def run() -> None:
        fairway, memory = wrapped(shop.app)
        task = asyncio.create_task(ask(fairway, "/slow", query_string=b"seconds=5"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert memory.lines[0]["status"] == 499
        assert not fairway.lifecycle.in_flight

    asyncio.run(run())


@pytest.mark.requirement("C6", "R223")
def test_a_request_cut_by_the_drain_is_answered_503_and_logged() -> None:
    async def run() -> None:
        fairway, memory = wrapped(shop.app)
        task = asyncio.create_task(ask(fairway, "/slow", query_string=b"seconds=5"))
        await asyncio.sleep(0.1)
        fairway.lifecycle.begin_drain()
        assert fairway.lifecycle.cut_all() == 1
        answer = await task
        assert answer.status == 503
        assert answer.header("connection") == "close"
        assert answer.header("retry-after") == "1"
        assert memory.lines[0]["refusal"] == DRAINED.word

    asyncio.run(run())


@pytest.mark.parametrize(
    ("headers", "chunks", "status"),
    [
        ([(b"content-length", b"10")], [b"0123456789"], 200),
        ([(b"content-length", b"11")], [b"0123456789a"], 413),
        ([(b"transfer-encoding", b"chunked")], [b"01234", b"56789"], 200),
        ([(b"transfer-encoding", b"chunked")], [b"01234", b"56789", b"a", b"b"], 413),
    ],
)
def test_a_body_beyond_the_limit_is_refused_announced_or_chunked(
    headers: list[tuple[bytes, bytes]], chunks: list[bytes], status: int
) -> None:
    fairway, memory = wrapped(shop.app, Settings(is_logging=False, body_bytes=10))

    answer = asked(fairway, "/upload", "POST", headers=headers, chunks=chunks)

    assert answer.status == status
    assert memory.lines[-1]["status"] == status
    assert (answer.header("connection") == "close") is (status == 413)


def test_an_app_can_not_answer_a_request_twice_over_a_refusal() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"kept"})

    fairway, memory = wrapped(app, Settings(is_logging=False, body_bytes=1))
    chunked = [(b"transfer-encoding", b"chunked")]
    answer = asked(fairway, "/", "POST", headers=chunked, chunks=[b"ab", b"c"])

    assert answer.status == 413
    assert b"kept" not in answer.body
    assert len(memory.lines) == 1


def test_streamlit_s_uploads_have_streamlit_s_limit() -> None:
    fairway, _ = wrapped(plain.app, Settings(is_logging=False, body_bytes=1))
    headers = [(b"content-length", b"5")]

    assert asked(fairway, "/_stcore/upload_file/a/b", "PUT", headers=headers).status == 200


@pytest.mark.requirement("R166")
def test_hostile_methods_and_paths_do_not_add_series() -> None:
    fairway, _ = wrapped(api.app)

    async def attack() -> None:
        for number in range(300):
            await ask(fairway, f"/wp-admin-{number}.php", f"HACK{number}")
            await ask(fairway, f"/items/{number}")
            await ask(fairway, f"/tenants/{number}/nowhere-{number}")
            await ask(fairway, f"/tenants/t{number}/leaf/{number}")

    asyncio.run(attack())
    text = asked(fairway, "/metrics").body.decode()

    rows = {line for line in text.splitlines() if line.startswith("http_requests_total{")}
    assert rows == {
        'http_requests_total{method="GET",route="/items/{item}",status="200"} 300',
        'http_requests_total{method="GET",route="/tenants/{tenant}/{path}",status="404"} 300',
        'http_requests_total{method="GET",route="/tenants/{tenant}/leaf/{leaf}",status="200"} 300',
        'http_requests_total{method="other",route="/{path}",status="405"} 300',
    }


def test_even_routes_that_an_app_makes_up_are_bounded() -> None:
    class Dynamic:
        def __init__(self, path: str) -> None:
            self.path = path

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = Dynamic(scope["path"])
        await plain.app(scope, receive, send)

    fairway, _ = wrapped(app)
    for number in range(700):
        asked(fairway, f"/{number}")
    text = asked(fairway, "/metrics").body.decode()

    assert 500 <= text.count("http_requests_total{") <= 501
    assert 'http_requests_total{method="GET",route="other",status="200"} 200' in text


def test_routes_are_named_by_template_in_starlette_s_mounts_and_static_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("a")

    async def page(request: Request) -> Response:
        return PlainTextResponse("page")

    inner = [Route("/x/{name}", page), Mount("/deep/{level}", routes=[Route("/y", page)])]
    app = Starlette(
        routes=[
            Route("/", page),
            Mount("/in", routes=inner),
            Mount("/static", StaticFiles(directory=tmp_path)),
        ]
    )
    fairway, memory = wrapped(app)

    for path in ("/", "/in/x/1", "/in/deep/3/y", "/static/a.txt", "/in/nothing", "/nothing"):
        asked(fairway, path)

    assert [line["operation"] for line in memory.lines] == [
        "GET /",
        "GET /in/x/{name}",
        "GET /in/deep/{level}/y",
        "GET /static/{path}",
        "GET /in/{path}",
        "GET other",
    ]


def test_routes_are_found_by_endpoint_where_a_framework_leaves_no_route() -> None:
    async def page() -> None: ...

    class Old:
        endpoint = staticmethod(page)

        def __init__(self, path: str) -> None:
            self.path = self.path_format = path

    class OldMount:
        path = "/in"
        app: ClassVar[dict[str, str]] = {}  # as unhashable as Starlette's Router
        routes: Iterable[object] = (Old("/a/{b}"), Old("/c"))

    class Router:
        routes: Iterable[object] = (OldMount(), Old("/{d}/e"))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope.update(router=Router(), endpoint=OldMount.app if "?" in scope["path"] else page)
        await plain.app(scope, receive, send)

    fairway, memory = wrapped(app)
    for path in ("/in/a/1", "/in/c", "/5/e", "/in/none?", "/none"):
        asked(fairway, path)

    assert [line["operation"] for line in memory.lines] == [
        "GET /in/a/{b}",
        "GET /in/c",
        "GET /{d}/e",
        "GET /in/{path}",
        "GET other",
    ]


@pytest.mark.requirement("R166")
def test_metrics_are_prometheus_text_that_adds_up() -> None:
    fairway, _ = wrapped(api.app)
    for path in ("/items/1", "/items/2", "/items/x"):
        asked(fairway, path)

    answer = asked(fairway, "/metrics")
    samples = dict(
        line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if line[0] != "#"
    )

    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    labels = 'method="GET",route="/items/{item}"'
    assert samples[f'http_requests_total{{{labels},status="422"}}'] == "1"
    assert samples[f"http_request_duration_seconds_count{{{labels}}}"] == "3"
    assert samples[f'http_request_duration_seconds_bucket{{{labels},le="+Inf"}}'] == "3"
    assert float(samples["process_resident_memory_bytes"]) > 1_000_000
    assert float(samples["process_cpu_seconds_total"]) > 0
    assert "event_loop_lag_max_seconds" in samples
    assert samples["http_requests_in_flight"] == "0"


@pytest.mark.requirement("R157")
def test_startup_and_readiness_wait_for_the_lifespan_and_requests_are_refused_till_then() -> None:
    async def run() -> None:
        may_start = asyncio.Event()
        fairway, _ = wrapped(_lifespan_app(may_start.wait))
        messages: asyncio.Queue[Message] = asyncio.Queue()
        sent: asyncio.Queue[Message] = asyncio.Queue()
        messages.put_nowait({"type": "lifespan.startup"})
        life = asyncio.create_task(fairway({"type": "lifespan"}, messages.get, sent.put))
        await asyncio.sleep(0.01)

        assert (await ask(fairway, "/health")).status == 200
        assert (await ask(fairway, "/startup")).status == 503
        assert (await ask(fairway, "/ready")).json == {"status": "not ready", "reason": "starting"}
        early = await ask(fairway, "/")
        assert (early.status, early.header("retry-after")) == (503, "1")

        may_start.set()
        assert (await sent.get())["type"] == "lifespan.startup.complete"
        assert (await ask(fairway, "/startup")).status == 200
        assert (await ask(fairway, "/ready")).status == 200
        assert (await ask(fairway, "/")).status == 200
        messages.put_nowait({"type": "lifespan.shutdown"})
        await life
        assert (await sent.get())["type"] == "lifespan.shutdown.complete"

    asyncio.run(run())


def test_an_app_without_lifespan_counts_as_started_and_raises_as_it_did() -> None:
    async def run() -> None:
        fairway, _ = wrapped(plain.app)
        with pytest.raises(NotImplementedError):
            await fairway({"type": "lifespan"}, _never, _forget)
        assert fairway.lifecycle.phase is Phase.STARTED
        assert (await ask(fairway, "/startup")).status == 200
        assert (await ask(fairway, "/")).status == 200

    asyncio.run(run())


@pytest.mark.requirement("R221")
def test_readiness_is_gone_the_moment_the_drain_begins_and_connections_are_asked_to_close() -> None:
    fairway, _ = wrapped(plain.app)
    assert asked(fairway, "/ready").status == 200

    fairway.lifecycle.begin_drain()

    assert asked(fairway, "/ready").json == {"status": "not ready", "reason": "draining"}
    assert asked(fairway, "/health").status == 200
    assert asked(fairway, "/").header("connection") == "close"
    assert asked(fairway, "/", http_version="2").header("connection") is None


@pytest.mark.requirement("R156")
def test_dependencies_are_asked_in_parallel_and_by_one_asker_at_most_once_a_second() -> None:
    calls: list[str] = []
    together = asyncio.Barrier(2)

    async def slow(dependency: Dependency, seconds: float) -> Outcome:
        calls.append(dependency.name)
        await asyncio.wait_for(together.wait(), 10)  # in vain, where one waits for the other
        return Outcome(is_ready=dependency.name != "CACHE_URL", reason="", milliseconds=seconds)

    async def run() -> None:
        both = tuple(Dependency(name, "x://") for name in ("DATABASE_URL", "CACHE_URL"))
        readiness = Readiness(Settings(dependencies=both), slow)
        crowd = await asyncio.gather(*(readiness.outcomes() for _ in range(50)))
        await readiness.outcomes()
        assert sorted(calls) == ["CACHE_URL", "DATABASE_URL"]
        assert {outcome["DATABASE_URL"].is_ready for outcome in crowd} == {True}
        assert {outcome["CACHE_URL"].is_ready for outcome in crowd} == {False}

    asyncio.run(run())


@pytest.mark.requirement("R156")
def test_an_optional_dependency_must_be_there_at_the_start_and_is_told_of_later() -> None:
    up = {"DATABASE_URL": False, "CACHE_URL": True}
    vital = Dependency("DATABASE_URL", "x://")
    optional = Dependency("CACHE_URL", "x://", is_optional=True)

    def is_enough(readiness: Readiness) -> bool:
        return readiness.is_enough({name: Outcome(is_ready=is_up) for name, is_up in up.items()})

    readiness = Readiness(Settings(dependencies=(vital, optional)))
    assert not is_enough(readiness)
    up.update(DATABASE_URL=True, CACHE_URL=False)
    assert not is_enough(readiness)  # it was never there
    up.update(CACHE_URL=True)
    assert is_enough(readiness)
    up.update(CACHE_URL=False)
    assert is_enough(readiness)
    up.update(DATABASE_URL=False)
    assert not is_enough(readiness)


def test_a_prober_that_hangs_up_does_not_take_the_answer_from_the_others() -> None:
    async def slow(dependency: Dependency, seconds: float) -> Outcome:
        await asyncio.sleep(0.1)
        return Outcome(is_ready=True)

    async def run() -> None:
        readiness = Readiness(Settings(dependencies=(Dependency("A", "x://"),)), slow)
        first = asyncio.create_task(readiness.outcomes())
        second = asyncio.create_task(readiness.outcomes())
        await asyncio.sleep(0.01)
        first.cancel()
        assert (await second)["A"].is_ready

    asyncio.run(run())


def test_the_root_logger_is_left_alone_when_logs_are_off() -> None:
    before = logging.getLogger().handlers[:]
    fairway, _ = wrapped(plain.app)

    asked(fairway)

    assert logging.getLogger().handlers == before


async def _never() -> Message:
    return await asyncio.Event().wait()  # type: ignore[return-value]


async def _forget(message: Message) -> None:
    del message


def _lifespan_app(start: Callable[[], Awaitable[object]]) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await plain.app(scope, receive, send)

    return app
