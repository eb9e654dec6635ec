"""What the runtime adds to an app's start and memory: processes of their own, taking turns."""

import subprocess
import sys

from bench.project import median, say

__all__ = ["usage"]

# FastAPI and uvicorn are the app's in any case. Memory is that after a thousand requests.
PROBE = """
import asyncio, os, time
import fastapi, uvicorn

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

app = fastapi.FastAPI()

@app.get("/items/{item}")
async def item(item: int):
    return {"item": item}

began = time.perf_counter()
if WRAPPED:
    from fairway_runtime import Fairway
took = (time.perf_counter() - began) * 1000
if WRAPPED:
    app = Fairway(app)

async def main():
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        pass
    for number in range(1000):
        scope = {"type": "http", "method": "GET", "path": "/items/7", "raw_path": b"/items/7",
                 "query_string": b"", "root_path": "", "headers": [], "http_version": "1.1",
                 "scheme": "http", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80)}
        await app(scope, receive, send)

asyncio.run(main())
with open("/dev/stderr", "w") as told:
    print(took, resident(), file=told)
"""


def usage(rounds: int) -> dict[str, float]:
    """`import_ms` of `from fairway_runtime import Fairway`, and `memory_mb` beyond the bare app."""
    pairs = [(_probe(wrapped=True), _probe(wrapped=False)) for _ in range(max(3, rounds // 4))]
    imports = median([ours for (ours, _), _ in pairs])
    memory = median([ours - bare for (_, ours), (_, bare) in pairs])
    say(f"import {imports:.1f} ms, memory {memory:.2f} MB more than the bare app")
    return {"import_ms": imports, "memory_mb": memory}


def _probe(*, wrapped: bool) -> tuple[float, float]:
    code = PROBE.replace("WRAPPED", str(wrapped))
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    milliseconds, megabytes = done.stderr.split()
    return float(milliseconds), float(megabytes)
