"""Asks an app for some of its pages before its first visitor does.

What an app does at its first requests and never again (opening connections, compiling queries,
importing late) takes a hundred times as long as an answer later. `FAIRWAY_WARMUP` names paths; each
is asked for a few times at once, inside the process, past metrics, logs and limits, after the app's
startup and before `/startup` and `/ready` answer 200. An answer that fails is told in the log and
keeps nobody out: whether a replica may serve is for its readiness to say.
"""

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import unquote

from fairway_runtime.asgi import App, Message, Scope
from fairway_runtime.context import RequestContext, enter, new_id
from fairway_runtime.lines import Lines

__all__ = ["warm_up"]

ROUNDS = 4
AT_ONCE = 4  # as many connections of a pool are opened
LONGEST_SECONDS = 10.0


async def warm_up(
    app: App,
    paths: Sequence[str],
    lifespan: Scope,
    lines: Lines,
    *,
    seconds: float = LONGEST_SECONDS,
) -> None:
    """GET each path several times, for `seconds` in all; `lifespan` brings the app's state."""
    began = time.perf_counter()
    failures: dict[str, str] = {}
    try:
        async with asyncio.timeout(seconds):
            for path in paths:
                for _ in range(ROUNDS):
                    asked = (_ask(app, path, lifespan) for _ in range(AT_ONCE))
                    failed = [reason for reason in await asyncio.gather(*asked) if reason]
                    if failed:
                        failures[path] = failed[0]
                        break
    except TimeoutError:
        failures[""] = f"not done within {seconds:g} s"
    fields: dict[str, object] = {
        "operation": "warm-up",
        "duration_ms": (time.perf_counter() - began) * 1000,
        "success": not failures,
        "paths": len(paths),
    }
    if failures:
        fields["error"] = "; ".join(f"{path}: {why}".strip(": ") for path, why in failures.items())
    lines.write("WARNING" if failures else "INFO", None, fields)


async def _ask(app: App, path: str, lifespan: Scope) -> str:
    """One request of nobody; "" where the app answered it, else why not."""
    name, _, query = path.partition("?")
    statuses: list[int] = []
    asked = False
    answered = asyncio.Event()

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await answered.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    enter(RequestContext(new_id()))
    try:
        await app(_scope(name, query, lifespan), receive, send)
    except Exception as error:  # the app's own: told, as that of a visitor is
        return repr(error)
    if not statuses:
        return "no answer"
    return f"status {statuses[0]}" if statuses[0] >= 500 else ""


def _scope(path: str, query: str, lifespan: Scope) -> Scope:
    scope: Scope = {
        **{key: value for key, value in lifespan.items() if key not in ("type", "state")},
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"user-agent", b"fairway-warmup")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
    if "state" in lifespan:
        scope["state"] = dict(lifespan["state"])
    return scope
