"""Whatever is sent by the schema or against it, nothing ends in a 5xx."""

from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from longrun.api import create_api
from longrun.service import Service
from longrun.settings import Settings
from longrun.store import Store, make_sqlite_schema


def test_no_request_ends_in_a_server_error(tmp_path: Path) -> None:
    found = Settings(database_url=f"sqlite:///{tmp_path}/test.db")
    make_sqlite_schema(found)
    store = Store(found)
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", create_api(Service(found, store)))
    paths: set[str] = set()
    for operation in (one.ok() for one in schema.get_all_operations()):
        paths.add(operation.path)

        @settings(
            max_examples=20,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(case=operation.as_strategy())
        def never_5xx(case: Any) -> None:
            assert case.call().status_code < 500

        never_5xx()
    store.close()
    assert len(paths) == 8


def test_the_migration_is_the_same_on_an_empty_file_and_again(tmp_path: Path) -> None:
    found = Settings(database_url=f"sqlite:///{tmp_path}/twice.db")
    make_sqlite_schema(found)
    make_sqlite_schema(found)
    store = Store(found)
    assert store.scenarios("nobody") == []
    store.close()
