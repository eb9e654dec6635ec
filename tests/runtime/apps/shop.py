"""A Starlette app that does what the runtime has to get along with; it knows nothing of it."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

log = logging.getLogger("shop")


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    log.warning("connections opened")
    yield
    log.warning("connections closed")


async def item(request: Request) -> Response:
    log.warning("looking for %s", request.path_params["item"])
    return JSONResponse(request.path_params)


async def tasks(_request: Request) -> Response:
    async def work(name: str) -> None:
        await asyncio.sleep(0)
        log.warning("in %s", name)

    await asyncio.gather(work("one task"), work("another task"))
    await asyncio.to_thread(log.warning, "in to_thread")
    await asyncio.get_running_loop().run_in_executor(None, log.warning, "in an executor")
    return PlainTextResponse("done")


def thread(_request: Request) -> Response:
    log.warning("in a thread")
    return PlainTextResponse("done")


def _seconds(request: Request) -> float:
    log.warning("began")
    return float(request.query_params["seconds"])


async def slow(request: Request) -> Response:
    await asyncio.sleep(_seconds(request))
    return PlainTextResponse("done")


def slow_thread(request: Request) -> Response:
    time.sleep(_seconds(request))
    return PlainTextResponse("done")


async def stubborn(request: Request) -> Response:
    seconds = _seconds(request)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await asyncio.sleep(seconds)
    return PlainTextResponse("done")


async def blocked(request: Request) -> Response:
    time.sleep(_seconds(request))  # noqa: ASYNC251 (an app's mistake)
    return PlainTextResponse("done")


async def later(_request: Request) -> Response:
    async def work() -> None:
        await asyncio.sleep(1)
        log.warning("background done")

    return PlainTextResponse("done", background=BackgroundTask(work))


async def stream(request: Request) -> Response:
    seconds = _seconds(request)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: first\n\n"
        await asyncio.sleep(seconds)
        yield b"data: last\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def boom(_request: Request) -> Response:
    raise ValueError(
        "no way to postgresql://shop:open-sesame@db/s, Authorization: Bearer abcdefghij"
    )


async def upload(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def ws(socket: WebSocket) -> None:
    await socket.accept()
    log.warning("socket of %s", socket.headers["x-request-id"])
    async for text in socket.iter_text():
        await socket.send_text(text.upper())


async def catch_all(_request: Request) -> Response:
    return PlainTextResponse("the catch-all page")


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/items/{item}", item),
        Route("/tasks", tasks),
        Route("/thread", thread),
        Route("/slow", slow),
        Route("/slow-thread", slow_thread),
        Route("/stubborn", stubborn),
        Route("/blocked", blocked),
        Route("/later", later),
        Route("/stream", stream),
        Route("/boom", boom),
        Route("/upload", upload, methods=["POST"]),
        WebSocketRoute("/ws", ws),
        Route("/{path:path}", catch_all, methods=["GET", "POST"]),
    ],
)
