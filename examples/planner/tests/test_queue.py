"""A thousand simulations at once: a bounded line, clear words beyond it, nothing lost."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2 as httpx
from longrun.service import Service
from longrun.web_parts import create_app

from tests.conftest import ADA, cookies, settings_in

PLAN: dict[str, Any] = {"portfolio": 1_000_000, "annual_spending": 40_000, "scenarios": 10}


def test_a_thousand_simulations_wait_or_are_told_to_come_again(tmp_path: Path) -> None:
    service = Service(settings_in(tmp_path))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(service)),
            base_url="http://test",
            cookies=cookies(service.settings, ADA),
            timeout=60,
        ) as client:
            return await asyncio.gather(
                *(
                    client.post("/api/simulate", json={**PLAN, "years": 1, "seed": seed})
                    for seed in range(1000)
                )
            )

    answers = asyncio.run(ask())
    seen = Counter(answer.status_code for answer in answers)
    assert set(seen) == {200, 503}
    assert sum(seen.values()) == 1000
    assert seen[200] >= 200  # as many as may wait, at least
    for answer in answers:
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "2"
            assert "too many simulations are waiting" in answer.json()["detail"]
    done = {answer.headers["x-record"] for answer in answers if answer.status_code == 200}
    records = [str(one.detail["record"]) for one in service.trail.log.records()]
    assert sorted(records) == sorted(done)
    assert service.trail.verify().is_intact
    service.close()
