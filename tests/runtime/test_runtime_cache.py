"""The cache: bounds, keys, one computation at a time, and a Redis that may go at any moment."""

import asyncio
import dataclasses
import datetime as dt
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.cache import ABSENT, Cache, Json
from fairway_runtime.cached import cached
from fairway_runtime.figures import Roll
from fairway_runtime.keys import UnkeyableError, digest, plain_key
from fairway_runtime.redis_link import RedisLink
from tests.properties import examples
from tests.runtime.redis_server import RedisServer
from tests.runtime.ticking import Ticking


@dataclasses.dataclass(frozen=True)
class Plan:
    years: int
    rates: tuple[float, ...] = ()


@pytest.mark.requirement("R93")
def test_it_keeps_no_more_bytes_than_it_may_and_nothing_longer_than_its_time() -> None:
    clock = Ticking()
    cache = Cache("plans", max_bytes=10_000, ttl_seconds=600, clock=clock)
    for number in range(100):
        cache.put(number, "x" * 1000)
        held = {one.name: one.value for one in cache.figures()}
        assert held["cache_bytes"] <= 10_000
    assert 5 <= len(cache) <= 10
    assert cache.get(99) == "x" * 1000
    assert cache.get(0) is ABSENT
    cache.put("huge", "x" * 20_000)
    assert cache.get("huge") is ABSENT
    clock.now += 600
    assert cache.get(99) is ABSENT


@pytest.mark.requirement("R171")
def test_a_second_look_before_the_work_is_done_is_no_second_miss() -> None:
    clock = Ticking()
    cache = Cache("plans", ttl_seconds=600, clock=clock)
    assert cache.get("a") is ABSENT
    assert cache.peek("a") is ABSENT
    cache.put("a", 1)
    assert cache.peek("a") == 1
    clock.now += 600
    assert cache.peek("a") is ABSENT
    counted = {one.name: one.value for one in cache.figures()}
    assert (counted["cache_hits_total"], counted["cache_misses_total"]) == (0, 1)


@pytest.mark.requirement("R93")
def test_by_default_it_is_500_mb_and_the_environment_s_ttl() -> None:
    assert Cache.from_environment("plans", {"CACHE_TTL": "1800"}).ttl_seconds == 1800
    cache = Cache.from_environment("plans", {})
    assert (cache.ttl_seconds, cache._max_bytes) == (3600, 500 * 1024 * 1024)


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "get", "get", "pass"]), st.integers(0, 6)), max_size=60
    )
)
@pytest.mark.requirement("R93")
def test_it_does_what_its_dumb_twin_does(steps: list[tuple[str, int]]) -> None:
    clock = Ticking()
    cache = Cache("plans", max_bytes=4 * 1600, ttl_seconds=10, clock=clock)
    twin: list[tuple[int, int, float]] = []  # key, value, end; the one used last stands last
    for number, (step, key) in enumerate(steps):
        if step == "pass":
            clock.now += key
            continue
        same = [one for one in twin if one[0] == key]
        if step == "get":
            twin = [one for one in twin if one[0] != key]
            alive = [one for one in same if one[2] > clock.now]
            twin += alive
            found = cache.get(key)
            assert (found is ABSENT) == (not alive)
            if alive:
                assert found == (alive[0][1], "x" * 900)
        else:
            twin = [one for one in twin if one[0] != key]
            twin = [*twin, (key, number, clock.now + 10)][-4:]
            cache.put(key, (number, "x" * 900))
        assert len(cache) == len(twin)


SAME = [1, 1.0, True, "1", b"1", 0.0, -0.0, None, "", (), [], {}, (1,), [1], {"a": 1}, {1: 2}]
MORE = [{1, 2}, Plan(1), Plan(2), Plan(1, (0.5,)), dt.date(2026, 1, 1), ("a", "b"), ("ab", "")]


