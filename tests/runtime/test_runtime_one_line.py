"""The one line: `Fairway(app)` and `install(app)`, and a limiter of one's own."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import assert_type

import pytest
from fastapi import FastAPI, Request

import fairway_runtime
from fairway_runtime import Fairway, Limiter, Settings, install
from fairway_runtime.asgi import Message
from fairway_runtime.bucket import Rate
from fairway_runtime.clients import Clients
from fairway_runtime.installing import limiter_installed
from tests.runtime.apps import plain
from tests.runtime.asking import Answer, ask
from tests.runtime.serving import Memory, lines_into

QUIET = Settings(is_logging=False)


def test_an_installed_app_stays_what_it_is_and_answers_as_a_wrapped_one() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        events.append("up")
        yield
        events.append("down")

    app = FastAPI(lifespan=lifespan)

    @app.get("/items/{item}")
    async def item(item: int) -> int:
        return item

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("secret")

    async def run() -> None:
        asked: asyncio.Queue[Message] = asyncio.Queue()
        said: asyncio.Queue[Message] = asyncio.Queue()
        asked.put_nowait({"type": "lifespan.startup"})
        life = asyncio.create_task(app({"type": "lifespan"}, asked.get, said.put))
        assert (await said.get())["type"] == "lifespan.startup.complete"
        answer = await ask(app, "/items/7")
        assert (answer.status, answer.json) == (200, 7)
        assert (answer.header("x-request-id") or "").startswith("req-")
        assert (await ask(app, "/health")).json == {"status": "alive"}
        assert (await ask(app, "/startup")).status == 200
        with pytest.raises(ValueError, match="secret"):
            await ask(app, "/boom")
        text = (await ask(app, "/metrics")).body.decode()
        assert 'http_requests_total{method="GET",route="/items/{item}",status="200"} 1' in text
        assert 'route="/boom",status="500"} 1' in text
        asked.put_nowait({"type": "lifespan.shutdown"})
        await life

    assert_type(install(app, QUIET), FastAPI)
    asyncio.run(run())
    assert events == ["up", "down"]


def test_an_installed_app_that_is_run_by_the_runtime_too_is_counted_once() -> None:
    app = FastAPI()

    @app.get("/")
    async def page() -> str:
        return "page"

    own = Limiter(Rate(1, 60))
    install(app, QUIET, limiter=own)
    memory = Memory()
    outer = Fairway(app, QUIET, lines_into(memory), limiter=limiter_installed(app))

    async def run() -> list[Answer]:
        return [await ask(outer), await ask(outer)]

    first, second = asyncio.run(run())

    assert (first.status, second.status) == (200, 429)
    assert first.header("x-request-id") == memory.lines[0]["correlation_id"]
    assert len(memory.lines) == 2
    assert limiter_installed(plain.app) is None


def test_what_takes_no_middleware_is_told_to_be_wrapped() -> None:
    with pytest.raises(
        TypeError, match=r"function takes no middleware: use `app = Fairway\(app\)`"
    ):
        install(plain.app)  # type: ignore[type-var]


@pytest.mark.requirement("R218")
def test_known_users_have_a_rate_of_their_own() -> None:
    clients = Clients(("127.0.0.0/8",), "x-user")
    limiter = Limiter(Rate(1, 60), user_rate=Rate(3, 60), clients=clients)
    fairway = Fairway(plain.app, QUIET, lines_into(Memory()), limiter=limiter)

    async def run() -> tuple[list[Answer], list[Answer]]:
        user = [(b"x-user", b"ada")]
        strangers = [await ask(fairway) for _ in range(2)]
        return strangers, [await ask(fairway, headers=user) for _ in range(4)]

    strangers, users = asyncio.run(run())

    assert [one.status for one in strangers] == [200, 429]
    assert strangers[0].header("ratelimit-limit") == "1"
    assert [one.status for one in users] == [200, 200, 200, 429]
    assert users[0].header("ratelimit-limit") == "3"
    assert users[0].header("ratelimit-policy") == "3;w=60"


@pytest.mark.requirement("R218", "R219")
def test_the_environment_gives_users_and_addresses_their_rates() -> None:
    env = {"RATE_LIMIT": "60/min", "USER_RATE_LIMIT": "600/min", "FAIRWAY_USER_HEADER": "x-user"}
    fairway = Fairway(plain.app, Settings.from_environment(env), lines_into(Memory()))

    async def run() -> tuple[str | None, ...]:
        answers = [await ask(fairway), await ask(fairway, headers=[(b"x-user", b"ada")])]
        return tuple(one.header("ratelimit-limit") for one in answers)

    assert asyncio.run(run()) == ("60", "600")


def test_every_public_name_is_there_and_importing_the_package_costs_nothing() -> None:
    for name in fairway_runtime.__all__:
        assert getattr(fairway_runtime, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(fairway_runtime, "nothing")  # noqa: B009 (a type checker would say so too)
    code = "import sys; n = len(sys.modules); import fairway_runtime; print(len(sys.modules) - n)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(ran.stdout) == 1


def test_the_middleware_brings_nothing_heavy() -> None:
    code = """
import sys
import fastapi, uvicorn
before = set(sys.modules)
import fairway_runtime.middleware
heavy = {"redis", "sentry_sdk", "opentelemetry", "psycopg", "http.server", "requests", "httpx"}
print(sorted(heavy & (sys.modules.keys() - before)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ran.stdout.strip() == b"[]"


def test_a_request_s_app_is_still_the_framework_s_own() -> None:
    app = FastAPI()

    @app.get("/")
    async def page(request: Request) -> bool:
        return request.app is app

    install(app, QUIET)
    assert asyncio.run(ask(app)).json is True
