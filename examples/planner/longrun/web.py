"""The whole app: pages, API and their beginning and end. `fairway-runtime run longrun.web:app`.

From outside in: the runtime, which counts a signed-in user's requests as that user's (R218);
sessions; the door; then sign-in page, API, and Streamlit with its WebSocket.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from fairway_runtime import Fairway
from fairway_runtime.clients import Clients
from fairway_runtime.limits import Limiter
from fairway_runtime.redis_link import RedisLink
from fairway_runtime.sessions import Sessions
from fairway_runtime.settings import Dependency
from fairway_runtime.settings import Settings as RuntimeSettings
from fairway_runtime.streamlit_app import StreamlitApp
from longrun.database import Unavailable
from longrun.engine import warm_up
from longrun.service import current
from longrun.store import make_sqlite_schema
from longrun.web_parts import create_app

__all__ = ["app"]

SCRIPT = Path(__file__).parent / "ui" / "main.py"
log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_: object) -> AsyncGenerator[None]:
    """Make a SQLite file's tables and compile the engine before anybody waits for either."""
    service = current()
    await asyncio.to_thread(make_sqlite_schema, service.settings)
    try:
        await asyncio.to_thread(service.people.refuse_development_people)
        await asyncio.to_thread(service.people.make_development_people)
    except Unavailable as error:  # the app starts without its database, and asks again
        log.warning("people can't be looked up at the start: %s", error)
    service.recorder.begin()
    await asyncio.to_thread(warm_up)
    yield
    await asyncio.to_thread(service.close)


def limited(inner: Sessions, *dependencies: Dependency) -> Fairway:
    """The runtime around the app, with a limiter that knows its users by their signed cookies."""
    settings = RuntimeSettings.from_environment(os.environ)
    # Without its database and Redis the app goes on, and says so: their loss must not take every
    # replica out of service.
    optional = tuple(replace(each, is_optional=True) for each in settings.dependencies)
    settings = replace(settings, dependencies=(*optional, *dependencies))
    limiter, link = None, None
    if settings.redis_url and settings.rate_limit is not None:
        seconds = current().settings.redis_seconds
        link = RedisLink(settings.redis_url, "rate_limit", seconds=seconds)
    if settings.rate_limit is not None:
        limiter = Limiter(
            settings.rate_limit,
            user_rate=settings.user_rate_limit,
            clients=Clients(settings.trusted_proxies, user_of=inner.user_of),
            link=link,
            scope_name=settings.service,
            processes=settings.processes,
        )
    return Fairway(inner, settings, limiter=limiter)


def _app() -> Fairway:
    current().settings.require_keys()
    pages = StreamlitApp(partial(st.App, lifespan=lifespan), str(SCRIPT))
    return limited(create_app(current(), pages), StreamlitApp.dependency)


app = _app()