def test_no_two_different_arguments_have_the_same_key() -> None:
    values = [*SAME, *MORE]
    assert len({digest(one) for one in values}) == len(values)
    keys = [plain_key((one,), {}) or digest(one) for one in values]
    assert len(set(keys)) == len(values)
    assert plain_key((1,), {"a": 2}) != plain_key((1, 2), {})
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    assert digest(Plan(1, (0.5,))) == digest(Plan(1, (0.5,)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_digests_are_equal_where_values_are_written_alike(one: object, other: object) -> None:
    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(sorted(f"{k!r}:{written(v)}" for k, v in value.items())) + "}"
        return f"[{','.join(map(written, value))}]" if isinstance(value, list) else repr(value)

    assert (digest(one) == digest(other)) == (written(one) == written(other))


LIKE = st.sampled_from([0, 1, 1.0, True, False, 0.0, -0.0, "1", b"1", None, "x", "y", (1,), 2.5])
CALLS = st.tuples(
    st.sampled_from(["call", "call", "call", "pass", "clear"]),
    st.lists(LIKE, max_size=3),
    st.dictionaries(st.sampled_from(["x", "y", "1"]), LIKE, max_size=3),
)


@examples(300)
@given(st.lists(CALLS, max_size=40), st.booleans())
@pytest.mark.requirement("R93")
def test_whatever_is_called_however_often_the_answer_is_that_of_the_function_itself(
    steps: list[tuple[str, list[object], dict[str, object]]], is_async: bool
) -> None:
    clock, made = Ticking(), []
    cache = Cache("plans", max_bytes=6 * 1000, ttl_seconds=10, clock=clock)

    def said(*args: object, **kwargs: object) -> tuple[object, ...]:
        named = sorted((name, type(one), repr(one)) for name, one in kwargs.items())
        return (*((type(one), repr(one)) for one in args), len(args), *named)

    async def said_async(*args: object, **kwargs: object) -> tuple[object, ...]:
        made.append(clock.now)
        return said(*args, **kwargs)

    def said_now(*args: object, **kwargs: object) -> tuple[object, ...]:
        made.append(clock.now)
        return said(*args, **kwargs)

    kept: dict[tuple[object, ...], float] = {}  # what the last of the same calls was made at
    compute, compute_now = cached(cache=cache)(said_async), cached(cache=cache)(said_now)

    async def main() -> None:
        for step, args, kwargs in steps:
            if step == "pass":
                clock.now += len(args)
            elif step == "clear":
                cache.clear()
                kept.clear()
            else:
                before = len(made)
                call = compute(*args, **kwargs) if is_async else None
                answer = await call if call else compute_now(*args, **kwargs)
                assert answer == said(*args, **kwargs)
                if len(made) > before:
                    kept[answer] = clock.now
                else:
                    assert clock.now - kept[answer] < 10

    asyncio.run(main())
    dictionaries = {id(entry.aliases): entry.aliases for entry in cache._entries.values()}
    assert sum(len(one) for one in dictionaries.values() if one is not None) <= len(cache)


def test_a_hit_is_found_again_after_another_call_with_equal_arguments(tmp_path: Path) -> None:
    made: list[object] = []

    @cached(cache=Cache("plans"))
    def kind(value: object, *, other: object = None) -> object:
        made.append(value)
        return (type(value), type(other))

    for _ in range(3):
        for value in (1, True, 1.0, "1"):
            assert kind(value) == (type(value), type(None))
            assert kind(value, other=True) == (type(value), bool)
            assert kind(value, other=1) == (type(value), int)
    assert len(made) == 12


def test_threads_that_fill_it_beyond_its_bound_break_nothing() -> None:
    cache = Cache("plans", max_bytes=20_000)
    faults: list[object] = []

    @cached(cache=cache)
    def double(number: int) -> int:
        return number * 2

    def work(seed: int) -> None:
        try:
            for number in range(3000):
                value = (number * seed) % 60
                if double(value) != value * 2:
                    faults.append(value)
        except Exception as error:  # noqa: BLE001 (whatever a race may raise)
            faults.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 7, 11, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert len(cache._entries) == len(cache._order)
    assert cache._bytes == sum(entry.size for entry in cache._entries.values()) <= 20_000


def test_arrays_are_keyed_by_type_shape_and_content() -> None:
    import numpy as np  # where it is needed: others that ask for this module need not wait

    arrays = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, "float32"), np.ones(4)]
    assert len({digest(one) for one in arrays}) == 4
    assert digest(np.zeros(4)) == digest(np.zeros(4))
    assert digest(np.float64(1)) != digest(np.float32(1))
    with pytest.raises(UnkeyableError):
        digest(np.array([object()]))


def test_what_cannot_be_keyed_is_refused_unless_a_key_is_given() -> None:
    calls: list[object] = []

    @cached(cache=Cache("plans"))
    def refused(value: object) -> None: ...

    @cached(cache=Cache("plans"), key=lambda value: type(value).__name__)
    def keyed(value: object) -> int:
        calls.append(value)
        return len(calls)

    with pytest.raises(UnkeyableError, match=r"value of a object .* or give cached\(key="):
        refused(object())
    assert (keyed(object()), keyed(object()), keyed(Ticking())) == (1, 1, 2)


