"""A log line has exactly the fields that were agreed, whatever is put into it."""

import asyncio
import json
import logging
import os
import re
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime import correlation_id, identify, logs, operation
from fairway_runtime.context import RequestContext, enter, new_id, sane_id
from fairway_runtime.contract import LOG_FIELDS
from fairway_runtime.lines import Lines, LineWriter, encode
from fairway_runtime.redact import redactor
from fairway_runtime.settings import Settings
from tests.runtime.serving import Memory, lines_into


@pytest.fixture
def memory() -> Iterator[Memory]:
    """What this process's log says while the test runs."""
    memory = Memory()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.install(Settings(log_level="INFO"), lines_into(memory, "open-sesame"))
    yield memory
    logging.captureWarnings(capture=False)
    logs._installed.clear()
    root.handlers, root.level = handlers, level


@pytest.mark.requirement("R161")
def test_a_line_has_exactly_the_agreed_fields_first_and_then_the_caller_s(memory: Memory) -> None:
    logging.getLogger("shop").warning("sold %d", 3, extra={"till": 7})

    (line,) = memory.lines
    assert tuple(line) == (*LOG_FIELDS, "logger", "message", "till")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert line["level"] == "WARNING"
    assert line["environment"] == "test"
    assert (line["logger"], line["message"], line["till"]) == ("shop", "sold 3", 7)
    assert line["correlation_id"] is None


@pytest.mark.requirement("R161")
def test_inside_a_function_every_line_says_its_version_behind_the_agreed_fields() -> None:
    memory = Memory()
    lines = Lines("test", redactor(()), memory, version="7")
    lines.write("INFO", None, {"operation": "start", "version": "the caller's"})
    lines.access(
        RequestContext("req-1"),
        operation='"GET /"',
        method='"GET"',
        path="/",
        status=500,
        duration_ms=1.5,
        success=False,
    )
    for line in memory.lines:
        assert tuple(line)[: len(LOG_FIELDS) + 1] == (*LOG_FIELDS, "version")
        assert line["version"] == "7"


@pytest.mark.requirement("R161")
def test_an_operation_logs_its_duration_success_and_fields(memory: Memory) -> None:
    with operation("simulate", scenarios=1000, seed=7) as work:
        work.fields["paths"] = 12

    (line,) = memory.lines
    assert tuple(line) == (*LOG_FIELDS, "seed", "paths", "trace_id", "span_id")
    assert line["operation"] == "simulate"
    assert line["scenarios"] == 1000
    assert line["success"] is True
    assert line["duration_ms"] >= 0


def test_a_failed_operation_says_so_and_raises(memory: Memory) -> None:
    async def fail() -> None:
        async with operation("charge"):
            raise LookupError("no till")

    with pytest.raises(LookupError):
        asyncio.run(fail())

    (line,) = memory.lines
    assert line["success"] is False
    assert line["level"] == "ERROR"
    assert line["error"] == "LookupError: no till"


def test_an_operation_can_not_take_the_name_of_an_agreed_field() -> None:
    with pytest.raises(TypeError, match="success"):
        operation("charge", success=True)


@pytest.mark.requirement("R162")
def test_a_request_s_id_user_and_scenarios_reach_every_later_line(memory: Memory) -> None:
    def request() -> None:
        context = RequestContext(new_id())
        enter(context)
        identify("ann")
        with operation("simulate", scenarios=10):
            logging.getLogger("deep").error("inside")
        logging.getLogger("deep").error("after")
        assert correlation_id() == context.correlation_id

    thread = threading.Thread(target=request)
    thread.start()
    thread.join()

    assert {line["correlation_id"] for line in memory.lines} == {memory.lines[0]["correlation_id"]}
    assert re.fullmatch(r"req-[0-9a-f]{16}", memory.lines[0]["correlation_id"])
    assert {line["user_id"] for line in memory.lines} == {"ann"}
    assert memory.lines[-1]["scenarios"] == 10
    assert correlation_id() is None


