"""How problems, events and findings are printed: talk to stderr, data to stdout."""

import io
from collections.abc import Callable
from typing import get_args

import pytest

from fairway.cli import places, view
from fairway.core.problem import Problem, Problems
from fairway.core.status import EventLine
from fairway.targets.aws.render import Builds, Egress, Processor, Traces

FOUND = (
    Problem(
        "fairway.toml:12 service.api.port",
        "`port` is taken by nginx (pid 33)",
        "Choose another port.",
    ),
    Problem("", "the app is not running here", "Start it with `fairway up`."),
    Problem("revision 2", "rolled back: api.3 exited with code 3\n    ImportError: x", ""),
    Problem("here", "nothing was recognised", 'Write a file:\napp = "x"\n\n[service.web]'),
)


def test_problems_say_what_where_and_how_to_mend(
    golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    view.problems(FOUND)
    said = capsys.readouterr()
    assert said.out == ""
    golden("problems.txt", said.err)


def test_problems_print_as_one_text_too(golden: Callable[[str, str], None]) -> None:
    golden("problems_text.txt", f"{Problems(FOUND)}\n")


def test_events_are_lines_with_utc_time_mark_and_node(capsys: pytest.CaptureFixture[str]) -> None:
    view.event(EventLine(at=1_795_221_795.25, node="", text="deploying revision 1"))
    view.event(EventLine(at=1_795_221_796.0, node="api", text="crash loop\n    last", level="bad"))
    view.event(EventLine(at=1_795_221_797.5, node="x", text="done", level="good"), dated=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "00:43:15 · deploying revision 1\n"
        "00:43:16 ✗ api crash loop\n"
        "             last\n"
        "2026-11-21T00:43:17.500Z ✓ x done\n"
    )


def test_a_headline_leaves_the_details_to_the_answer_that_follows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view.headline(EventLine(at=1_795_221_796.0, node="x", text="failed\n    why", level="bad"))
    view.headline(EventLine(at=1_795_221_797.0, node="", text=""))
    assert capsys.readouterr().err == "00:43:16 ✗ x failed\n00:43:17 · \n"


def test_findings_of_the_machine_say_what_is_missing_and_whether_it_is_needed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view.finding("uv", "/usr/bin/uv", ok=True, needed=True, mend="")
    view.finding("envoy", "missing", ok=False, needed=True, mend="Install it.")
    view.finding("docker", "missing", ok=False, needed=False, mend="Only if you want it.")
    assert capsys.readouterr().out == (
        "✓ uv             /usr/bin/uv\n"
        "✗ envoy          missing\n"
        "  → Install it.\n"
        "○ docker         missing\n"
        "  → Only if you want it.\n"
    )


def test_data_is_sorted_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    view.data({"b": 1, "a": [None]})
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out == '{\n  "a": [\n    null\n  ],\n  "b": 1\n}\n'


@pytest.mark.parametrize("does", ["delete", "take it back"])
def test_where_nobody_can_confirm_it_says_what_yes_would_do(
    does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(Problems, match=f"Add --yes to {does} without asking"):
        view.confirm("Sure?", to=does)


def test_the_choices_of_options_are_those_of_what_is_rendered() -> None:
    assert get_args(Egress) == places.EGRESS
    assert get_args(Processor) == places.PROCESSOR
    assert get_args(Builds) == places.BUILDS
    assert get_args(Traces) == places.TRACES
