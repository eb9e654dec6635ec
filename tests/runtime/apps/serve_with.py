"""Becomes another server, on $PORT: `serve_with.py run SERVER`."""

import os
import sys
from pathlib import Path

_, _, server = sys.argv
port = os.environ["PORT"]
app = "wrapped_shop:app"
commands = {
    "granian": ["--interface", "asgi", "--host", "127.0.0.1", "--port", port, app],
    "gunicorn": ["-k", "uvicorn_worker.UvicornWorker", "-b", f"127.0.0.1:{port}", app],
}
program = str(Path(sys.executable).parent / server)
os.execv(program, [program, *commands[server]])
