"""A server of its own, for services with a `command`: threads, and switches of its own.

`unready-<replica>` in `$SWITCHES` makes that replica's `/probe` say 503. It ignores SIGTERM while
`deaf` is there.
"""

import os
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SWITCHES = Path(os.environ["SWITCHES"])
REPLICA = os.environ["FAIRWAY_REPLICA"]


class Answers(BaseHTTPRequestHandler):
    """200 and who answers, but for a probe while that is switched off."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        refuses = self.path == "/probe" and (SWITCHES / f"unready-{REPLICA}").exists()
        body = REPLICA.encode()
        self.send_response(503 if refuses else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


if (SWITCHES / "deaf").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(f"{REPLICA} listens on {os.environ['PORT']}", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
