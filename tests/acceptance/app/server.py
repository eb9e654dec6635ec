"""A server of its own, for services with a `command`: threads, and switches of its own.

It knows no drain: SIGTERM ends it at once, and while `deaf` is there, not at all. A file
`unready-<replica>` in `$SWITCHES` makes that replica say 503 to `/probe`.
"""

import os
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SWITCHES = Path(os.environ["SWITCHES"])
REPLICA = os.environ["FAIRWAY_REPLICA"]


class Answers(BaseHTTPRequestHandler):
    """200 and who answers, but for a probe while that is switched off."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer; `/slow` takes a while."""
        if self.path == "/slow":
            time.sleep(1.5)
        refuses = self.path == "/probe" and (SWITCHES / f"unready-{REPLICA}").exists()
        body = REPLICA.encode()
        self.send_response(503 if refuses else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - its name there

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


if (SWITCHES / "deaf").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(f"{REPLICA} listens on {os.environ['PORT']}", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
