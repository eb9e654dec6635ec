"""Servers for the runtime's benchmark: `python -m bench.runtime_served VARIANT PORT`.

`bare` is the app as uvicorn serves it (uvloop, httptools, no access log); `everything` is what
`fairway-runtime run` makes of it, in an environment that asks for everything; `one_line` is
`Fairway(app)` under the same uvicorn as `bare`; `collector` takes spans and forgets them.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.first_answer import wait_for_200
from fairway.targets.local.ports import free_port

__all__ = ["collector", "main"]

ROOT = Path(__file__).parent.parent
# Servers take turns: each is idle while the others are measured.
KEPT_SECONDS = 600


class _Collector(BaseHTTPRequestHandler):
    """Reads what it is sent, and says thank you."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as inherited)
        """Nothing."""


@contextmanager
def collector() -> Generator[str]:
    """A collector in a process of its own; its URL."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.runtime_served", "collector", str(port)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,  # who sends to it may end at any moment
    ) as process:
        try:
            wait_for_200(port, "/", seconds=20)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def main(variant: str, port: int) -> None:
    """Serve until killed."""
    if variant == "collector":
        ThreadingHTTPServer(("127.0.0.1", port), _Collector).serve_forever()
        return
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if variant == "everything":
        from fairway_runtime import Fairway
        from fairway_runtime.server import serve

        serve(Fairway(app), socket.create_server(("127.0.0.1", port), backlog=1024))
        return
    served: object = app
    if variant == "one_line":
        from fairway_runtime import Fairway

        served = Fairway(app)
    uvicorn.run(
        served,
        port=port,
        access_log=False,
        log_level="warning",
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=KEPT_SECONDS,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
