"""What breaker, cache, retry and the Redis limiter add to a call: paired rounds in this process."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from bench.project import median, say
from fairway.targets.local import binaries
from fairway.targets.local.ports import free_port
from fairway_runtime.asgi import Scope
from fairway_runtime.breaker import Breaker
from fairway_runtime.bucket import Rate
from fairway_runtime.cache import Cache
from fairway_runtime.cached import cached
from fairway_runtime.limits import Limiter
from fairway_runtime.redis_link import RedisLink
from fairway_runtime.retry import Retry

__all__ = ["calls", "limiter"]

CALLS = 20_000
LIMITER_CALLS = 300
RATE = Rate(10**8, 1.0)
# As much as a limiter has to ask: one atomic read, decision and write.
BARE = """
local now = redis.call('TIME')[1] * 1000000
local debt = tonumber(redis.call('GET', KEYS[1]) or 0) - now
redis.call('SET', KEYS[1], string.format('%.0f', now + ARGV[1]), 'PX', 1000)
return {1, debt}
"""


def _work(number: int) -> int:
    return number


def calls(rounds: int) -> dict[str, float]:
    """Microseconds that each adds to a call that succeeds."""
    wrapped: dict[str, Callable[[int], int]] = {
        "breaker_us": Breaker("bench")(_work),
        "cache_hit_us": cached(cache=Cache("bench"))(_work),
        "retry_us": Retry("bench", on=(ConnectionError,))(_work),
    }
    differences: dict[str, list[float]] = {name: [] for name in wrapped}
    for _ in range(rounds):
        for name, function in wrapped.items():
            differences[name].append(_seconds(function) - _seconds(_work))
    figures = {name: median(each) / CALLS * 1e6 for name, each in differences.items()}
    say(", ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    return figures


def _seconds(function: Callable[[int], int]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        function(7)
    return time.perf_counter() - began


def limiter(rounds: int) -> dict[str, float]:
    """The Redis limiter's time for a request, as a multiple of a bare EVALSHA's."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="fairway-bench-") as folder,
        subprocess.Popen(
            [
                *(binaries.redis_server(), "--port", str(port), "--bind", "127.0.0.1"),
                *("--save", "", "--dir", folder),
            ],
            stdout=subprocess.DEVNULL,
        ) as server,
    ):
        try:
            return asyncio.run(_limiter(rounds, f"redis://127.0.0.1:{port}/0"))
        finally:
            server.kill()


async def _limiter(rounds: int, url: str) -> dict[str, float]:
    redis: Any = import_module("redis.asyncio")  # its types leave too much open
    client = redis.Redis.from_url(url)
    while True:
        try:
            digest = await client.script_load(BARE)
            break
        except ConnectionError:
            await asyncio.sleep(0.05)
        except redis.ConnectionError:
            await asyncio.sleep(0.05)
    ours = Limiter(RATE, link=RedisLink(url, "bench"))
    scope: Scope = {"type": "http", "path": "/", "headers": [], "client": ("203.0.113.9", 5)}
    await ours.take(scope)
    ratios: list[float] = []
    micros: list[float] = []
    for _ in range(rounds):
        bare = await _took(lambda: client.evalsha(digest, 1, "bench", 1000))
        taken = await _took(lambda: ours.take(scope))
        ratios.append(taken / bare)
        micros.append(taken / LIMITER_CALLS * 1e6)
    await ours.close()
    await client.aclose()
    ratio = median(ratios)
    say(f"Redis limiter {median(micros):.0f} us, {ratio:.2f} times a bare EVALSHA")
    return {"redis_limiter_ratio": ratio, "redis_limiter_us": median(micros)}


async def _took(ask: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    for _ in range(LIMITER_CALLS):
        await ask()
    return time.perf_counter() - began
