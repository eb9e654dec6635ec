"""The whole app: pages, API and their beginning and end. `fairway-runtime run longrun.web:app`.

Streamlit serves the pages and the WebSocket; the API is mounted in the same ASGI app.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longrun.api import create_api
from longrun.engine import warm_up
from longrun.service import current
from longrun.store import make_sqlite_schema
from longrun.ui.state import VISITOR

__all__ = ["app"]

SCRIPT = Path(__file__).parent / "ui" / "main.py"


@asynccontextmanager
async def lifespan(_: object) -> AsyncGenerator[None]:
    """Make a SQLite file's tables and compile the engine before anybody waits for either."""
    service = current()
    await asyncio.to_thread(make_sqlite_schema, service.settings)
    await asyncio.to_thread(warm_up)
    yield
    service.store.close()


class Visitors:
    """Gives each browser a name, under which its last plan is kept over releases."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; set the cookie where a page is asked for without one."""
        if not _is_stranger(scope):
            await self._inner(scope, receive, send)
            return
        cookie = f"{VISITOR}={secrets.token_urlsafe(18)}; Path=/; HttpOnly; SameSite=Lax"

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._inner(scope, receive, named)


def _is_stranger(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["path"].startswith(("/api", "/static", "/_stcore")):
        return False
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return VISITOR not in cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))


app = st.App(
    str(SCRIPT),
    routes=[Mount("/api", create_api(current()))],
    middleware=[Middleware(Visitors)],
    lifespan=lifespan,
)
