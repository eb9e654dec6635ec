"""`fairway logs`: what a line's time is, what people read of it, and how files are merged."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.cli import logs
from fairway.cli.logs import Line, merged, parsed

AT = 1_795_221_795.259  # 2026-11-21 00:43:15.259 UTC


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is one hour ahead of UTC."""
    import time

    monkeypatch.setenv("TZ", "XXX-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("raw", "at", "text"),
    [
        (
            b'{"timestamp": "2026-11-21T00:43:15.259Z", "level": "info", "message": "listen"}',
            AT,
            "00:43:15.259 INFO    listen",
        ),
        (
            (
                b'{"timestamp": "2026-11-21T00:43:15.259Z", "level": "INFO", "operation": "GET /",'
                b' "status": 200, "user": null, "environment": "local"}'
            ),
            AT,
            "00:43:15.259 INFO    GET / status=200",
        ),
        (b'{"files": 20, "seconds": 4.29}', None, "files=20 seconds=4.29"),
        (b'{"timestamp": "yesterday", "message": "x"}', None, "x"),
        (b'{"timestamp": 5, "level": "info"}', None, "INFO   "),
        (b'{"half": ', None, '{"half": '),
        (b"[1, 2]", None, "[1, 2]"),
        # Python's own logging writes local time, other programs name a zone.
        (b"2026-11-21 01:43:15,259 INFO x", AT, "2026-11-21 01:43:15,259 INFO x"),
        (b"2026-11-21T03:43:15.259+03:00 x", AT, "2026-11-21T03:43:15.259+03:00 x"),
        (b"2026-11-21T00:43:15.259Z up", AT, "00:43:15.259 up"),
        (b"2026-13-45 99:00:00 no such day", None, "2026-13-45 99:00:00 no such day"),
        (b"plain words\r", None, "plain words"),
        (b"caf\xe9", None, "caf\ufffd"),
    ],
)
def test_a_line_is_read_with_its_time(raw: bytes, at: float | None, text: str) -> None:
    found, shown = parsed(raw)
    assert shown == text
    assert found == (None if at is None else pytest.approx(at))


@given(
    some.binary(max_size=200)
    | some.recursive(
        some.none() | some.booleans() | some.floats() | some.text(max_size=20),
        lambda below: some.dictionaries(some.text(max_size=12), below, max_size=4),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_line_can_be_shown(raw: bytes) -> None:
    at, text = parsed(raw.replace(b"\n", b""))
    assert isinstance(text, str)
    assert at is None or at == at  # noqa: PLR0124 - no NaN, which would not sort


def test_a_line_of_json_too_deep_to_read_is_shown_as_it_is() -> None:
    raw = b'{"a":' * 100_000
    assert parsed(raw) == (None, raw.decode())


def test_lines_are_merged_by_time_and_follow_the_line_before_them() -> None:
    lines = [
        Line(2.0, 1, "api.1", "second"),
        Line(2.0, 2, "api.1", "  its traceback"),
        Line(1.0, 1, "db", "first"),
        Line(3.0, 2, "db", "third"),
    ]
    assert [line.text for line in merged(lines)] == [
        "first",
        "second",
        "  its traceback",
        "third",
    ]


def test_a_clock_that_goes_back_does_not_tear_a_process_apart() -> None:
    lines = [Line(9.0, 1, "api", "before"), Line(1.0, 2, "api", "after"), Line(5.0, 1, "db", "x")]
    assert [line.text for line in merged(lines)] == ["x", "before", "after"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "api.1.log").write_text("2026-11-21T00:00:02Z two\nmore of two\n")
    (tmp_path / "api.2.log").write_text("2026-11-21T00:00:03Z three\n")
    (tmp_path / "ingest#12.log").write_text("2026-11-21T00:00:01Z one\nhalf a li")
    (tmp_path / "notes.txt").write_text("not a log\n")
    return tmp_path


def test_nodes_are_what_printed_something(folder: Path) -> None:
    assert logs.nodes(folder) == ["api", "ingest"]
    assert logs.nodes(folder / "nothing") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ((), ["api.1", "api.2", "ingest#12"]),
        (("api",), ["api.1", "api.2"]),
        (("api.2", "ingest"), ["api.2", "ingest#12"]),
        (("nothing",), []),
    ],
)
def test_a_node_or_one_of_its_processes_can_be_named(
    folder: Path, wanted: tuple[str, ...], found: list[str]
) -> None:
    assert [source.process for source in logs.sources(folder, wanted)] == found


def test_the_last_lines_of_all_files_are_shown_and_half_lines_wait(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.show(folder, (), lines=100, follow=False)
    assert capsys.readouterr().out.splitlines() == [
        "ingest#12 | 00:00:01.000 one",
        "api.1     | 00:00:02.000 two",
        "api.1     | more of two",
        "api.2     | 00:00:03.000 three",
    ]
    logs.show(folder, (), lines=1, follow=False)
    assert capsys.readouterr().out == "api.2 | 00:00:03.000 three\n"
    logs.show(folder, (), lines=0, follow=False)
    assert capsys.readouterr().out == ""


def test_what_comes_later_is_read_once_and_a_cut_file_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "api.1.log"
    path.write_text("one\ntw")
    (source,) = logs.sources(tmp_path, ())
    assert [line.text for line in source.read()] == ["one"]
    path.write_text("one\ntwo\n")
    assert [line.text for line in source.read()] == ["two"]
    assert source.read() == []
    path.write_text("new\n")
    assert [line.text for line in source.read()] == ["new"]
    path.unlink()
    assert source.read() == []


def test_of_a_long_file_only_whole_lines_of_its_end_are_read(tmp_path: Path) -> None:
    (tmp_path / "api.1.log").write_text("".join(f"line {number}\n" for number in range(1000)))
    (source,) = logs.sources(tmp_path, ())
    texts = [line.text for line in source.read(limit=100)]
    assert texts[-1] == "line 999"
    assert len(texts) == 11
    assert all(text.startswith("line ") for text in texts)


def test_what_a_process_printed_without_a_time_comes_when_its_file_was_written(
    tmp_path: Path,
) -> None:
    good = "2026-11-21T17:05:14Z listening\n"
    (tmp_path / "web.1.log").write_text(good)
    (tmp_path / "web.2.log").write_text("Traceback\nKeyError: 'X'\n")
    (tmp_path / "web.3.log").write_text("starts\n2026-11-21T17:05:15Z listening\n")
    os.utime(tmp_path / "web.2.log", (1_795_280_720.0, 1_795_280_720.0))  # 17:05:20 UTC
    read = [line for source in logs.sources(tmp_path, ()) for line in source.read()]
    assert [f"{line.process} {line.text}" for line in merged(read)] == [
        "web.1 17:05:14.000 listening",
        "web.3 starts",
        "web.3 17:05:15.000 listening",
        "web.2 Traceback",
        "web.2 KeyError: 'X'",
    ]
