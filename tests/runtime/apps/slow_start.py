"""Starts slowly, or not at all, or never stops: what apps' lifespans do."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


@asynccontextmanager
async def waiting(_app: Starlette) -> AsyncGenerator[None]:
    """Until the file that MAY_START names is there, as an app that loads a model does."""
    while not Path(os.environ["MAY_START"]).exists():  # noqa: ASYNC110, ASYNC240 (a test's app)
        await asyncio.sleep(0.05)
    yield


@asynccontextmanager
async def failing(_app: Starlette) -> AsyncGenerator[None]:
    await asyncio.sleep(0)
    raise ConnectionError("no database")
    yield


@asynccontextmanager
async def never_closing(_app: Starlette) -> AsyncGenerator[None]:
    yield
    await asyncio.sleep(60)


async def home(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("home")


app = Starlette(routes=[Route("/", home)], lifespan=waiting)
fails = Starlette(routes=[Route("/", home)], lifespan=failing)
clings = Starlette(routes=[Route("/", home)], lifespan=never_closing)
