"""ASGI by hand: no framework, no lifespan, and messages that are constants."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

START = {"type": "http.response.start", "status": 200, "headers": ((b"content-length", b"2"),)}
BODY = {"type": "http.response.body", "body": b"ok"}
Scope = MutableMapping[str, Any]


async def app(
    scope: Scope,
    receive: Callable[[], Awaitable[Scope]],
    send: Callable[[Scope], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    if scope["path"] == "/who":
        who = f"{scope['client'][0]} {scope['scheme']}".encode()
        await send({**START, "headers": [(b"content-length", b"%d" % len(who))]})
        await send({**BODY, "body": who})
        return
    if scope["path"] == "/raise":
        raise RuntimeError("before the answer")
    await send(START)
    if scope["path"] == "/raise-late":
        raise RuntimeError("during the answer")
    if scope["path"] == "/forget":
        return
    await send(BODY)
    await asyncio.sleep(0)


def make() -> Callable[..., Awaitable[None]]:
    return app


def broken() -> None:
    raise LookupError("no configuration")


number = 7
