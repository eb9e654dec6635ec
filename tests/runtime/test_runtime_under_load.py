"""Several processes under load, while the Redis that they share is killed and started again."""

import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.runtime.redis_server import RedisServer
from tests.runtime.serving import Running, client, until

REPLICAS = 3


class Load:
    """Asks the replicas in turn, from threads, until it is told to stop."""

    def __init__(self, apps: list[Running]) -> None:
        self.limited: Counter[int] = Counter()
        self.cached: Counter[int] = Counter()
        self.wrong: list[str] = []
        self._apps = apps
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, number: int) -> None:
        clients = [client(app.url) for app in self._apps]
        turn = number
        while not self._stop.is_set():
            turn += 1
            one = clients[turn % REPLICAS]
            try:
                limited = one.get("/").status_code
                answer = one.get(f"/static/doubled?n={turn % 20}")
            except httpx.HTTPError as error:
                self.wrong.append(repr(error))
                continue
            with self._lock:
                self.limited[limited] += 1
                self.cached[answer.status_code] += 1
            if answer.text != str(turn % 20 * 2):
                self.wrong.append(answer.text)
        for one in clients:
            one.close()


def up(app: Running, use: str) -> bool:
    return f'redis_up{{use="{use}"}} 1' in app.client.get("/metrics").text


@pytest.mark.real
@pytest.mark.requirement("R96", "R98", "R216", "R217", "R231")
def test_no_request_fails_for_a_lost_redis_and_no_more_pass_than_the_limit_and_one_a_lost_second(
    tmp_path: Path,
) -> None:
    with RedisServer(tmp_path) as server, ExitStack() as stack:
        env = {
            "RATE_LIMIT": "60/min",
            "REDIS_URL": server.url,
            "FAIRWAY_REPLICAS": str(REPLICAS),
            "FAIRWAY_LOGS": "off",
        }
        apps = [stack.enter_context(Running("limited:app", env=env)) for _ in range(REPLICAS)]
        for app in apps:
            app.ready()
        began = time.monotonic()
        with Load(apps) as load:
            until(lambda: load.limited[429] > 50)
            time.sleep(0.5)
            server.kill()
            lost = time.monotonic()
            until(lambda: not any(up(app, "rate_limit") for app in apps))
            time.sleep(3)
            server.start()
            until(
                lambda: all(up(app, use) for app in apps for use in ("rate_limit", "cache-default"))
            )
            found = time.monotonic()
            time.sleep(1)
        ended = time.monotonic()
        assert load.wrong == []
        assert set(load.limited) == {200, 429}
        assert set(load.cached) == {200}
        passed = load.limited[200]
        assert passed <= 60 + (ended - began) + 1 + (found - lost)
        assert passed >= 60 + (ended - began) / REPLICAS - 1
