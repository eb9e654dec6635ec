"""The `golden` fixture: what it holds, what it says, what it rewrites."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TEST = """
def test_of_a_plan(golden):
    golden("plan.txt", "start api\\nstart db\\n")


def test_without_text():
    raise AssertionError("must not run while golden files are rewritten")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text())
    pytester.makepyfile(TEST)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def hold(suite: pytest.Pytester, text: str) -> Path:
    file = suite.path / "golden" / "plan.txt"
    file.parent.mkdir()
    file.write_bytes(text.encode())
    return file


def test_text_that_the_file_holds_passes(suite: pytest.Pytester) -> None:
    hold(suite, "start api\nstart db\n")
    run(suite, "-k", "plan").assert_outcomes(passed=1)


def test_text_that_differs_fails_with_a_diff_and_the_command_that_rewrites(
    suite: pytest.Pytester,
) -> None:
    hold(suite, "start api\nstop db\n")
    result = run(suite, "-k", "plan")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*-stop db", "*+start db", "*make golden*"])


def test_ends_of_lines_are_held_too(suite: pytest.Pytester) -> None:
    hold(suite, "start api\r\nstart db\r\n")
    run(suite, "-k", "plan").assert_outcomes(failed=1)


def test_a_missing_file_fails_and_is_not_written_by_chance(suite: pytest.Pytester) -> None:
    result = run(suite, "-k", "plan")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no such golden file*", "*make golden*"])
    assert not (suite.path / "golden").exists()


def test_golden_rewrites_the_file_and_runs_no_other_test(suite: pytest.Pytester) -> None:
    file = hold(suite, "stop everything\n")
    run(suite, "--golden").assert_outcomes(passed=1, deselected=1)
    assert file.read_bytes() == b"start api\nstart db\n"
