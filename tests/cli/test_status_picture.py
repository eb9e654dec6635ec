"""What `fairway status` and the live view draw."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from fairway.cli.render_status import age, as_svg, picture
from fairway.core.status import (
    EventLine,
    JobLine,
    NodeLine,
    ReplicaLine,
    ServiceLine,
    Status,
    WorkerLine,
)

NOW = 1_795_221_810.0


def replica(name: str, state: str, revision: str = "8182b7b2e6") -> ReplicaLine:
    is_there = state not in {"stopping", "exited"}
    return ReplicaLine(
        name=name,
        revision=revision,
        state=state,
        port=50_793 if is_there else 0,
        uptime_seconds=140.0 if is_there else 0.0,
        rss_mib=64.6 if is_there else 0.0,
    )


def job(name: str, state: str, *, code: int | None, trigger: str, coming: float | None) -> JobLine:
    return JobLine(
        name=name,
        state=state,
        run=f"{name}#3",
        cause="schedule",
        last_exit_code=code,
        last_ended_at=None if code is None else NOW - 61,
        last_seconds=None if code is None else 6.04,
        next_at=coming,
        trigger=trigger,
    )


API = ServiceLine(
    name="api",
    url="http://127.0.0.1:8000",
    revision="8182b7b2e6",
    wanted=2,
    ready=2,
    replicas=(replica("api.1", "ready"), replica("api.2", "ready")),
    requests_per_second=312.4,
    error_percent=0.0,
    p50_ms=3.2,
    p95_ms=8.44,
    in_flight=0,
    queued=0,
)
QUIET = Status(
    app="weather",
    environment="local",
    phase="up",
    engine_pid=7,
    now=NOW,
    started_at=NOW - 147,
    revision="8182b7b2e6",
    url="http://127.0.0.1:8000",
    services=(API,),
    nodes=(
        NodeLine(name="balancer", kind="balancer", state="up"),
        NodeLine(name="db", kind="database", state="up", address="postgresql://127.0.0.1:5/w_db"),
    ),
)
BUSY = replace(
    QUIET,
    workers=(
        WorkerLine(
            name="mails",
            revision="8182b7b2e6",
            wanted=2,
            ready=1,
            replicas=(
                replace(replica("mails.1", "ready"), port=0),
                replace(replica("mails.2", "starting", "4da5daa41c"), port=0),
            ),
            release="1 replica of the new revision",
        ),
    ),
    services=(
        replace(
            API,
            wanted=3,
            replicas=(
                replica("api.2", "ready"),
                replica("api.3", "starting", "4da5daa41c"),
                replica("api.4", "unready", "4da5daa41c"),
                replica("api.5", "stopping"),
                replica("api.6", "hung"),
            ),
            error_percent=2.5,
            p95_ms=1234.5,
            in_flight=12,
            queued=4,
            release="2 replicas of the new revision",
            release_percent=50.0,
        ),
        replace(API, name="admin", url="http://127.0.0.1:8001", p95_ms=None, replicas=()),
    ),
    nodes=(
        *QUIET.nodes,
        NodeLine(name="files", kind="bucket", state="starting", address="http://127.0.0.1:6/f"),
        NodeLine(name="sessions", kind="cache", state="down"),
    ),
    jobs=(
        job(
            "ingest",
            "idle",
            code=0,
            trigger="at 0 6 * * *, if new in files/incoming/",
            coming=NOW + 18_900,
        ),
        job("report", "failed", code=3, trigger="by hand", coming=None),
        job("sample", "running", code=None, trigger="once", coming=None),
    ),
    events=(
        EventLine(at=NOW - 30, node="", text="deploying revision 4da5daa41c"),
        EventLine(at=NOW - 20, node="api", text="release: 2 replicas of the new revision"),
        EventLine(at=NOW - 10, node="api.6", text="goes: does not answer /health", level="bad"),
        EventLine(at=NOW - 9, node="report", text="report#3 failed\n    a line", level="bad"),
        EventLine(at=NOW, node="ingest", text="ingest#3 succeeded", level="good"),
    ),
)
STARTING = Status(
    app="",
    environment="",
    phase="starting",
    engine_pid=7,
    now=NOW,
    started_at=NOW,
    revision="",
    url="",
)


def drawn(status: Status, width: int = 100, *, events: int = 8) -> str:
    """The picture as plain text, without what is blank at the ends of lines."""
    console = Console(width=width, file=StringIO(), color_system=None, legacy_windows=False)
    console.print(picture(status, events=events))
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize(
    ("name", "status"), [("quiet", QUIET), ("busy", BUSY), ("starting", STARTING)]
)
def test_a_status_is_drawn(golden: Callable[[str, str], None], name: str, status: Status) -> None:
    golden(f"status_{name}.txt", drawn(status))


def test_a_narrow_terminal_cuts_what_triggers_a_job_and_nothing_else(
    golden: Callable[[str, str], None],
) -> None:
    text = drawn(BUSY, 80)
    golden("status_narrow.txt", text)
    assert max(map(len, text.splitlines())) <= 80
    assert "next in 5h 15m" in text


def test_events_can_be_left_out_and_the_last_ones_are_kept() -> None:
    assert "succeeded" not in drawn(BUSY, events=0)
    last = drawn(BUSY, events=1)
    assert "succeeded" in last
    assert "deploying" not in last


def test_what_an_engine_before_this_one_did_is_not_shown() -> None:
    before = EventLine(at=BUSY.started_at - 1, node="", text="stopped; data is kept")
    assert "stopped" not in drawn(replace(BUSY, events=(before, *BUSY.events)))
    assert drawn(replace(QUIET, events=(before,))) == drawn(QUIET)


def test_every_state_has_a_mark_so_that_nothing_is_told_by_colour_alone() -> None:
    marks = re.findall(r"^ (\S) (\w+)  ", drawn(BUSY), re.MULTILINE)
    told = {state: mark for mark, state in marks}
    assert told["ready"] == "●"
    assert told["hung"] == told["down"] == told["failed"] == "✗"
    assert len({told[state] for state in ("ready", "starting", "unready", "stopping")}) == 4


def test_the_svg_is_one_picture_that_loads_nothing() -> None:
    svg = as_svg(BUSY)
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    text = "".join(root.itertext()).replace("\xa0", " ")
    assert "fairway status: weather" in text
    assert "312 requests/s" in text
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace(
        "http://127.0.0.1", ""
    ).replace("https://www.textualize.io", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0s"), (0.4, "0s"), (59.9, "59s"), (60, "1m 0s"), (3_661, "1h 1m"), (90_000, "1d 1h")],
)
def test_an_age_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert age(seconds) == words
