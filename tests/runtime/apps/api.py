"""A FastAPI app with the kinds of routes that metrics and logs have to name."""

import logging
import threading

from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse

log = logging.getLogger("api")
app = FastAPI()


@app.get("/items/{item}")
async def item(item: int) -> dict[str, int]:
    return {"item": item}


@app.get("/thread")
def thread() -> str:
    log.warning("in thread %s", threading.current_thread().name)
    return "done"


nested = APIRouter(prefix="/nested")


@nested.get("/{name}/parts/{part}")
async def part(name: str, part: int) -> str:
    return f"{name} {part}"


app.include_router(nested, prefix="/v1")
app.include_router(nested, prefix="/v2")
mounted = FastAPI()


@mounted.get("/leaf/{leaf}")
async def leaf(leaf: str) -> str:
    return leaf


app.mount("/tenants/{tenant}", mounted)


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
async def catch_all(path: str) -> PlainTextResponse:
    return PlainTextResponse("the catch-all page")
