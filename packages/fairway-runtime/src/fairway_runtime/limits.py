"""Rate limiting: a token bucket for each user or address, in memory or in Redis (R216-R219).

With Redis all replicas share the buckets, in one atomic round trip. Each answer is mirrored in
local buckets: when Redis is lost they go on from what was known, and when it comes back empty
they tell it. No request fails for the limiter's sake.
"""

import time
from collections.abc import Callable, Iterator
from math import ceil
from typing import cast

from fairway_runtime.asgi import Headers, Scope
from fairway_runtime.bucket import Buckets, Rate, Taken
from fairway_runtime.clients import Clients
from fairway_runtime.figures import Figure, roll
from fairway_runtime.redis_link import RedisLink, RedisLost, Script
from fairway_runtime.refusals import Refusal
from fairway_runtime.settings import Settings
from fairway_runtime.sharers import Sharers

__all__ = ["Limiter", "limiter_of"]

# KEYS: the bucket. ARGV: microseconds per token, from empty to full, and that are owed for sure.
# Returns whether a token was there, and microseconds until the bucket is full. The clock is
# Redis's, one for all replicas; a clock that was set back counts as an empty bucket at worst.
_TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step, span, owed = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local debt = tonumber(redis.call('GET', KEYS[1]) or 0) - now
if debt < owed then debt = owed end
if debt > span then debt = span end
local allowed = 0
if debt + step <= span then
  allowed = 1
  debt = debt + step
end
if debt > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
end
return {allowed, debt}
""")
_EXEMPT = ("/static/", "/_stcore/")  # parts of a page; Streamlit asks for dozens of them


class Limiter:
    """Decides whether a request may pass, and what its answer says about it.

    `rate` is an address's, `user_rate` a known user's; without it they are the same.

    Probes never come here; paths below /static and /_stcore are exempt. Without `link` every
    process counts for itself. While Redis is lost each process gives its share: a request costs as
    many tokens as there are processes, or all together would let through as many times the rate.
    How many there are, Redis was told while it answered; before that it is `processes`.
    """

    def __init__(
        self,
        rate: Rate,
        *,
        user_rate: Rate | None = None,
        clients: Clients | None = None,
        link: RedisLink | None = None,
        scope_name: str = "",
        processes: int = 1,
        most_keys: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.link = link
        self._clients = clients or Clients()
        self._clock = clock
        self._addresses = self._users = Buckets(rate, most_keys=most_keys, clock=clock)
        if user_rate is not None and user_rate != rate:
            self._users = Buckets(user_rate, most_keys=most_keys, clock=clock)
        self._prefix = f"fairway:rate:{scope_name}:"
        self._sharers = Sharers(f"fairway:sharers:{scope_name}", processes, clock=clock)
        # By identity: a frozen dataclass's hash is made of its fields' each time.
        rates = (self._addresses.rate, self._users.rate)
        self._said = {id(one): _said(one) for one in rates}
        self._rejections = 0
        roll.add(self)

    def counts(self, scope: Scope) -> bool:
        """Whether this request is counted at all."""
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        return not (path.removeprefix(root) if root else path).startswith(_EXEMPT)

    async def take(self, scope: Scope) -> Taken:
        """Count one request of whoever sends it."""
        if self.link is None:
            return self.take_here(scope)
        key = self._clients.name(scope)
        taken = await self._take(self.link, self._buckets(key), key)
        self._rejections += not taken.is_allowed
        return taken

    def take_here(self, scope: Scope) -> Taken:
        """The same in this process alone: what there is without `link`."""
        key = self._clients.name(scope)
        taken = self._buckets(key).take(key)
        self._rejections += not taken.is_allowed
        return taken

    def judge(self, scope: Scope, forwarded: bytes) -> tuple[Headers, Refusal | None]:
        """`take_here`, its `headers` and its `refusal` in one piece: every request pays for it.

        Without headers where the request does not count. `forwarded` are the values of its
        `x-forwarded-for`.
        """
        if not self.counts(scope):
            return [], None
        key = self._clients.name(scope, forwarded)
        buckets = self._users if key[0] == "u" else self._addresses
        is_allowed, debt = buckets.spend(key, buckets.step_seconds)
        rate = buckets.rate
        if not is_allowed:
            self._rejections += 1
            taken = rate.taken(debt, is_allowed=False)
            return self.headers(taken), self.refusal(taken)
        left = b"%d" % rate.left(debt)
        return [
            *self._said[id(rate)],
            (b"ratelimit-remaining", left),
            (b"ratelimit-reset", b"%d" % ceil(debt)),
        ], None

    def _buckets(self, key: str) -> Buckets:
        return self._users if key[0] == "u" else self._addresses

    def headers(self, taken: Taken) -> Headers:
        """`RateLimit-*` as draft-ietf-httpapi-ratelimit-headers-06 has them."""
        _, remaining, full_seconds, _, rate = taken
        limit, policy = self._said[id(rate)]
        return [
            limit,
            policy,
            (b"ratelimit-remaining", b"%d" % remaining),
            (b"ratelimit-reset", b"%d" % ceil(full_seconds)),
        ]

    def refusal(self, taken: Taken) -> Refusal:
        """429, and when to come back."""
        wait = max(1, ceil(taken.wait_seconds))
        return Refusal(
            "rate_limit",
            429,
            "Too Many Requests",
            f"The rate limit is reached; ask again in {wait} s.",
            ((b"retry-after", b"%d" % wait),),
        )

    async def close(self) -> None:
        if self.link is not None:
            await self.link.close()

    def figures(self) -> Iterator[Figure]:
        yield Figure(
            "rate_limit_rejections_total", "counter", "Answers of 429.", (), self._rejections
        )
        if self.link is not None:
            yield Figure(
                "rate_limit_sharers", "gauge", "Processes that share it.", (), self._sharers.count
            )
        keys = sum(len(one) for one in {self._addresses, self._users})
        yield Figure("rate_limit_keys", "gauge", "Buckets in memory.", (), keys)

    async def _take(self, link: RedisLink, buckets: Buckets, key: str) -> Taken:
        asked = self._clock()
        rate = buckets.rate
        owed = int(buckets.debt_seconds(key) * 1e6)
        step = ceil(rate.step_seconds * 1e6)
        try:
            answer = await link.run(_TAKE, (self._prefix + key,), (step, step * rate.most, owed))
        except RedisLost:
            return buckets.take(key, self._sharers.count)
        allowed, debt_us = cast("list[int]", answer)
        debt = debt_us / 1e6
        buckets.owe(key, asked + debt)  # since before Redis looked: never more than is true
        await self._sharers.tell(link)
        return rate.taken(debt, is_allowed=allowed == 1)


def _said(rate: Rate) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    """What the answers say of a rate."""
    policy = f"{rate.most};w={ceil(rate.seconds)}"
    return (b"ratelimit-limit", b"%d" % rate.most), (b"ratelimit-policy", policy.encode())


def limiter_of(settings: Settings) -> Limiter | None:
    """The limiter that the settings ask for; None where RATE_LIMIT is not set."""
    if settings.rate_limit is None:
        return None
    link = None
    if settings.redis_url:
        link = RedisLink(settings.redis_url, "rate_limit", seconds=settings.cache_seconds)
    clients = Clients(settings.trusted_proxies, settings.user_header)
    return Limiter(
        settings.rate_limit,
        user_rate=settings.user_rate_limit,
        clients=clients,
        link=link,
        scope_name=settings.service,
        processes=settings.processes,
    )
