"""What FastAPI and Starlette show in their documentation, in one app: written anew, used as is."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

app = FastAPI()
done: list[str] = []


class Item(BaseModel):
    name: str
    price: float = 1.0


class Shout:
    """A middleware of the app's own, as Starlette's documentation writes one."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["shout"] = "loud"
        await self.inner(scope, receive, send)


async def connection() -> AsyncGenerator[str]:
    done.append("opened")
    yield "connection"
    done.append("closed")


class Teapot(Exception):
    pass


@app.exception_handler(Teapot)
async def teapot(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"short": "stout"}, 418)


@app.exception_handler(RequestValidationError)
async def invalid(_request: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(f"invalid: {type(error).__name__}", 400)


@app.get("/items/{item}")
async def read(item: int, q: str | None = None) -> dict[str, object]:
    return {"item": item, "q": q}


@app.post("/items", status_code=201)
async def create(item: Item) -> Item:
    return item


@app.get("/header")
async def header(x_token: Annotated[str, Header()]) -> str:
    return x_token


@app.get("/cookie")
async def cookie(response: Response) -> str:
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return "two"


@app.get("/depends")
async def depends(one: Annotated[str, Depends(connection)]) -> str:
    return one


@app.get("/later")
async def later(tasks: BackgroundTasks) -> str:
    tasks.add_task(done.append, "later")
    return "now"


@app.get("/teapot")
async def brew() -> None:
    raise Teapot


@app.get("/missing")
async def missing() -> None:
    raise HTTPException(404, "no such thing", {"x-why": "gone"})


@app.get("/redirect")
async def redirect() -> RedirectResponse:
    return RedirectResponse("/items/1")


@app.get("/page")
def page() -> HTMLResponse:
    return HTMLResponse("<p>" + "page " * 300)


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"data: %d\n\n" % number
            await asyncio.sleep(0)

    return StreamingResponse(chunks(), media_type="text/event-stream")


@app.get("/nothing", status_code=204)
async def nothing() -> None:
    return None


@app.get("/state")
async def state(request: Request) -> str:
    return f"{request.state.shout} {request.url} {request.client}"


@app.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


@app.get("/problem")
async def problem() -> None:
    raise ValueError("nobody handles it")


app.add_middleware(Shout)
app.add_middleware(GZipMiddleware, minimum_size=500)
app.mount("/sub", FastAPI(title="sub"))