@pytest.mark.parametrize(
    ("given_id", "kept"),
    [
        (b"req-abc123", "req-abc123"),
        (b"6f1c0a4e-8b5f-4c1f-9c3b-0d3b0f1c2d3e", "6f1c0a4e-8b5f-4c1f-9c3b-0d3b0f1c2d3e"),
        (b"a" * 128, "a" * 128),
        (b"a" * 129, None),
        (b"", None),
        (b'a","level":"x', None),
        (b"a\n", None),
        (b"caf\xc3\xa9", None),
    ],
)
def test_an_id_from_outside_is_kept_only_when_it_is_sane(given_id: bytes, kept: str | None) -> None:
    assert sane_id(given_id) == kept


def test_secrets_are_hidden_in_messages_fields_and_tracebacks(memory: Memory) -> None:
    try:
        raise ValueError("Bearer abcdefghijk")
    except ValueError:
        logging.getLogger("shop").exception(
            "said open-sesame",
            extra={"api_key": "k", "nested": {"password": "p", "n": [1, "open-sesame"]}},
        )

    text = memory.kept[0].decode()
    (line,) = memory.lines
    assert "open-sesame" not in text
    assert "abcdefghijk" not in text
    assert "ValueError: Bearer ***" in line["exception"]
    assert line["api_key"] == "***"
    assert line["nested"] == {"password": "***", "n": [1, "***"]}


def test_log_level_decides_about_talk_but_never_about_operations(memory: Memory) -> None:
    logging.getLogger().setLevel("ERROR")

    logging.getLogger("shop").warning("unheard")
    with operation("heard"):
        pass

    assert [line["operation"] for line in memory.lines] == ["heard"]


def test_a_wrong_logging_call_still_says_what_was_meant() -> None:
    memory = Memory()
    record = logging.LogRecord("shop", logging.WARNING, "", 1, "%d apples", ("many",), None)

    logs.JsonHandler(lines_into(memory)).emit(record)

    assert memory.lines[0]["message"] == "%d apples ('many',)"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), ANYTHING))
def test_whatever_is_logged_the_line_is_one_line_of_json(fields: dict[str, object]) -> None:
    memory = Memory()

    lines_into(memory).write("INFO", None, fields)

    assert memory.kept[0].count(b"\n") == 1
    assert tuple(memory.lines[0])[: len(LOG_FIELDS)] == LOG_FIELDS
    assert len(re.findall(rb'"timestamp":', memory.kept[0])) >= 1


@given(st.text(st.characters()))
def test_any_text_can_be_encoded(text: str) -> None:
    encode(text).decode()


@given(st.text(), st.sampled_from([200, 404, 500]))
def test_whatever_path_is_asked_the_access_line_is_one_line_of_json(path: str, status: int) -> None:
    memory = Memory()

    lines_into(memory).access(
        RequestContext("req-1"),
        operation='"GET other"',
        method='"GET"',
        path=path,
        status=status,
        duration_ms=1.5,
        success=True,
    )

    assert memory.kept[0].count(b"\n") == 1
    assert tuple(memory.lines[0]) == (*LOG_FIELDS, "method", "path", "status")


def test_lines_of_many_threads_never_mix() -> None:
    reader, writer = os.pipe()
    lines = LineWriter(writer)
    texts = [json.dumps({"n": n, "pad": "x" * 9000}).encode() + b"\n" for n in range(8)]
    got: list[bytes] = []

    def read() -> None:
        with os.fdopen(reader, "rb") as stream:
            got.extend(stream)

    threads = [threading.Thread(target=lines.write, args=(text,)) for text in texts * 10]
    taker = threading.Thread(target=read)
    for thread in [taker, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(writer)
    taker.join()

    assert sorted(got) == sorted(texts * 10)
    assert lines.lost == 0


def test_a_reader_that_stops_reading_costs_lines_not_the_app() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    lines = LineWriter(writer)

    lines.write(b"x" * 100_000 + b"\n")
    os.close(reader)
    lines.write(b"closed\n")
    os.close(writer)

    assert lines.lost == 2
