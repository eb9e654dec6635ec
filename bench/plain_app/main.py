"""A small app without a framework, with faults that the benchmarks write into it.

`/` answers at once, `/burn` computes for some milliseconds, `/held` is a WebSocket.
"""

import asyncio
import os
import time
from itertools import count
from typing import Any

VERSION = "0"
FAULT: str = "none"  # never_ready, crash, errors or slow
CRASH_SECONDS = 5.0
ERROR_EVERY = 20  # 5 %
QUICK_SECONDS = 0.002
SLOWER = 10
BURN_SECONDS = 0.0035  # of a processor

served = count(1)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve one connection."""
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    else:
        await answer(scope, send)


async def live(receive: Any, send: Any) -> None:
    """Start as the fault says, and end when told."""
    await receive()
    if FAULT == "never_ready":
        await asyncio.sleep(3600)
    if FAULT == "crash":
        asyncio.get_running_loop().call_later(CRASH_SECONDS, os._exit, 3)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def echo(receive: Any, send: Any) -> None:
    """Say back what is said."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event.get("text")})


async def answer(scope: Any, send: Any) -> None:
    """One request, as quick and as right as the fault lets it be."""
    number, status = next(served), 200
    if scope["path"] == "/burn":
        burn()
    else:
        await asyncio.sleep(QUICK_SECONDS * (SLOWER if FAULT == "slow" else 1))
        if FAULT == "errors" and number % ERROR_EVERY == 0:
            status = 500
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": f"version {VERSION}.".encode()})


def burn() -> None:
    """Compute for a while: the same share of a processor on every machine."""
    ends_at = time.thread_time() + BURN_SECONDS
    while time.thread_time() < ends_at:
        sum(range(200))
