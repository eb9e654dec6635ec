"""The steps of a deploy as a tree and as lines."""

import json
from io import StringIO

import pytest
from rich.console import Console

from fairway.cli.aws_deploy import report
from fairway.cli.plan_aws import has_credentials
from fairway.cli.steps import Steps, picture, words
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.course import Result
from fairway.targets.aws.decide.progress import Beat, Began, Ended, Told

COURSE: tuple[tuple[float, Beat], ...] = (
    (0.0, Began("network")),
    (1.0, Told("network", "Network (EC2 VPC) created")),
    (61.5, Ended("network", "created")),
    (61.5, Began("service web")),
    (63.0, Told("service web", "task abc ended: exit code 3\nKeyError: 'URL'", "bad")),
    (70.0, Told("service web", "0 of 2 tasks run, 1 failed")),
)


def drawn(until: int = len(COURSE), now: float = 71.5) -> list[str]:
    steps = Steps()
    for at, beat in COURSE[:until]:
        steps.hear(beat, at)
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=False)
    console.print(picture(steps, "shop · production", now))
    told = console.file
    assert isinstance(told, StringIO)
    return [line.rstrip() for line in told.getvalue().splitlines()]


def test_each_step_has_its_seconds_and_what_failed_stays_below_it() -> None:
    assert drawn() == [
        "shop · production",
        "├── ✓ network                 61.5 s  created",
        "└── ◐ service web             10.0 s  0 of 2 tasks run, 1 failed",
        "    └── task abc ended: exit code 3",
        "        KeyError: 'URL'",
    ]


def test_a_step_that_goes_on_shows_what_it_said_last() -> None:
    assert drawn(2, now=5.0)[1] == "└── ◐ network                  5.0 s  Network (EC2 VPC) created"


def test_without_a_terminal_the_same_is_told_in_lines() -> None:
    steps = Steps()
    told: list[tuple[str, str, str]] = []
    for at, beat in COURSE[:3]:
        steps.hear(beat, at)
        told += words(beat, steps)
    assert told == [
        ("network", "begins", "info"),
        ("network", "Network (EC2 VPC) created", "info"),
        ("network", "created after 61.5 s", "good"),
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/nowhere"}, False),
        ({"HOME": "/nowhere", "AWS_ACCESS_KEY_ID": "x"}, True),
        ({"HOME": "/nowhere", "AWS_PROFILE": "x"}, True),
        ({"HOME": "/nowhere", "AWS_CONFIG_FILE": "/etc/hostname"}, True),
        ({"HOME": "/nowhere", "AWS_REGION": "eu-central-1"}, False),
    ],
)
def test_whether_somebody_has_signed_in_is_seen_without_asking(
    environment: dict[str, str], *, expected: bool
) -> None:
    assert has_credentials(environment) is expected


def test_a_release_that_went_back_is_a_failure_with_its_causes_and_what_serves() -> None:
    cause = Problem("shop-production-service-web Role", "you may not: iam:CreateRole", "a policy")
    gone = Result(
        outcome="rolled_back", tried="new", before="old", reason="Role: no", failed=(cause,)
    )
    with pytest.raises(Problems) as raised:
        report(gone, "production", as_json=False)
    assert raised.value.exit_code == 1
    first, last = raised.value.problems
    assert first == cause
    assert (last.where, last.what) == ("revision new", "rolled back")
    assert "Revision old serves as before." in last.mend
    assert gone.revision == "old"


def test_a_first_release_that_fails_has_nothing_to_go_back_to() -> None:
    with pytest.raises(Problems, match="there is nothing whole to go back to"):
        report(Result(outcome="failed", tried="new", before=""), "production", as_json=False)


def test_a_release_in_service_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    report(Result(outcome="promoted", tried="new", before="old"), "production", as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["revision"] == "new"
    assert "see `fairway status production`" in said.err
    report(Result(outcome="unchanged", tried="new", before="new"), "production", as_json=False)
    assert "nothing to do: revision new is in service" in capsys.readouterr().err
