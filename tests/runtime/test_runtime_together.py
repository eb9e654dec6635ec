"""Several workers under load while what they lean on goes away: no request pays for it."""

import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from fairway.targets.local.ports import free_port
from tests.runtime.redis_server import RedisServer
from tests.runtime.serving import client, until, uvicorn

BURST, PER_SECOND = 60, 1  # RATE_LIMIT of 60/min


class Visitor(threading.Thread):
    """Asks without a pause, each time on a connection of its own, until told to stop."""

    def __init__(self, url: str, path: str) -> None:
        super().__init__()
        self.url, self.path = url, path
        self.answers: Counter[str] = Counter()
        self.is_over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.is_over.wait(0.005):
            number += 1
            with client(self.url) as one:
                try:
                    answer = one.get(self.path, params={"n": number})
                    text = answer.text if self.path != "/" else ""
                    is_right = answer.status_code != 200 or text in ("", str(2 * number))
                    self.answers[str(answer.status_code) if is_right else "wrong"] += 1
                except httpx.TransportError as error:
                    self.answers[repr(error)] += 1


@pytest.mark.real
@pytest.mark.requirement("R94", "R96", "R216", "R217", "R231")
def test_redis_killed_and_back_and_no_collector_cost_no_request_and_give_none_away(
    tmp_path: Path,
) -> None:
    surroundings = {
        "RATE_LIMIT": "60/min",
        "WEB_CONCURRENCY": "2",
        "FAIRWAY_CACHE_SECONDS": "5",  # a busy machine must not look like a lost Redis
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",  # nobody is there
    }
    with (
        RedisServer(tmp_path) as server,
        uvicorn(
            "wrapped_limited:app", "--workers", "2", REDIS_URL=server.url, **surroundings
        ) as url,
    ):
        began = time.monotonic()
        visitors = [Visitor(url, "/"), Visitor(url, "/"), Visitor(url, "/static/doubled")]
        for each in visitors:
            each.start()
        # Each worker goes on from what it knew: so late that either was told of an empty bucket.
        until(lambda: sum(each.answers["429"] for each in visitors[:2]) >= 50, seconds=30)
        server.kill()
        lost_at = time.monotonic()
        time.sleep(1.5)
        server.start()
        time.sleep(2.5)
        for each in visitors:
            each.is_over.set()
        for each in visitors:
            each.join()
        ended = time.monotonic()
    limited, cached = visitors[0].answers + visitors[1].answers, visitors[2].answers
    assert set(limited) == {"200", "429"}
    assert set(cached) == {"200"}
    assert cached["200"] > 50
    assert limited["200"] >= BURST
    # The bound, and one more for each second without Redis, until somebody noticed it was back.
    assert limited["200"] <= BURST + PER_SECOND * (ended - began) + 1 + (ended - lost_at)
