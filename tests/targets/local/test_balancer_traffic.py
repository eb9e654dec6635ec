"""Who gets which request, and that none is lost while replicas come, drain, fail and go."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.targets.local.balancer.server import NAME, Balancer
from fairway.targets.local.balancer.weights import weigh
from fairway.targets.local.processes import ProcessTable
from tests.targets.local.balancer_backend import (
    Load,
    a_front,
    backends,
    fetch,
    ports_in_use,
    under_load,
    until,
    until_in_use,
    whoever_lives,
)

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def balancer(tmp_path: Path) -> AsyncIterator[Balancer]:
    processes = ProcessTable(tmp_path / "run")
    balancer = Balancer(tmp_path / "balancer", processes)
    yield balancer
    await processes.stop(NAME, grace_seconds=0)
    await processes.reap_strays()


# -- Sessions and shares -------------------------------------------------------------------------


async def test_a_visitor_of_a_sticky_service_stays_until_the_replica_drains(
    balancer: Balancer,
) -> None:
    front = a_front(sticky=True)
    async with backends("one", "two") as (one, two):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        first = await fetch(front.port)
        cookie = f"cookie: {first.header('set-cookie').split(';')[0]}\r\n"
        assert "HttpOnly" in first.header("set-cookie")
        same = {(await fetch(front.port, headers=cookie)).header("x-me") for _ in range(20)}
        assert same == {first.header("x-me")}

        home, other = (one, two) if same == {"one"} else (two, one)
        await balancer.set_endpoints("api", [replace(home.endpoint, draining=True), other.endpoint])
        moved = await fetch(front.port, headers=cookie)
        assert moved.status == 200
        assert {moved.header("x-me")} != same
        assert moved.header("set-cookie")


@pytest.mark.requirement("R151", "C18")
async def test_a_canary_gets_its_share_of_the_requests(balancer: Balancer) -> None:
    front = a_front()
    async with backends("old1", "old2", "new") as (old1, old2, new):
        replicas = {"old": [old1.endpoint, old2.endpoint], "new": [new.endpoint]}
        await balancer.start([front], {"api": weigh({"old": 90, "new": 10}, replicas)})
        load = Load(front.port)
        running = asyncio.create_task(load.run(4))
        await until(lambda: load.requests >= 1000, 60)
        load.stopped = True
        await running
    assert not load.failures
    assert 8 <= 100 * load.served_by["new"] / load.requests <= 12


# -- Health --------------------------------------------------------------------------------------


@pytest.mark.requirement("R15")
async def test_a_replica_that_is_not_ready_gets_nothing_until_it_is(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one", "two") as (one, two):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        await one.ask("/ready/503")
        await until_in_use(balancer, two)
        assert {(await fetch(front.port)).header("x-me") for _ in range(10)} == {"two"}
        assert await ports_in_use(balancer, "fails its ready check") == {one.endpoint.port}

        await one.ask("/ready/200")
        await until_in_use(balancer, one, two)


async def test_with_nobody_ready_the_answer_is_503_at_once_and_says_so(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one") as (one,):
        await balancer.start([front], {"api": [one.endpoint]})
        await one.ask("/ready/503")
        await until_in_use(balancer)
        answer = await fetch(front.port, headers="x-request-id: req-1\r\n")
        assert (answer.status, answer.header("retry-after")) == (503, "1")
        assert json.loads(answer.body) == {
            "correlation_id": "req-1",
            "error": "no healthy upstream: no replica of this service is ready",
            "status": 503,
        }
        await balancer.set_endpoints("api", [])
        assert (await fetch(front.port)).status == 503


async def test_an_app_without_a_ready_path_is_asked_for_a_connection(balancer: Balancer) -> None:
    front = a_front(ready_path=None)
    async with backends("one") as (one,):
        await one.ask("/ready/503")
        await balancer.start([front], {"api": [one.endpoint]})
        assert (await fetch(front.port)).status == 200


async def test_a_new_replica_that_fails_its_check_does_not_replace_one_that_works(
    balancer: Balancer,
) -> None:
    front = a_front()
    async with backends("old", "new") as (old, new):
        await balancer.start([front], {"api": [old.endpoint]})
        await new.ask("/ready/503")
        with pytest.raises(Problems, match="fails its ready check"):
            await balancer.set_endpoints("api", [new.endpoint], usable_seconds=0.3)
        assert (await fetch(front.port)).header("x-me") == "old"


async def test_an_app_that_answers_500_stays_in_the_balancer(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one", "two") as (one, two):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        for _ in range(30):
            assert (await fetch(front.port, "/status/500")).status == 500
        assert len(await ports_in_use(balancer)) == 2
        assert int(await one.ask("/count")) + int(await two.ask("/count")) == 30  # none repeated


# -- No request is lost --------------------------------------------------------------------------


@pytest.mark.requirement("R142", "R145", "R146", "R154")
async def test_replicas_are_swapped_under_load_without_a_failed_request(
    balancer: Balancer,
) -> None:
    front = a_front()
    async with backends("one", "two", "three", "four") as apps:
        a, b, c, d = (app.endpoint for app in apps)
        await balancer.start([front], {"api": [a, b]})
        async with under_load(front.port) as loads:
            ways = ([c, b], [c, d], [a], [b, d], [a, b, c, d], [a, b])
            turn = 0
            while sum(load.requests for load in loads) < 4000 or turn < len(ways):
                await balancer.set_endpoints("api", ways[turn % len(ways)])
                turn += 1
                await asyncio.sleep(0.05)
    assert [load.failures for load in loads] == [[], [], [], []]
    served = {name for load in loads for name in load.served_by}
    assert served == {"one", "two", "three", "four"}


@pytest.mark.requirement("R154")
async def test_a_replica_that_ends_right_after_it_left_takes_no_request_with_it(
    balancer: Balancer,
) -> None:
    front = a_front()
    async with backends("one", "two", "three") as (one, two, three):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        async with under_load(front.port) as loads:
            for old, rest in ((one, [two.endpoint]), (two, [three.endpoint])):
                await asyncio.sleep(0.3)
                await balancer.set_endpoints("api", rest)
                await old.end(signal.SIGTERM)
            await asyncio.sleep(0.3)
    assert [load.failures for load in loads] == [[], [], [], []]


async def test_a_killed_replica_takes_no_get_request_with_it(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one", "two") as (one, two):
        await balancer.start([front], {"api": [one.endpoint, two.endpoint]})
        async with under_load(front.port, methods=("GET",)) as loads:
            await until(lambda: sum(load.requests for load in loads) > 300, 30)
            await one.end(signal.SIGKILL)
            killed_at = sum(load.requests for load in loads)
            await until(lambda: sum(load.requests for load in loads) > killed_at + 600, 30)
    failures = [failure for load in loads for failure in load.failures]
    # An answer whose head was sent when its replica died can't be asked for again.
    assert len(failures) <= 1
    assert all("IncompleteReadError" in failure for failure in failures)


async def test_a_post_that_a_replica_may_have_seen_is_not_sent_again(balancer: Balancer) -> None:
    front = a_front()
    async with backends("one", "two") as apps:
        await balancer.start([front], {"api": [app.endpoint for app in apps]})
        answer = await fetch(front.port, "/die", method="POST", body=b"pay 5")
        assert answer.status == 503
        left = await whoever_lives(apps)
        assert await left.ask("/count") == "0"
        # Nobody has seen this one: the dead replica refuses it, the other takes it.
        for _ in range(10):
            assert (await fetch(front.port, method="POST", body=b"pay 5")).status == 200


async def test_a_draining_replica_finishes_what_it_has_and_gets_no_more(
    balancer: Balancer,
) -> None:
    front = a_front()
    async with backends("old", "new") as (old, new):
        await balancer.start([front], {"api": [old.endpoint]})
        slow = asyncio.create_task(fetch(front.port, "/sleep/1"))
        await asyncio.sleep(0.2)
        drains = replace(old.endpoint, draining=True)
        await balancer.set_endpoints("api", [drains, new.endpoint])
        assert {(await fetch(front.port)).header("x-me") for _ in range(5)} == {"new"}
        (state,) = (s for s in (await balancer.endpoints())["api"] if s.why == "draining")
        assert (state.port, state.in_flight) == (old.endpoint.port, 1)

        await balancer.set_endpoints("api", [new.endpoint])  # gone, and it still finishes
        answer = await slow
        assert (answer.status, answer.header("x-me")) == (200, "old")
