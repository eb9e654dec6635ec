"""`@cached`: a function whose answers are kept, computed once however many ask at once.

The first who asks computes; the others wait for that answer, in threads and in tasks. Nothing is
kept of a call that failed, and each who waited gets its error.
"""

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar, cast

from fairway_runtime.cache import ABSENT, Cache, Entry
from fairway_runtime.calls import is_async
from fairway_runtime.keys import digest, digest_of_call, plain_key

__all__ = ["cached"]

P = ParamSpec("P")
R = TypeVar("R")

_default: list[Cache] = []  # one a process, made when first used: 500 MB are for all functions
_default_lock = threading.Lock()


def cached(
    *,
    ttl: float | None = None,
    cache: Cache | None = None,
    key: Callable[..., object] | None = None,
    version: str = "1",
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's answers for `ttl` seconds; without, for as long as its cache does.

    The key covers the function's name, `version` and every argument by value (or what
    `key(*args, **kwargs)` returns); an argument that has no value to tell raises
    `UnkeyableError`. Answers are shared: who changes one changes it for all. Change `version`
    with the function's meaning, because Redis outlives a deploy. Functions inside functions are
    kept in memory only: what they close over is no part of a key.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        calls = _Calls(function, cache, ttl, key, version)
        if is_async(function):
            return cast("Callable[P, R]", _cached_async(cast("Callable[P, Any]", function), calls))
        return _cached(function, calls)

    return decorate


def _cached(function: Callable[P, R], calls: "_Calls") -> Callable[P, R]:
    quick = calls.quick

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if kwargs:
                values = kwargs.values()
                entry = quick[*args, *kwargs, *values]
                kinds = tuple(map(type, (*args, *values)))
            else:
                entry, kinds = quick[args], tuple(map(type, args))
            if entry.kinds == kinds and calls.cache.hit(entry):
                return entry.value  # pyright: ignore[reportReturnType] (what the function gave)
        except (KeyError, TypeError):  # not there, or a list among the arguments
            pass
        where = calls.key(args, kwargs)
        found = calls.find(where, args, kwargs)
        if found is ABSENT:
            found = calls.make_once(where, args, kwargs)
        return cast("R", found)

    return call


def _cached_async(function: Callable[P, Any], calls: "_Calls") -> Callable[P, Any]:
    quick = calls.quick
    flights: dict[Hashable, _Flight] = {}

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> object:
        try:
            if kwargs:
                values = kwargs.values()
                entry = quick[*args, *kwargs, *values]
                kinds = tuple(map(type, (*args, *values)))
            else:
                entry, kinds = quick[args], tuple(map(type, args))
            if entry.kinds == kinds and calls.cache.hit(entry):
                return entry.value
        except (KeyError, TypeError):
            pass
        where = calls.key(args, kwargs)
        found = calls.find(where, args, kwargs)
        if found is not ABSENT:
            return found
        place = (asyncio.get_running_loop(), where)
        flight = flights.get(place)
        if flight is None or flight.is_over:
            task = asyncio.ensure_future(calls.make(where, args, kwargs))
            flight = flights[place] = _Flight(task)
        try:
            return await flight.wait()
        finally:
            if flight.is_over and flights.get(place) is flight:
                del flights[place]

    return call


class _Flight:
    """A call under way that tasks wait for; when the last has gone away, it is cancelled."""

    __slots__ = ("_task", "_waiting", "is_over")

    def __init__(self, task: "asyncio.Future[object]") -> None:
        self._task = task
        self._waiting = 0
        self.is_over = False

    async def wait(self) -> object:
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting or self._task.done():
                self.is_over = True
                self._task.cancel()


class _Turn:
    """A call under way that threads wait for."""

    __slots__ = ("error", "is_over", "thread", "value")

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.thread = threading.get_ident()
        self.value: object = ABSENT
        self.error: Exception | None = None


