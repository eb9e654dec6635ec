"""How soon `/health` answers while the app computes on its event loop: R158, where it is hardest.

`fairway-runtime run` serves an app that computes for three seconds; the second port is asked all
the while, as a balancer would. The figure is the slowest answer of a round, the median of rounds.
"""

import http.client
import os
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bench.first_answer import wait_for_200
from bench.project import median, say
from fairway.targets.local.ports import free_port

__all__ = ["probes"]

APPS = Path(__file__).parent.parent / "tests/runtime/apps"
COMPUTED_SECONDS = 3
PAUSE_SECONDS = 0.02


def probes(rounds: int) -> dict[str, float]:
    """`health_busy_ms`: the slowest answer beside a computing event loop, milliseconds."""
    slowest = [_slowest_ms() for _ in range(max(1, rounds // 8))]
    say("slowest /health beside a computing loop, ms: " + ", ".join(f"{ms:.1f}" for ms in slowest))
    return {"health_busy_ms": median(slowest)}


def _slowest_ms() -> float:
    port, probe_port = free_port(), free_port()
    env = {**os.environ, "PORT": str(port), "FAIRWAY_PROBE_PORT": str(probe_port)}
    env |= {"FAIRWAY_LOGS": "off"}
    command = [sys.executable, "-m", "fairway_runtime", "run", "wrapped:app"]
    with (
        ThreadPoolExecutor(1) as threads,
        subprocess.Popen(command, cwd=APPS, env=env, stderr=subprocess.DEVNULL) as server,
    ):
        try:
            wait_for_200(port, "/ready", seconds=20)
            return 1000 * _asked(probe_port, threads.submit(_compute, port))
        finally:
            server.kill()


def _compute(port: int) -> None:
    url = f"http://127.0.0.1:{port}/compute?seconds={COMPUTED_SECONDS}"
    with urllib.request.urlopen(url) as answer:
        answer.read()


def _asked(port: int, computing: Future[None]) -> float:
    """The slowest of all answers until it has computed, seconds."""
    time.sleep(0.2)
    slowest = 0.0
    while not computing.done():
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/health")
        if connection.getresponse().status != 200:
            raise RuntimeError("/health did not answer 200 beside a computing event loop")
        connection.close()
        slowest = max(slowest, time.perf_counter() - began)
        time.sleep(PAUSE_SECONDS)
    computing.result()
    return slowest
