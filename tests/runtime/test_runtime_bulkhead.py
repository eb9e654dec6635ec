"""The bulkhead: never more at once than it has places, and nobody waits for ever."""

import asyncio
import threading
import time

import pytest

from fairway_runtime.bulkhead import Bulkhead, BulkheadFull
from fairway_runtime.figures import Roll
from tests.runtime.serving import until


def figures(bulkhead: Bulkhead) -> dict[str, float]:
    return {figure.name.removeprefix("bulkhead_"): figure.value for figure in bulkhead.figures()}


def test_tasks_beyond_the_places_wait_in_order_and_beyond_the_queue_are_rejected() -> None:
    bulkhead = Bulkhead("reports", most=2, waiting=2, wait_seconds=30)
    order: list[int] = []

    @bulkhead
    async def work(number: int) -> None:
        order.append(number)
        await asyncio.sleep(0.01)

    async def main() -> list[BaseException | None]:
        return await asyncio.gather(*(work(n) for n in range(6)), return_exceptions=True)

    outcomes = asyncio.run(main())
    assert order == [0, 1, 2, 3]
    assert [type(one) for one in outcomes[4:]] == [BulkheadFull] * 2
    assert figures(bulkhead) == {"running": 0, "waiting": 0, "rejections_total": 2}


def test_threads_and_tasks_share_the_places() -> None:
    bulkhead = Bulkhead("reports", most=3, waiting=100, wait_seconds=30)
    lock = threading.Lock()
    at_once = [0, 0]  # now, at most

    def move(by: int) -> None:
        with lock:
            at_once[0] += by
            at_once[1] = max(at_once)

    @bulkhead
    def in_thread() -> None:
        move(1)
        time.sleep(0.002)
        move(-1)

    @bulkhead
    async def in_task() -> None:
        move(1)
        await asyncio.sleep(0.002)
        move(-1)

    async def main() -> None:
        await asyncio.gather(
            *(asyncio.to_thread(in_thread) for _ in range(20)), *(in_task() for _ in range(20))
        )

    asyncio.run(main())
    assert at_once == [0, 3]
    assert figures(bulkhead)["running"] == 0


@pytest.mark.parametrize("is_async", [False, True])
def test_who_waits_too_long_is_rejected_and_leaves_the_queue(is_async: bool) -> None:
    bulkhead = Bulkhead("reports", most=1, waiting=1, wait_seconds=0.01)

    async def wait() -> None:
        async with bulkhead:
            pass

    with bulkhead:
        with pytest.raises(BulkheadFull, match="reports is full"):
            asyncio.run(wait()) if is_async else bulkhead.__enter__()
        assert figures(bulkhead) == {"running": 1, "waiting": 0, "rejections_total": 1}
    with bulkhead:
        pass


def test_a_cancelled_waiter_takes_no_place_with_it() -> None:
    bulkhead = Bulkhead("reports", most=1, waiting=2, wait_seconds=30)

    async def hold(seconds: float) -> None:
        async with bulkhead:
            await asyncio.sleep(seconds)

    async def main() -> None:
        first = asyncio.create_task(hold(0.01))
        await asyncio.sleep(0)
        in_queue = asyncio.create_task(hold(60))
        await asyncio.sleep(0)
        in_queue.cancel()  # while it waits
        await first
        second = asyncio.create_task(hold(0))
        await asyncio.sleep(0)
        handed = asyncio.create_task(hold(60))
        await second
        handed.cancel()  # at the moment the place is handed over
        await asyncio.gather(in_queue, handed, return_exceptions=True)

    asyncio.run(main())
    assert figures(bulkhead) == {"running": 0, "waiting": 0, "rejections_total": 0}


def test_a_waiter_whose_loop_is_gone_is_passed_over() -> None:
    bulkhead = Bulkhead("reports", most=1, waiting=2, wait_seconds=30)
    with bulkhead:
        loop = asyncio.new_event_loop()
        waiting = bulkhead.__aenter__()
        task = loop.create_task(waiting)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        thread = threading.Thread(target=bulkhead.__enter__)
        thread.start()
        until(lambda: figures(bulkhead)["waiting"] == 2)
    thread.join(10)
    assert not thread.is_alive()
    assert figures(bulkhead)["running"] == 1
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_places_and_rejections_are_told() -> None:
    roll, bulkhead = Roll(), Bulkhead("reports", most=1)
    roll.add(bulkhead)
    with bulkhead, pytest.raises(BulkheadFull), bulkhead:
        pass
    assert 'bulkhead_rejections_total{bulkhead="reports"} 1' in list(roll.collect())
