"""The examples in the runtime's pages run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_each_module_can_be_imported_alone_and_brings_no_driver() -> None:
    drivers = "{'redis', 'psycopg', 'boto3', 'sqlalchemy'}"
    code = (
        "import sys, importlib as i; i.import_module(sys.argv[1]);"
        f"print(bool({drivers} & set(sys.modules)))"
    )
    for module in MODULES:
        ran = subprocess.run(
            [sys.executable, "-c", code, f"fairway_runtime.{module}"],
            capture_output=True,
            check=False,
        )
        assert ran.stdout.strip() == b"False", (module, ran.stderr.decode())