def test_of_twenty_threads_one_computes_and_its_error_is_everybody_s_and_kept_by_none() -> None:
    made: list[int] = []
    outcomes: list[object] = []

    @cached(cache=Cache("plans"))
    def compute(number: int) -> int:
        made.append(number)
        time.sleep(0.2)
        if number < 0:
            raise ValueError(number)
        return number * 2

    def ask(number: int) -> None:
        try:
            outcomes.append(compute(number))
        except ValueError as error:
            outcomes.append(error.args[0])

    for number in (21, -1):
        threads = [threading.Thread(target=ask, args=(number,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert made == [21, -1]
    assert outcomes == [42] * 20 + [-1] * 20
    assert compute(21) == 42
    with pytest.raises(ValueError, match="-1"):
        compute(-1)
    assert made == [21, -1, -1]


def test_of_many_tasks_one_computes_and_it_may_be_cancelled_without_harm_to_the_others() -> None:
    made: list[int] = []
    ended: list[str] = []

    @cached(cache=Cache("plans"))
    async def compute(number: int) -> int:
        made.append(number)
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            ended.append("cut")
            raise
        return number * 2

    async def main() -> None:
        tasks = [asyncio.create_task(compute(1)) for _ in range(50)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # the one who began it
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert answers[1:] == [2] * 49
        assert made == [1]
        alone = asyncio.create_task(compute(5))
        await asyncio.sleep(0.001)
        alone.cancel()
        again = asyncio.create_task(compute(5))
        await asyncio.gather(alone, return_exceptions=True)
        assert await again == 10

    asyncio.run(main())
    asyncio.run(compute(1))  # another loop, the same answer
    assert made[0] == 1
    assert made.count(1) == 1


@pytest.mark.requirement("R171")
def test_hits_misses_and_their_share_are_told() -> None:
    roll, cache = Roll(), Cache("plans")
    roll.add(cache)

    @cached(cache=cache)
    def double(number: int) -> int:
        return number * 2

    for _ in range(4):
        double(1)
    text = list(roll.collect())
    assert 'cache_hits_total{cache="plans"} 3' in text
    assert 'cache_misses_total{cache="plans"} 1' in text
    assert 'cache_hit_ratio{cache="plans"} 0.75' in text


@pytest.mark.parametrize("value", [(1,), {1: 2}, float("nan"), b"x", "\ud800", {"a": {1}}])
def test_what_json_would_change_does_not_travel(value: object) -> None:
    assert Json().dumps(value) is None


made_here: list[int] = []


def answer(number: int) -> dict[str, int]:
    made_here.append(number)
    return {"answer": number}


async def answer_async(number: int) -> dict[str, int]:
    return answer(number)


@pytest.mark.requirement("R98", "R231")
def test_it_works_where_redis_does_not() -> None:
    made_here.clear()
    cache = Cache("plans", link=RedisLink("redis://127.0.0.1:1/0", "cache"))
    assert [cached(cache=cache)(answer)(1) for _ in range(3)] == [{"answer": 1}] * 3
    assert made_here == [1, 1, 1]  # three functions of one name, each with keys of its own
    compute = cached(cache=cache)(answer_async)
    assert asyncio.run(compute(2)) == asyncio.run(compute(2)) == {"answer": 2}
    assert made_here == [1, 1, 1, 2]


@pytest.mark.real
@pytest.mark.requirement("R94", "R98", "R99", "R231")
def test_replicas_share_answers_in_redis_and_do_without_it_while_it_is_gone(tmp_path: Path) -> None:
    made_here.clear()

    async def main(server: RedisServer) -> None:
        links = [RedisLink(server.url, f"cache{n}", seconds=5) for n in range(3)]
        one, other, third = (cached(cache=Cache("plans", link=link))(answer) for link in links)
        assert one(1) == other(1) == {"answer": 1}
        compute = cached(cache=Cache("plans", link=links[2]))(answer_async)
        assert await compute(7) == {"answer": 7}
        assert await cached(cache=Cache("plans", link=links[0]))(answer_async)(7) == {"answer": 7}
        assert made_here == [1, 7]
        server.kill()
        assert one(1) == third(1) == {"answer": 1}
        assert one(2) == {"answer": 2}
        assert made_here == [1, 7, 1, 2]
        server.start()
        await asyncio.sleep(1.1)  # the pause after a failure
        assert one(3) == {"answer": 3}
        assert cached(cache=Cache("plans", link=links[0]))(answer)(3) == {"answer": 3}
        assert made_here == [1, 7, 1, 2, 3]
        for link in links:
            await link.close()

    with RedisServer(tmp_path) as server:
        asyncio.run(main(server))
