"""A cache bounded by bytes and by time, in which nobody computes the same thing twice (R93, R98).

    @cached(ttl=600)
    def simulate(plan: Plan, scenarios: int) -> Result: ...

In memory; Redis may be a second tier that all replicas share (R94). With Redis off, or lost, the
app works on. Errors are never kept.
"""

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from math import isfinite
from typing import Protocol, cast

from fairway_runtime import contract
from fairway_runtime.figures import Figure, roll
from fairway_runtime.redis_link import RedisLink, RedisLost
from fairway_runtime.sizes import bytes_of

__all__ = ["ABSENT", "Cache", "Codec", "Entry", "Json"]

ABSENT = object()  # None is a value
_OVERHEAD = 450  # bytes of an entry beside its value and key
DEFAULT_BYTES = 500 * 1024 * 1024  # R93, C1
DEFAULT_SECONDS = 3600.0  # R61


class Codec(Protocol):
    """How values travel to the second tier; `dumps` gives None for what it can't carry exactly."""

    def dumps(self, value: object) -> bytes | None: ...
    def loads(self, data: bytes) -> object: ...


class Json:
    """JSON, for values that come out exactly as they went in; others stay in this process.

    Not pickle: whoever can write to a Redis must not be able to run code in the app.
    """

    def dumps(self, value: object) -> bytes | None:
        return json.dumps(value, separators=(",", ":")).encode() if _is_json(value) else None

    def loads(self, data: bytes) -> object:
        return json.loads(data)


class Entry:
    """A value that a cache keeps, until its time on the cache's clock.

    `alias` is a name for it in `aliases`, a dictionary of its user's (see `Cache.give_alias`), and
    `kinds` the types in that name: 1, 1.0 and True are equal.
    """

    __slots__ = ("alias", "aliases", "key", "kinds", "size", "until", "value")

    def __init__(self, key: Hashable, value: object, until: float, size: int) -> None:
        self.key = key
        self.value = value
        self.until = until
        self.size = size
        self.alias: Hashable = None
        self.aliases: dict[Hashable, Entry] | None = None
        self.kinds: tuple[type, ...] = ()


