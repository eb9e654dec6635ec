"""A revision's bytecode is there before anything runs from it."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from fairway.programs import priority
from fairway.targets.local.bytecode import compile_ahead


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "revision" / "source"
    (source / "app").mkdir(parents=True)
    (source / "app" / "main.py").write_text("answer = 42\n")
    return source


def compiled(source: Path) -> list[str]:
    return sorted(path.name for path in source.rglob("*.pyc"))


def compile_it(source: Path) -> None:
    compile_ahead(Path(sys.executable), platform.python_version(), source)


def test_code_is_compiled_so_that_python_need_not(source: Path) -> None:
    compile_it(source)
    found = subprocess.run(
        [sys.executable, "-v", "-c", "import app.main"],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(compiled(source)) == 1
    assert "main.cpython" in found.stderr
    assert f"matches {source}/app/main.py" in found.stderr


def test_it_is_done_once(source: Path) -> None:
    compile_it(source)
    for path in source.rglob("*.pyc"):
        path.unlink()
    compile_it(source)
    assert compiled(source) == []


def test_code_that_can_not_be_compiled_stops_nothing(source: Path) -> None:
    (source / "app" / "broken.py").write_text("def (:\n")
    compile_it(source)
    assert len(compiled(source)) == 1


def test_a_missing_interpreter_stops_nothing(source: Path) -> None:
    compile_ahead(source / "no-python", "3.11.7", source)
    assert compiled(source) == []


def test_very_much_code_is_left_to_who_imports_it(source: Path) -> None:
    compile_ahead(Path(sys.executable), platform.python_version(), source, most_files=0)
    assert compiled(source) == []


@pytest.mark.parametrize(("beside", "niceness"), [(True, priority.ASIDE), (False, "0")])
def test_beside_who_serves_it_takes_less(
    source: Path, tmp_path: Path, *, beside: bool, niceness: str
) -> None:
    told = tmp_path / "told"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nsleep 0.2\ncat /proc/self/autogroup > {told}\n")
    python.chmod(0o755)
    compile_ahead(python, platform.python_version(), source, beside=beside)
    # A session of its own begins with 0, whoever begins it; nothing is said without autogroups.
    assert told.read_text().split()[-1:] in ([niceness], [])