class _Calls:
    """One function's keys and calls."""

    def __init__(
        self,
        function: Callable[..., Any],
        cache: Cache | None,
        ttl: float | None,
        key: Callable[..., object] | None,
        version: str,
    ) -> None:
        self._function = function
        self._given = cache
        self._ttl = ttl
        self._key = key
        self._signature = inspect.signature(function)
        self._name = f"{function.__module__}.{function.__qualname__}:{version}"
        self._token = object()  # of this very function: two closures may have one name
        self._may_share = "<locals>" not in function.__qualname__
        # Entries by plain arguments, names and values, flat: a key that says types as well would
        # cost more to hash than all else in a hit. Equal ones are told apart by `Entry.kinds`,
        # which has the types of arguments and values, and by its length how many are named.
        self.quick: dict[Hashable, Entry] = {}
        self._lock = threading.Lock()
        self._turns: dict[Hashable, _Turn] = {}

    @functools.cached_property
    def cache(self) -> Cache:
        return _process_cache() if self._given is None else self._given

    def key(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Hashable:
        if self._key is not None:
            return (self._token, digest(self._key(*args, **kwargs)))
        plain = plain_key(args, kwargs)
        if plain is None:
            plain = digest_of_call(self._signature, args, kwargs)
        return (self._token, plain)

    def find(self, where: Hashable, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        """The value at `where`, or `ABSENT`; found once, it is found more quickly."""
        entry = self.cache.find(where)
        if entry is None:
            return ABSENT
        self._give_alias(entry, args, kwargs)
        return entry.value

    async def make(
        self, where: Hashable, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> object:
        """From Redis, or from the function; kept in both."""
        shared = self._shared_key(args, kwargs)
        value = await self.cache.fetch(shared) if shared else ABSENT
        if value is ABSENT:
            value = await self._function(*args, **kwargs)
            if shared:
                await self.cache.share(shared, value, self._seconds)
        self._keep(where, args, kwargs, value)
        return value

    def make_once(
        self, where: Hashable, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> object:
        """`make` in this thread, or wait for the one that is at it."""
        while True:
            with self._lock:
                turn = self._turns.get(where)
                if turn is None:
                    mine = self._turns[where] = _Turn()
                    break
            if turn.thread == threading.get_ident():  # the function calls itself
                return self._function(*args, **kwargs)
            turn.is_over.wait()
            if turn.error is not None:
                raise turn.error
            if turn.value is not ABSENT:
                return turn.value
        try:
            mine.value = self._make_now(where, args, kwargs)
        except Exception as error:
            mine.error = error
            raise
        finally:  # Ctrl-C leaves neither value nor error: the next one computes
            with self._lock:
                del self._turns[where]
            mine.is_over.set()
        return mine.value

    def _make_now(
        self, where: Hashable, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> object:
        shared = self._shared_key(args, kwargs)
        value = self.cache.fetch_now(shared) if shared else ABSENT
        if value is ABSENT:
            value = self._function(*args, **kwargs)
            if shared:
                self.cache.share_now(shared, value, self._seconds)
        self._keep(where, args, kwargs, value)
        return value

    def _keep(
        self,
        where: Hashable,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        value: object,
    ) -> None:
        entry = self.cache.put(where, value, self._seconds)
        if entry is not None:
            self._give_alias(entry, args, kwargs)

    def _give_alias(
        self, entry: Entry, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        """Only for plain arguments, which is when the key tells their values and not a digest."""
        plain = cast("tuple[object, object]", entry.key)[1]
        if type(plain) is tuple:
            values = kwargs.values()
            kinds = tuple(map(type, (*args, *values)))
            self.cache.give_alias(entry, self.quick, (*args, *kwargs, *values), kinds)

    @property
    def _seconds(self) -> float:
        return self.cache.ttl_seconds if self._ttl is None else self._ttl

    def _shared_key(self, args: tuple[object, ...], kwargs: dict[str, object]) -> str:
        if self.cache.link is None or not self._may_share:
            return ""
        if self._key is not None:
            return f"{self._name}:{digest(self._key(*args, **kwargs))}"
        return f"{self._name}:{digest_of_call(self._signature, args, kwargs)}"


def _process_cache() -> Cache:
    with _default_lock:
        if not _default:
            _default.append(Cache.from_environment("default"))
        return _default[0]
