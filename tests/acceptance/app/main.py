"""The app under test: plain ASGI, no framework; what it does is switched from outside.

`VERSION` is rewritten to make another revision. Files in the folder `$SWITCHES` switch a fault on
for whoever starts next: `crash`, `never-ready`, `lie-in` (a start that takes so many seconds).
`slow` there has a line for each slow request that has begun.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

VERSION = "1"
SWITCHES = Path(os.environ.get("SWITCHES", "switches"))
held: list[bytearray] = []


def is_on(switch: str) -> bool:
    """Whether a fault is switched on for this version, or for all."""
    return any((SWITCHES / name).exists() for name in (switch, f"{switch}-{VERSION}"))


if is_on("crash"):
    print(f"the last words of version {VERSION}", flush=True)
    sys.exit(3)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve one connection."""
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    else:
        status, said = await answer(scope)
        body = json.dumps(said).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def live(receive: Any, send: Any) -> None:
    """Start as the switches say, and end when told."""
    await receive()
    if is_on("never-ready"):
        print(f"version {VERSION} waits for what never comes", flush=True)
        await asyncio.sleep(3600)
    if is_on("lie-in"):
        await asyncio.sleep(float((SWITCHES / "lie-in").read_text() or 1))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("closed what was open", flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def echo(receive: Any, send: Any) -> None:
    """Say back what is said, and by which replica."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        said = f"{os.environ.get('FAIRWAY_REPLICA')}: {event.get('text')}"
        await send({"type": "websocket.send", "text": said})


async def answer(scope: Any) -> tuple[int, Any]:
    """The status and the JSON of one request."""
    asked = {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}
    match scope["method"], scope["path"]:
        case _, "/slow":
            with (SWITCHES / "slow").open("a") as begun:
                begun.write("begun\n")
            await asyncio.sleep(float(asked["seconds"]))
        case _, "/print":
            print(asked["text"], flush=True)
        case _, "/hold":
            held.append(bytearray(os.urandom(1024) * 1024 * int(asked["mib"])))
        case "POST", "/rows":
            return await add(int(asked["id"]))
        case _, "/rows":
            return await rows()
        case _:
            pass
    return 200, {
        "version": VERSION,
        "replica": os.environ.get("FAIRWAY_REPLICA"),
        "revision": os.environ.get("FAIRWAY_REVISION"),
        "setting": os.environ.get("SETTING"),
        "at": time.time(),
    }


async def add(number: int) -> tuple[int, Any]:
    """Commit one row; 201 means that it is kept."""
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(
            os.environ["DATABASE_URL"], connect_timeout=2
        ) as connection:
            await connection.execute("INSERT INTO kept VALUES (%s)", (number,))
    except psycopg.Error as error:
        return 503, {"error": str(error)}
    return 201, {"id": number}


async def rows() -> tuple[int, Any]:
    """Every row that is kept."""
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(
            os.environ["DATABASE_URL"], connect_timeout=2
        ) as connection:
            found = await connection.execute("SELECT id FROM kept ORDER BY id")
            return 200, [each[0] for each in await found.fetchall()]
    except psycopg.Error as error:
        return 503, {"error": str(error)}
