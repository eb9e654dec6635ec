"""An API of a test's own, on a database of its own."""

from collections.abc import Generator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from longrun.api import create_api
from longrun.service import Service
from longrun.settings import Settings
from longrun.store import Store, make_sqlite_schema


@pytest.fixture
def service(tmp_path: Path) -> Generator[Service]:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/test.db")
    make_sqlite_schema(settings)
    store = Store(settings)
    yield Service(settings, store)
    store.close()


@pytest.fixture
def client(service: Service) -> Generator[TestClient]:
    with TestClient(create_api(service), raise_server_exceptions=False) as found:
        yield found
