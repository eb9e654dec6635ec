"""How many processes share a limit, learned while Redis answers, for the time when it does not.

Each process tells its name every few seconds; those that told one lately are counted. A number
set beforehand (the most replicas there may be) would let through a fraction of the rate where
few of them run, and none at all would let through a multiple of it.
"""

import math
import secrets
from collections.abc import Callable
from typing import cast

from fairway_runtime.redis_link import RedisLink, RedisLost, Script

__all__ = ["Sharers"]

TELL_SECONDS = 5.0
KNOWN_SECONDS = 30.0  # after its last word a process counts no more

# KEYS: the names. ARGV: a name, and for how many seconds it counts. Returns how many count now.
_TELL = Script("""
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
""")


class Sharers:
    """`count` processes share what is kept under `key`; before anybody has told, `expected`.

    It grows at once and shrinks after `KNOWN_SECONDS`: a Redis that came back empty has heard of
    nobody yet.
    """

    def __init__(self, key: str, expected: int, *, clock: Callable[[], float]) -> None:
        self.count = max(1, expected)
        self._key = key
        self._name = secrets.token_hex(8)
        self._clock = clock
        self._tell_at = -math.inf
        self._shrink_at = clock() + KNOWN_SECONDS

    async def tell(self, link: RedisLink) -> None:
        """Say that this process is there, if it is time, and learn how many are."""
        now = self._clock()
        if now < self._tell_at:
            return
        self._tell_at = now + TELL_SECONDS  # before the answer: others need not ask meanwhile
        try:
            answer = await link.run(_TELL, (self._key,), (self._name, int(KNOWN_SECONDS)))
        except RedisLost:
            return
        counted = cast("int", answer)
        if counted >= self.count or now >= self._shrink_at:
            self.count = counted
            self._shrink_at = now + KNOWN_SECONDS
