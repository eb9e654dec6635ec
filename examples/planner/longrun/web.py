"""The whole app: pages, API and their beginning and end. `fairway-runtime run longrun.web:app`.

Streamlit serves the pages and the WebSocket; the API is mounted in the same ASGI app.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.routing import Mount

from longrun.api import create_api
from longrun.engine import warm_up
from longrun.service import current
from longrun.store import make_sqlite_schema

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


app = st.App(str(SCRIPT), routes=[Mount("/api", create_api(current()))], lifespan=lifespan)
