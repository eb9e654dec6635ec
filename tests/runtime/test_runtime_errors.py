"""Errors that nobody handled: what the log, Sentry and the client learn of them."""

import asyncio
import gzip
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from fairway_runtime import Fairway, Settings, breadcrumb, identify, logs, operation
from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.context import RequestContext, enter
from fairway_runtime.logs import JsonHandler
from tests.runtime.apps import plain, shop
from tests.runtime.asking import Answer, ask, scope_of
from tests.runtime.serving import Memory, lines_into, until

SETTINGS = Settings(is_logging=False, service="api", revision="r7", replica="api-1")


@pytest.fixture(autouse=True)
def memory() -> Iterator[Memory]:
    memory, before = Memory(), logs._installed[:]
    logs._installed[:] = [lines_into(memory)]
    yield memory
    logs._installed[:] = before


def asked_in_vain(app: App, path: str = "/", **more: Any) -> Answer:
    """The answer to a request that makes the app raise; servers catch what it raises."""
    sent: list[Message] = []

    async def run() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        await app(scope_of(path, **more), receive, send)

    with pytest.raises((ValueError, RuntimeError, TimeoutError)):
        asyncio.run(run())
    return Answer(tuple(sent))


@pytest.mark.requirement("R187", "R188")
def test_an_error_is_told_with_its_stack_request_user_and_what_went_before(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = logging.getLogger("errors.own")
    monkeypatch.setattr(own, "handlers", [JsonHandler(lines_into(Memory()))])
    monkeypatch.setattr(own, "propagate", False)  # the root may write lines already
    app = FastAPI()

    @app.get("/charge/{number}")
    async def charge(number: int) -> None:
        identify("u-7")
        own.warning("charging with password=open-sesame")
        breadcrumb("card looked up", brand="visa")
        with operation("authorise"):
            pass
        raise ValueError(f"card {number} refused")

    fairway = Fairway(app, SETTINGS, lines_into(memory))
    agent = [(b"user-agent", b"curl/8")]
    answer = asked_in_vain(fairway, "/charge/7", headers=agent)

    (line,) = [one for one in memory.lines if one.get("message") == "unhandled error"]
    assert line["error"] == "ValueError: card 7 refused"
    assert line["exception"].startswith("Traceback (most recent call last)")
    assert 'raise ValueError(f"card {number} refused")' in line["exception"]
    assert line["correlation_id"] == answer.header("x-request-id")
    assert (line["user_id"], line["operation"]) == ("u-7", "GET /charge/{number}")
    assert (line["method"], line["path"], line["user_agent"]) == ("GET", "/charge/7", "curl/8")
    assert (line["environment"], line["service"], line["revision"]) == ("test", "api", "r7")
    crumbs = line["breadcrumbs"]
    assert [one["message"] for one in crumbs] == [
        "charging with password=***",
        "card looked up",
        "authorise",
    ]
    assert crumbs[1]["brand"] == "visa"
    assert all(one["ms_before"] >= 0 for one in crumbs)


@pytest.mark.requirement("R188", "R215")
def test_the_client_gets_a_problem_with_the_id_where_starlette_says_internal_server_error(
    memory: Memory,
) -> None:
    fairway = Fairway(shop.app, SETTINGS, lines_into(memory))

    answer = asked_in_vain(fairway, "/boom")

    assert answer.status == 500
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json["correlation_id"] == answer.header("x-request-id")
    assert int(answer.header("content-length") or 0) == len(answer.body)
    assert b"sesame" not in answer.body
    access, error = memory.lines
    assert error["correlation_id"] == access["correlation_id"]
    assert access["status"] == 500


@pytest.mark.parametrize("text", ["Internal Server Erro!", "short", "Internal Server Error."])
def test_a_500_that_an_app_wrote_itself_stays_as_it_is(memory: Memory, text: str) -> None:
    app = FastAPI()

    @app.get("/")
    async def page() -> PlainTextResponse:
        return PlainTextResponse(text, 500)

    answer = asyncio.run(ask(Fairway(app, SETTINGS, lines_into(memory))))

    assert (answer.status, answer.body.decode()) == (500, text)
    assert len(memory.lines) == 1


def test_the_server_s_own_traceback_of_the_same_error_is_not_written_again(memory: Memory) -> None:
    handler, error = JsonHandler(lines_into(memory)), ValueError("boom")
    context = RequestContext("req-1")
    context.reported = error

    def record(name: str, of: ValueError) -> logging.LogRecord:
        told = (ValueError, of, None)
        return logging.LogRecord(name, logging.ERROR, "", 0, "Exception in ASGI", (), told)

    async def run() -> None:
        enter(context)
        handler.emit(record("uvicorn.error", error))
        assert memory.lines == []
        handler.emit(record("uvicorn.error", ValueError("boom")))
        handler.emit(record("app", error))

    asyncio.run(run())

    assert [line["logger"] for line in memory.lines] == ["uvicorn.error", "app"]


def test_only_the_last_twenty_breadcrumbs_are_kept(memory: Memory) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for number in range(1000):
            breadcrumb(f"{number} {'x' * 1000}")
        await plain.app(scope, receive, send)

    asked_in_vain(Fairway(app, SETTINGS, lines_into(memory)), "/raise")

    crumbs = memory.lines[0]["breadcrumbs"]
    assert len(crumbs) == 20
    assert crumbs[-1]["message"].startswith("999 ")
    assert all(len(one["message"]) == 200 for one in crumbs)
    breadcrumb("outside of a request it is nothing")


class _Ingest:
    """What Sentry's server takes: envelopes, a line of JSON for each part of them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        ingest = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                _, kind, event = body.split(b"\n")[:3]
                assert json.loads(kind)["type"] == "event"
                ingest.events.append(json.loads(event))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as inherited)
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server.server_address[1]}/1"


@pytest.fixture
def ingest() -> Iterator[_Ingest]:
    one = _Ingest()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.mark.requirement("R187", "R188")
def test_with_a_dsn_sentry_gets_the_same_redacted(memory: Memory, ingest: _Ingest) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        identify("u-7")
        breadcrumb("card looked up")
        raise ValueError("no way with password=open-sesame")

    settings = Settings(
        is_logging=False, environment="staging", revision="r7", sentry_dsn=ingest.dsn
    )
    fairway = Fairway(app, settings, lines_into(memory))
    answer = asked_in_vain(fairway)
    until(lambda: ingest.events)
    fairway.errors.flush()

    (event,) = ingest.events
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "no way with password=***")
    assert error["stacktrace"]["frames"][-1]["function"] == "app"
    assert event["user"] == {"id": "u-7"}
    assert event["tags"]["correlation_id"] == answer.header("x-request-id")
    assert (event["environment"], event["release"]) == ("staging", "r7")
    assert [one["message"] for one in event["breadcrumbs"]["values"]] == ["card looked up"]
    assert event["transaction"] == "GET other"
    assert "sesame" not in json.dumps(event)


def test_without_the_sdk_a_dsn_is_a_warning_and_the_app_serves() -> None:
    code = """
import sys
sys.modules["sentry_sdk"] = None
from fairway_runtime import Fairway, Settings
Fairway(print, Settings(sentry_dsn="http://k@127.0.0.1:9/1"))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "sentry-sdk is not installed" in json.loads(ran.stdout)["message"]
