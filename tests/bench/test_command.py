"""`python -m bench` lists, runs and judges."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.__main__ import benchmarks, main

GOOD = '''
"""How fast it comes up.

More words.
"""
from bench.result import Result

def run() -> Result:
    print("measuring")
    return Result({"seconds": 2.0}, {"seconds": "<= 3"})
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `measures` of benchmarks."""
    folder = tmp_path / "measures"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "up.py").write_text(GOOD)
    (folder / "slow.py").write_text(GOOD.replace("2.0", "4.0"))
    (folder / "broken.py").write_text('"""Breaks."""\ndef run():\n    raise OSError("no port")\n')
    (folder / "harness.py").write_text('"""Has nothing to run."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "measures"]:
        del sys.modules[name]


def test_without_a_name_the_benchmarks_are_listed_with_their_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], folder, "measures") == 0
    assert capsys.readouterr().out == (
        "broken  Breaks.\nslow    How fast it comes up.\nup      How fast it comes up.\n"
    )


def test_a_goal_met_exits_0_and_the_last_line_is_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"], folder, "measures") == 0
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert document == {
        "name": "up",
        "figures": {"seconds": 2.0},
        "goals": {"seconds": "<= 3"},
        "ok": True,
    }


def test_a_goal_missed_exits_1_and_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["slow"], folder, "measures") == 1
    output = capsys.readouterr()
    assert json.loads(output.out.splitlines()[-1])["ok"] is False
    assert "missed: seconds is 4.0, not <= 3" in output.err


def test_a_benchmark_that_breaks_exits_1_with_its_traceback_and_the_last_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["broken"], folder, "measures") == 1
    output = capsys.readouterr()
    assert json.loads(output.out.splitlines()[-1])["ok"] is False
    assert "OSError: no port" in output.err


def test_an_unknown_name_exits_2_with_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["slo"], folder, "measures") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "did you mean slow?" in output.err


def test_every_benchmark_of_this_project_says_what_it_measures() -> None:
    assert all(sentence.endswith(".") for sentence in benchmarks().values())
