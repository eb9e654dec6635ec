"""One Redis that may be lost at any time: asked within 100 ms (R231), left alone while it is down.

Shared by the rate limiter and the cache. Needs redis-py (`fairway-runtime[redis]`), which is
imported here and only when a link is made; without it every link is a lost one. Async commands
go over a connection of our own where the URL asks for nothing that only redis-py has.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from fairway_runtime import contract
from fairway_runtime.breaker import Breaker
from fairway_runtime.calls import Rejected
from fairway_runtime.figures import Figure, roll
from fairway_runtime.redis_wire import Place, WireClient

__all__ = ["RedisLink", "RedisLost", "Script"]

_LOG = logging.getLogger("fairway.redis")
_REST_SECONDS = 1.0  # between two tries while it is down

Argument = str | bytes | int


class RedisLost(Exception):
    """Redis did not answer in time, or not at all: do without it."""


class _AsyncClient(Protocol):
    def execute_command(self, *arguments: Argument) -> Awaitable[object]: ...
    async def aclose(self) -> None: ...


class _Client(Protocol):
    def execute_command(self, *arguments: Argument) -> object: ...
    def close(self) -> None: ...


class Script:
    """A Lua script and its digest."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisLink:
    """Asks the Redis at `url`; raises `RedisLost` within `seconds` where that fails.

    After a failure nobody asks for a second, then one caller tries: an outage costs one request
    a second 100 ms, the others nothing. It is logged when it begins and when it ends, and counted.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        seconds: float = contract.DEFAULT_CACHE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self.name = name
        self._seconds = seconds
        self._breaker = Breaker(
            f"redis-{name}", failures=1, open_seconds=_REST_SECONDS, clock=clock
        )
        self._is_lost = False
        self._fallbacks = 0
        self._client: _Client | None = None
        self._async_client: _AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        try:
            self._redis = import_module("redis")
            self._async_redis = import_module("redis.asyncio")
        except ImportError:
            self._redis = None
            _LOG.warning("%s: redis is not installed: working without it", name)
        else:  # a URL that can't be read is a fault of the settings: told now
            self._redis.ConnectionPool.from_url(url)
        roll.add(self)

    @property
    def is_lost(self) -> bool:
        return self._is_lost or self._redis is None

    async def command(self, *arguments: Argument) -> object:
        """One command's answer."""
        return await self._ask(lambda client: client.execute_command(*arguments))

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> object:
        """One round trip by the script's digest; its text goes along where Redis forgot it."""
        rest = (len(keys), *keys, *arguments)

        async def evaluate(client: _AsyncClient) -> object:
            try:
                return await client.execute_command("EVALSHA", script.digest, *rest)
            except self._error("NoScriptError"):
                return await client.execute_command("EVAL", script.text, *rest)

        return await self._ask(evaluate)

    def command_now(self, *arguments: Argument) -> object:
        """`command` for code that is not async."""
        permit = self._admit()
        try:
            if self._client is None:
                self._client = self._connect(is_async=False)
            answer = self._client.execute_command(*arguments)
        except (self._error("RedisError"), OSError, TimeoutError) as error:
            raise self._lose(permit, error) from error
        except BaseException as error:
            self._breaker.settle(permit, error)
            raise
        self._win(permit)
        return answer

    async def close(self) -> None:
        """Close the connections (R225); a later question opens new ones."""
        client, self._async_client = self._async_client, None
        if client is not None:
            await client.aclose()
        if self._client is not None:
            self._client.close()
            self._client = None

    def figures(self) -> Iterator[Figure]:
        labels = (("use", self.name),)
        up = int(not self.is_lost)
        yield Figure("redis_up", "gauge", "1 where it answered last.", labels, up)
        yield Figure(
            "redis_fallbacks_total",
            "counter",
            "Times it was done without.",
            labels,
            self._fallbacks,
        )

    async def _ask(self, question: Callable[[_AsyncClient], Awaitable[object]]) -> object:
        permit = self._admit()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await question(self._here())
        except (self._error("RedisError"), OSError, TimeoutError) as error:
            if isinstance(self._async_client, WireClient) and isinstance(error, OSError):
                self._async_client.give_up()
            raise self._lose(permit, error) from error
        except BaseException as error:
            self._breaker.settle(permit, error)
            raise
        self._win(permit)
        return answer

    def _here(self) -> _AsyncClient:
        """The client of this event loop; its connections belong to the loop that made them."""
        loop = asyncio.get_running_loop()
        if self._async_client is None or loop is not self._loop:
            self._loop = loop
            self._async_client = self._connect_async()
        return self._async_client

    def _connect(self, *, is_async: bool) -> _Client:
        module = self._async_redis if is_async else self._redis
        assert self._redis is not None
        assert module is not None
        retry = import_module("redis.asyncio.retry" if is_async else "redis.retry")
        backoff = import_module("redis.backoff")
        client: object = module.Redis.from_url(
            self._url,
            socket_timeout=self._seconds,
            socket_connect_timeout=self._seconds,
            retry=retry.Retry(backoff.NoBackoff(), 0),
        )
        return cast("_Client", client)

    def _connect_async(self) -> _AsyncClient:
        place = Place.of(self._url)
        if place is not None:
            return WireClient(place)
        return cast("_AsyncClient", self._connect(is_async=True))

    def _admit(self) -> int:
        if self._redis is None:
            self._fallbacks += 1
            raise RedisLost("redis is not installed")
        try:
            return self._breaker.admit()
        except Rejected as error:
            self._fallbacks += 1
            raise RedisLost(str(error)) from None

    def _error(self, name: str) -> type[Exception]:
        found: type[Exception] = getattr(self._redis.exceptions, name) if self._redis else OSError
        return found

    def _lose(self, permit: int, error: Exception) -> RedisLost:
        self._breaker.settle(permit, error)
        self._fallbacks += 1
        why = str(error) or type(error).__name__
        if not self._is_lost:
            self._is_lost = True
            _LOG.warning("%s: lost redis, working without it: %s", self.name, why)
        return RedisLost(why)

    def _win(self, permit: int) -> None:
        self._breaker.settle(permit, None)
        if self._is_lost:
            self._is_lost = False
            _LOG.warning("%s: redis is back", self.name)
