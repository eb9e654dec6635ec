"""What each feature adds to a request of a FastAPI app, in this process: paired rounds.

The rows build on each other: each is what its feature adds to all that stand above it. The lines go
to /dev/null by the system call that would write them; the spans go to a collector's socket.
"""

import asyncio
import os
import time
from dataclasses import replace
from itertools import pairwise

from fastapi import FastAPI

from bench.project import median
from bench.runtime_served import collector
from fairway_runtime import Fairway, Settings
from fairway_runtime.asgi import App, Message, Scope
from fairway_runtime.bucket import Rate
from fairway_runtime.lines import Lines, LineWriter
from fairway_runtime.redact import redactor

__all__ = ["features"]

REQUESTS = 200
HEADERS = [
    (b"host", b"localhost:8000"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"origin", b"https://shop.example"),
    (b"cookie", b"theme=dark"),
]
BASE = Settings(environment="production", is_logging=False, has_security_headers=False)


class Silent(Lines):
    """Writes nothing: what a request costs without its line."""

    def access(self, *_: object, **__: object) -> None:
        """Nothing."""


def features(rounds: int) -> dict[str, float]:
    """Microseconds that each feature adds; `all_us` is the sum without spans."""
    with open(os.devnull, "wb") as null, collector() as url:  # noqa: PTH123 (a descriptor)
        return asyncio.run(_features(rounds, null.fileno(), url))


async def _features(rounds: int, descriptor: int, url: str) -> dict[str, float]:
    secured = replace(BASE, has_security_headers=True, hsts_seconds=31_536_000)
    shared = replace(secured, cors_origins=("https://shop.example",))
    limited = replace(shared, rate_limit=Rate(10**8, 1.0))
    some = replace(limited, traces_url=f"{url}/v1/traces", trace_ratio=0.1)
    every = replace(some, trace_ratio=1.0)
    app = _app()
    silent = Silent("production", redactor(()), LineWriter(descriptor))
    lines = Lines("production", redactor(()), LineWriter(descriptor))
    stages: dict[str, App] = {
        "bare_us": app,
        "id_metrics_timeout_drain_us": Fairway(app, BASE, silent),
        "log_line_us": Fairway(app, BASE, lines),
        "security_headers_us": Fairway(app, secured, lines),
        "cors_us": Fairway(app, shared, lines),
        "rate_limit_us": Fairway(app, limited, lines),
        "spans_10_percent_us": Fairway(app, some, lines),
        "spans_all_us": Fairway(app, every, lines),
    }
    took: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(2 * rounds):
        for name, stage in stages.items():
            took[name].append(await _micros(stage))
    figures: dict[str, float] = {}
    names = list(stages)
    for before, name in pairwise(names):
        under = "rate_limit_us" if name == "spans_all_us" else before
        pairs = zip(took[name], took[under], strict=True)
        figures[name] = median([one - other for one, other in pairs])
    pairs = zip(took["rate_limit_us"], took["bare_us"], strict=True)
    figures["all_us"] = median([one - other for one, other in pairs])
    figures["bare_us"] = median(took["bare_us"])
    return figures


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    return app


async def _micros(app: App) -> float:
    """Microseconds a request."""
    began = time.perf_counter()
    for _ in range(REQUESTS):
        await app(_scope(), _receive, _send)
    return (time.perf_counter() - began) / REQUESTS * 1e6


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Message) -> None:
    del message


def _scope() -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/items/7",
        "raw_path": b"/items/7",
        "query_string": b"",
        "root_path": "",
        "headers": HEADERS,
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5),
        "state": {},
    }
