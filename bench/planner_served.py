"""The planner as `fairway up` serves it: what a cache hit takes, and twenty at once.

Two sticky replicas, PostgreSQL and Redis behind Envoy, as in the planner's own file. Every answer
is recorded in history and audit log before it goes out, hits too. The clients are threads of this
process, on the same processors.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.load_report import percentile
from bench.project import LEFT_OUT, OURS, say
from fairway.targets.local.ports import free_port

__all__ = ["HTTP_GOALS", "served"]

ROOT = Path(__file__).parent.parent
PLANNER = ROOT / "examples" / "planner"
PASSWORD = "only-on-this-machine"  # of the users of development, as the sign-in page says
PLAN = {"client_id": "bench", "portfolio": 1_000_000, "annual_spending": 40_000, "scenarios": 1000}
USERS = 20
HTTP_GOALS = {"hit_ms": "<= 5", "users_p95_ms": "<= 2000", "users_failed": "== 0"}


def served(hits: int, seconds: float) -> dict[str, float]:
    """Figures by name: `hits` requests one after the other, then twenty users for `seconds`."""
    with running() as port:
        cookie = signed_in(port)
        say("cache hits")
        figures = hit_figures(port, cookie, hits)
        say(f"{USERS} users for {seconds:g} s")
        return {**figures, **user_figures(port, cookie, seconds)}


@contextmanager
def running() -> Generator[int]:
    """The planner up from a copy of its folder, at a port of its own."""
    environment = {name: text for name, text in os.environ.items() if name not in OURS}
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as made:
        Path(made).chmod(0o755)  # PostgreSQL may run as another user
        folder, port = Path(made, "examples", "planner"), free_port()
        shutil.copytree(PLANNER, folder, ignore=LEFT_OUT)
        runtime = Path("packages", "fairway-runtime")
        shutil.copytree(ROOT / runtime, Path(made) / runtime, ignore=LEFT_OUT)
        file = folder / "fairway.toml"
        file.write_text(file.read_text().replace("8501", str(port)))

        def fairway(*words: str) -> None:
            command = [sys.executable, "-m", "fairway.cli.main", *words]
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=sys.stderr)

        try:
            fairway("up", "--detach")
            yield port
        finally:
            fairway("down")


def signed_in(port: int) -> str:
    """The cookie of a session; without the balancer's, so that both replicas work."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    said = json.dumps({"name": "adviser", "password": PASSWORD})
    connection.request("POST", "/api/login", said, {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"signing in: {answer.status}")
    cookies = [text.partition(";")[0] for name, text in answer.getheaders() if name == "set-cookie"]
    connection.close()
    return next(one for one in cookies if one.startswith("session="))


@dataclass
class Client:
    """One connection that simulates; `taken` in milliseconds."""

    port: int
    cookie: str
    taken: list[float] = field(default_factory=list[float])
    failed: int = 0

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def simulate(self, seed: int) -> None:
        began = time.perf_counter()
        try:
            headers = {"content-type": "application/json", "cookie": self.cookie}
            body = json.dumps({**PLAN, "seed": seed})
            self._connection.request("POST", "/api/simulate", body, headers)
            answer = self._connection.getresponse()
            answer.read()
            is_good = answer.status == 200
        except (OSError, http.client.HTTPException):
            self._connection.close()
            is_good = False
        self.failed += not is_good
        if is_good:
            self.taken.append(1000 * (time.perf_counter() - began))

    def simulate_until(self, deadline: float, seed: int) -> None:
        while time.monotonic() < deadline:
            seed += 1
            self.simulate(seed)


def hit_figures(port: int, cookie: str, count: int) -> dict[str, float]:
    """The same plan again and again; both replicas have it after the first few."""
    client = Client(port, cookie)
    for _ in range(20):
        client.simulate(1)
    client.taken.clear()
    for _ in range(count):
        client.simulate(1)
    ordered = sorted(client.taken)
    return {
        "hit_ms": percentile(ordered, 0.5),
        "hit_best_ms": ordered[0],
        "hit_p95_ms": percentile(ordered, 0.95),
    }


def user_figures(port: int, cookie: str, seconds: float) -> dict[str, float]:
    """Twenty clients at once, each asking another plan as soon as it has its answer."""
    clients = [Client(port, cookie) for _ in range(USERS)]
    began = time.monotonic()
    threads = [
        threading.Thread(
            target=client.simulate_until, args=(began + seconds, 1_000_000 * (number + 1))
        )
        for number, client in enumerate(clients)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ordered = sorted(taken for client in clients for taken in client.taken)
    return {
        "users_p50_ms": percentile(ordered, 0.5),
        "users_p95_ms": percentile(ordered, 0.95),
        "users_failed": sum(client.failed for client in clients),
        "users_per_second": len(ordered) / (time.monotonic() - began),
    }
