"""Rates: a signed-in user's requests count as that user's, a stranger's as her address's (R218)."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from longrun.people import Person
from longrun.service import Service, current
from longrun.web_parts import create_app

from tests.conftest import ADA, BEN, cookies


def test_each_user_has_a_rate_of_her_own(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/unused.db")
    monkeypatch.setenv("RATE_LIMIT", "3/min")
    monkeypatch.setenv("FAIRWAY_LOGS", "off")
    current.cache_clear()
    from longrun.web import limited  # it reads the environment

    with TestClient(limited(create_app(service))) as client:

        def asked(person: Person | None) -> list[int]:
            headers = {}
            if person is not None:
                found = cookies(service.settings, person)
                headers = {"cookie": "; ".join(f"{n}={value}" for n, value in found.items())}
            return [client.get("/api/me", headers=headers).status_code for _ in range(4)]

        assert asked(ADA) == [200, 200, 200, 429]
        assert asked(BEN) == [200, 200, 200, 429]
        assert asked(None) == [401, 401, 401, 429]
        refused = client.get("/api/me")
        assert int(refused.headers["retry-after"]) > 0
    current().close()
    current.cache_clear()
