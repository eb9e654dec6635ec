"""A real Streamlit, in an environment of its own: watched as any other app (C13)."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fairway_runtime
from fairway_runtime.business import business
from fairway_runtime.context import RequestContext, current
from fairway_runtime.streamlit_app import StreamlitApp, _within, outermost
from tests.runtime.environments import environment
from tests.runtime.serving import APPS, Running, until

PACKAGE = Path(fairway_runtime.__file__).parent
NEEDED = ("streamlit>=1.53", "uvicorn", "websockets")


@given(st.binary())
def test_what_is_no_protobuf_is_no_error(data: bytes) -> None:
    assert all(number >= 0 for number, _ in outermost(data))


def test_the_outermost_fields_are_read_and_what_is_in_them_is_not() -> None:
    text = b"\x0a\x04\x30\x01\x30\x02"  # field 1 holds what looks like field 6
    assert list(outermost(text + b"\x30\x03")) == [(1, 0), (6, 3)]
    assert list(outermost(b"\x0a\xff\x01" + b"x" * 255 + b"\x22\x00")) == [(1, 0), (4, 0)]
    assert list(outermost(b"\x0a\x09short")) == []


def test_an_older_streamlit_that_takes_the_script_alone_is_given_no_more() -> None:
    made: list[str] = []
    StreamlitApp(made.append, "page.py")
    assert made == ["page.py"]


def test_code_run_within_a_request_belongs_to_it() -> None:
    seen: list[object] = []
    context = RequestContext("req-1")
    _within(context, lambda: seen.append(current()))()
    assert seen == [context]
    assert business is not None


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Streamlit in it."""
    return environment(tmp_path_factory, "streamlit", *NEEDED)


@pytest.fixture
def app(python: Path) -> Iterator[Running]:
    command = (str(python), "-P", str(PACKAGE / "boot.py"))
    with Running("page.py", command=command, cwd=APPS / "streamlit_pages") as app:
        yield app.ready()


class Visitor:
    """A browser with the page open."""

    def __init__(self, python: Path, app: Running) -> None:
        self._process = subprocess.Popen(
            [str(python), "-P", str(APPS / "streamlit_visit.py"), str(app.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def asks(self, query: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{query}\n")

    def gets(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def runs(self, query: str = "x=1") -> dict[str, Any]:
        self.asks(query)
        return self.gets()


def metric(app: Running, name: str) -> float:
    found = [line for line in app.client.get("/metrics").text.splitlines() if line.startswith(name)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


@pytest.mark.real
@pytest.mark.requirement("C13", "R155", "R156", "R157", "R166")
def test_its_probes_are_answered_by_us_and_readiness_asks_its_runtime(app: Running) -> None:
    assert app.client.get("/health").json()["status"] == "alive"
    assert app.client.get("/startup").json()["status"] == "started"
    ready = app.client.get("/ready").json()
    assert ready["status"] == "ready"
    assert ready["checks"]["streamlit"]["ready"] is True
    assert "checked" not in ready["checks"]["streamlit"]
    assert "# TYPE http_requests_total counter" in app.client.get("/metrics").text
    page = app.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-request-id"].startswith("req-")


@pytest.mark.real
@pytest.mark.requirement("C13", "R162", "R167")
def test_each_run_of_the_script_is_counted_timed_and_logged_under_the_page_s_id(
    python: Path, app: Running
) -> None:
    with Visitor(python, app) as visitor:
        (text,) = visitor.runs()["texts"]
        own, in_header = text.split()
        assert own == in_header
        assert own.startswith("req-")
        assert visitor.runs("sleep=0.3")["texts"] == [text]
        until(lambda: metric(app, "streamlit_script_seconds_count") == 2)
        assert metric(app, "streamlit_script_seconds_sum") >= 0.25
        runs = [line for line in app.named("SCRIPT") if line["message"] == "script ran"]
        assert [line["outcome"] for line in runs] == ["finished", "finished"]
        assert runs[1]["duration_ms"] >= 250  # between two messages; the first one may be late
        said = app.saying("in the script")
        assert {line["correlation_id"] for line in [*runs, *said]} == {own}
        assert len(said) == 2


@pytest.mark.real
@pytest.mark.requirement("R162", "R187")
def test_a_script_that_raises_is_counted_and_told_with_its_stack(
    python: Path, app: Running
) -> None:
    with Visitor(python, app) as visitor:
        visitor.runs("fail=1")
        until(lambda: metric(app, "streamlit_script_errors_total") == 1)
        (line,) = app.saying("the script failed")
        assert "a broken page" in line["exception"]
        assert line["correlation_id"].startswith("req-")
        assert visitor.runs()["texts"]  # the page lives on


@pytest.mark.real
@pytest.mark.requirement("R221", "R222", "R223", "R226")
def test_at_the_end_idle_pages_are_closed_with_1012_and_a_script_that_runs_may_finish(
    python: Path, app: Running
) -> None:
    with Visitor(python, app) as idle, Visitor(python, app) as busy:
        idle.runs()
        idle.asks("-")
        busy.asks("sleep=4")
        until(lambda: len(app.saying("in the script")) == 2)
        began = time.monotonic()
        app.terminate()
        assert idle.gets() == {"texts": [], "closed": 1012}
        assert not app.saying("slept")
        assert len(busy.gets()["texts"]) == 1
        assert app.saying("slept")
        busy.asks("-")
        assert busy.gets()["closed"] == 1012
        assert app.code() == 0
        assert time.monotonic() - began < 15  # not the drain's 30 s
        (drain,) = app.named("drain")
        assert (drain["success"], drain["websockets"]) == (True, 2)


@pytest.mark.real
def test_the_fields_that_are_looked_for_are_streamlit_s_own(python: Path) -> None:
    code = (
        "from streamlit.proto.ForwardMsg_pb2 import ForwardMsg as F\n"
        "from streamlit.proto.BackMsg_pb2 import BackMsg as B\n"
        "names = F.DESCRIPTOR.fields_by_name\n"
        "print(names['new_session'].number, names['script_finished'].number,"
        " B.DESCRIPTOR.fields_by_name['rerun_script'].number,"
        " F.FINISHED_EARLY_FOR_RERUN, F.FINISHED_WITH_COMPILE_ERROR)"
    )
    told = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["4", "6", "11", "2", "1"]
