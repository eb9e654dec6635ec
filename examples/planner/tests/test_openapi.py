"""Whatever is sent by the schema or against it, by whomever, nothing ends in a 5xx."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from longrun.database import Database
from longrun.people import Person
from longrun.service import Service
from longrun.store import Store, make_sqlite_schema
from longrun.web_parts import create_app
from starlette.testclient import TestClient

from tests.conftest import ADA, CLEO, cookies, settings_in

# Signing in checks a password, which takes a tenth of a second; so does signing out end sessions.
FEWER = {"/login": 5, "/logout": 2}


@pytest.mark.parametrize("person", [ADA, CLEO, None], ids=["adviser", "compliance", "stranger"])
def test_no_request_ends_in_a_server_error(tmp_path: Path, person: Person | None) -> None:
    found = settings_in(tmp_path)
    service = Service(found)
    app = create_app(service)
    schema: Any = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    # Signing out ends what comes after it: it comes last.
    operations = sorted((one.ok() for one in schema.get_all_operations()), key=_is_last)
    for operation in operations:
        if person is CLEO and not operation.path.startswith("/audit"):
            continue  # the same as for an adviser
        seen = _statuses(operation, {} if person is None else {"cookie": _cookie(service, person)})
        assert max(seen) < 500, operation.path
        if person is None:
            assert seen == {401} or operation.path == "/login"
        elif operation.path not in ("/login", "/logout"):
            assert 401 not in seen, operation.path
            assert seen - {404} or operation.path == "/scenarios/{key}"
    service.close()
    paths = {operation.path for operation in operations}
    assert len(paths) == 13
    assert {"/audit", "/audit/verification", "/me", "/simulate"} <= paths


def _statuses(operation: Any, headers: dict[str, str]) -> set[int]:
    """What is answered to requests made from the schema, and to ones against it."""
    seen: set[int] = set()
    most = 8 if headers else 3

    @settings(
        max_examples=min(most, FEWER.get(operation.path, most)),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        seen.add(case.call(headers=headers).status_code)

    ask()
    return seen


def _is_last(operation: Any) -> bool:
    return operation.path == "/logout"


def _cookie(service: Service, person: Person) -> str:
    return "; ".join(f"{n}={value}" for n, value in cookies(service.settings, person).items())


def test_the_migrations_are_the_same_on_an_empty_file_and_again(tmp_path: Path) -> None:
    found = settings_in(tmp_path)
    make_sqlite_schema(found)
    database = Database(found, "test", connections=1)
    assert Store(database).scenarios("nobody", ADA) == []
    database.close()


def test_the_schema_is_open_to_everybody_and_nothing_else_is(tmp_path: Path) -> None:
    service = Service(settings_in(tmp_path))
    with TestClient(create_app(service)) as client:
        assert client.get("/api/openapi.json").status_code == 200
        assert client.get("/api/history?client_id=c-1").status_code == 401
    service.close()
