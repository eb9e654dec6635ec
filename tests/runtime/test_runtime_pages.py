"""The examples in the runtime's pages run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real
DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted((DOCS / "runtime").glob("*.md")), DOCS / "guides/harden.md"]
MODULES = (
    *("breaker", "retry", "bulkhead", "bucket", "limits", "clients", "cache", "cached", "keys"),
    *("audit", "audit_file", "audit_postgres", "audit_export"),
    *("sessions", "session_seal", "session_store"),
    *("database", "database_threads", "database_engines", "database_settings"),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        ran = subprocess.run(
            [sys.executable, "-c", example], capture_output=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr.decode()


# A child of a Python that has imported nothing, for each module: cheaper than a Python each.
ALONE = """
import os, sys
drivers = {"redis", "psycopg", "boto3", "sqlalchemy"}
for module in sys.argv[1:]:
    if not (child := os.fork()):
        __import__(module)
        sys.exit(f"{module} brings {found}" if (found := drivers & set(sys.modules)) else 0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{module} cannot be imported alone")
"""


def test_each_module_can_be_imported_alone_and_brings_no_driver() -> None:
    modules = [f"fairway_runtime.{module}" for module in MODULES]
    ran = subprocess.run(
        [sys.executable, "-c", ALONE, *modules], capture_output=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr.decode()
