"""What every test may ask for: golden text.

Markers (see `[tool.pytest]` in pyproject.toml): `requirement`, `validated`, `real`, `acceptance`.
A test of a package's own parts shares its fakes as a module beside it
(`from tests.engine.fake_driver import FakeDriver`), not through this file.
"""

import difflib
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Time is measured in bench/, not here: a busy machine must not fail a property. The same code is
# judged by the same examples wherever it is tested; `make search` looks for others.
settings.register_profile("thorough", deadline=None, derandomize=True)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=10)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("thorough")

# A job in a shell's background ignores Ctrl-C, and so would whatever a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden",
        action="store_true",
        help="rewrite golden files, and run only the tests that hold text against one",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under `--golden` only the tests that can rewrite something run."""
    if not config.getoption("--golden"):
        return
    kept = [item for item in items if "golden" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: `text` is what `golden/<name>` beside the test holds, to the byte.

    Fails with a unified diff; under `--golden` it writes the file instead, and the change is
    reviewed as code.
    """
    folder = request.path.parent / "golden"
    rewrite = bool(request.config.getoption("--golden"))

    def hold(name: str, text: str) -> None:
        file = folder / name
        if rewrite:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
            return
        difference = _difference(file, text)
        if difference:
            pytest.fail(difference, pytrace=False)

    return hold


def _difference(file: Path, text: str) -> str:
    """What to show where `file` does not hold `text`; empty where it does."""
    advice = "`make golden` rewrites golden files; read the change before you commit it."
    if not file.exists():
        return f"{file}: no such golden file.\n{advice}"
    held = file.read_bytes().decode()
    if held == text:
        return ""
    lines = difflib.unified_diff(
        held.splitlines(keepends=True),
        text.splitlines(keepends=True),
        fromfile=f"{file.parent.name}/{file.name} (held)",
        tofile=f"{file.parent.name}/{file.name} (now)",
    )
    shown = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    return f"{shown or 'Only the ends of lines differ.'}\n{advice}"