class Cache:
    """Values by key, at most `max_bytes` of them, each for at most `ttl_seconds`; thread-safe.

    What is used longest ago goes first. A value larger than all of `max_bytes` is not kept. With
    `link`, what is missing here is looked up in Redis, within the link's 100 ms.
    """

    def __init__(
        self,
        name: str,
        *,
        max_bytes: int = DEFAULT_BYTES,
        ttl_seconds: float = DEFAULT_SECONDS,
        link: RedisLink | None = None,
        codec: Codec | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.ttl_seconds = ttl_seconds
        self.link = link
        self._codec: Codec = codec or Json()
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Hashable, Entry] = {}
        # In the order of use. An entry's hash is its identity: that makes a touch cheap.
        self._order: OrderedDict[Entry, None] = OrderedDict()
        self._touch = self._order.move_to_end
        self._bytes = 0
        self._hits = self._shared_hits = self._misses = self._evictions = 0
        roll.add(self)

    @classmethod
    def from_environment(cls, name: str, env: Mapping[str, str] = os.environ) -> "Cache":
        """CACHE_TTL (R61), and Redis at REDIS_URL unless REDIS_ENABLED says no (R66)."""
        from fairway_runtime.settings import Settings

        text = env.get(contract.CACHE_TTL, "").strip()
        seconds = float(text) if text else DEFAULT_SECONDS
        wanted = (contract.REDIS_URL, contract.REDIS_ENABLED, contract.CACHE_SECONDS)
        settings = Settings.from_environment({key: env[key] for key in wanted if key in env})
        link = None
        if settings.redis_url:
            link = RedisLink(settings.redis_url, f"cache-{name}", seconds=settings.cache_seconds)
        return cls(name, ttl_seconds=seconds, link=link)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> object:
        """The value of `key` in memory, or `ABSENT`."""
        entry = self.find(key)
        return ABSENT if entry is None else entry.value

    def peek(self, key: Hashable) -> object:
        """`get` that is no lookup: for who looks a second time before the work is done."""
        entry = self._entries.get(key)
        return ABSENT if entry is None or self._clock() >= entry.until else entry.value

    def find(self, key: Hashable) -> Entry | None:
        """The entry of `key` in memory: a hit, or a miss."""
        entry = self._entries.get(key)
        if entry is not None and self.hit(entry):
            return entry
        with self._lock:
            if entry is not None and self._entries.get(key) is entry:
                self._drop(entry)
            self._misses += 1
        return None

    def hit(self, entry: Entry) -> bool:
        """Whether `entry` may still be used; then it counts as used.

        Takes no lock, which would be a tenth of what a hit costs: each step is atomic by itself,
        and an entry that another thread lets go at this moment was good when it was asked for.
        """
        if self._clock() >= entry.until:
            return False
        try:
            self._touch(entry)
        except KeyError:  # it was let go
            return False
        self._hits += 1
        return True

    def give_alias(
        self,
        entry: Entry,
        aliases: dict[Hashable, Entry],
        alias: Hashable,
        kinds: tuple[type, ...],
    ) -> None:
        """Let `aliases` find `entry` at `alias`, until it is let go; an entry has one alias.

        The first of equal names has it: the others are found by their key.
        """
        with self._lock:
            if self._entries.get(entry.key) is entry and alias not in aliases:
                self._unname(entry)
                entry.aliases, entry.alias, entry.kinds = aliases, alias, kinds
                aliases[alias] = entry

    def put(self, key: Hashable, value: object, ttl_seconds: float | None = None) -> Entry | None:
        """Keep `value`, and let go of what there is no more room for; None: it is not kept."""
        seconds = self.ttl_seconds if ttl_seconds is None else ttl_seconds
        size = bytes_of(value) + bytes_of(key) + _OVERHEAD
        with self._lock:
            before = self._entries.get(key)
            if before is not None:
                self._drop(before)
            if seconds <= 0 or size > self._max_bytes:
                return None
            entry = self._entries[key] = Entry(key, value, self._clock() + seconds, size)
            self._order[entry] = None
            self._bytes += size
            while self._bytes > self._max_bytes:
                oldest, _ = self._order.popitem(last=False)  # one step: others touch meanwhile
                self._drop(oldest)
                self._evictions += 1
            return entry

    def clear(self) -> None:
        """Forget what is in memory; what is in Redis ends with its time."""
        with self._lock:
            for entry in self._entries.values():
                self._unname(entry)
            self._entries.clear()
            self._order.clear()
            self._bytes = 0

    async def fetch(self, key: str) -> object:
        """The value of `key` in Redis, or `ABSENT`; never fails."""
        if self.link is None:
            return ABSENT
        try:
            return self._read(await self.link.command("GET", self._place(key)))
        except RedisLost:
            return ABSENT

    def fetch_now(self, key: str) -> object:
        """`fetch` for code that is not async."""
        if self.link is None:
            return ABSENT
        try:
            return self._read(self.link.command_now("GET", self._place(key)))
        except RedisLost:
            return ABSENT

    async def share(self, key: str, value: object, ttl_seconds: float) -> None:
        """Put `value` into Redis, if it can travel; never fails."""
        data = self._packed(value)
        if self.link is not None and data is not None:
            try:
                await self.link.command("SET", self._place(key), data, "PX", _ms(ttl_seconds))
            except RedisLost:
                return

    def share_now(self, key: str, value: object, ttl_seconds: float) -> None:
        """`share` for code that is not async."""
        data = self._packed(value)
        if self.link is not None and data is not None:
            try:
                self.link.command_now("SET", self._place(key), data, "PX", _ms(ttl_seconds))
            except RedisLost:
                return

    def figures(self) -> Iterator[Figure]:
        labels = (("cache", self.name),)
        with self._lock:
            hits, misses = self._hits + self._shared_hits, self._misses
            lookups = self._hits + misses
            gauges = (
                ("cache_hit_ratio", "Hits of all lookups (R171).", hits / max(1, lookups)),
                ("cache_bytes", "Bytes in memory, estimated.", self._bytes),
                ("cache_entries", "Values in memory.", len(self._entries)),
            )
            counters = (
                ("cache_hits_total", "Found, in memory or Redis.", hits),
                ("cache_misses_total", "Not in memory.", misses),
                ("cache_redis_hits_total", "Found in Redis.", self._shared_hits),
                ("cache_evictions_total", "Let go for room.", self._evictions),
            )
        for name, about, value in gauges:
            yield Figure(name, "gauge", about, labels, value)
        for name, about, value in counters:
            yield Figure(name, "counter", about, labels, value)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self._order.pop(entry, None)
        self._unname(entry)
        self._bytes -= entry.size

    def _unname(self, entry: Entry) -> None:
        if entry.aliases is not None:
            entry.aliases.pop(entry.alias, None)
            entry.aliases = None

    def _place(self, key: str) -> str:
        return f"fairway:cache:{self.name}:{key}"

    def _packed(self, value: object) -> bytes | None:
        return None if self.link is None else self._codec.dumps(value)

    def _read(self, answer: object) -> object:
        if answer is None:
            return ABSENT
        try:
            value = self._codec.loads(cast("bytes", answer))
        except ValueError:  # another version's, or nobody's
            return ABSENT
        with self._lock:
            self._shared_hits += 1
        return value


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _is_json(value: object, depth: int = 0) -> bool:
    """Whether JSON gives back exactly this: a tuple would come back as a list."""
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return True
    if kind is str:
        return cast("str", value).isascii() or _is_utf8(cast("str", value))
    if kind is float:
        return isfinite(cast("float", value))
    if depth > 20:
        return False
    if kind is list:
        return all(_is_json(one, depth + 1) for one in cast("list[object]", value))
    if kind is dict:
        items = cast("dict[object, object]", value).items()
        return all(type(key) is str and _is_json(one, depth + 1) for key, one in items)
    return False


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
