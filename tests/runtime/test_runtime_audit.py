"""The audit log: nothing is changed, lost or hidden without being seen (R90, R106)."""

import asyncio
import datetime as dt
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.audit import AuditLog
from fairway_runtime.audit_chain import AuditBroken, Chain, Head, examine, split_lines
from fairway_runtime.audit_export import export_month, months
from fairway_runtime.audit_file import FileLedger
from fairway_runtime.cli import main
from fairway_runtime.context import RequestContext, enter
from tests.properties import examples
from tests.runtime.serving import APPS, until

KEY = b"k" * 32


@dataclass
class Calendar:
    now: dt.datetime = dt.datetime(2026, 10, 30, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass
class Folder:
    """An object store that is a dictionary."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data


def made(path: Path, count: int, key: bytes | None = None) -> AuditLog:
    log = AuditLog(FileLedger(path, is_safe=False), key=key)
    for number in range(count):
        log.append("plan.save", actor="ada", target=f"plan/{number}", detail={"n": number})
    return log


@pytest.mark.requirement("R90")
def test_a_record_says_who_did_what_to_what_when_and_in_which_request(tmp_path: Path) -> None:
    calendar = Calendar()
    log = AuditLog(FileLedger(tmp_path / "audit.jsonl"), clock=calendar)

    async def request() -> None:
        context = RequestContext("req-1")
        context.user_id = "ada"
        enter(context)
        await log.append_async("plan.delete", target="plan/7", detail={"password": "x", "n": [1]})

    asyncio.run(request())
    log.append("tidy", actor="cron")
    first, second = log.records()
    assert (first.actor, first.action, first.target) == ("ada", "plan.delete", "plan/7")
    assert (first.correlation_id, first.time) == ("req-1", "2026-10-30T12:00:00.000000Z")
    assert first.detail == {"password": "***", "n": [1]}
    assert (second.actor, second.correlation_id, second.previous) == ("cron", None, first.hash)
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600
    report = log.verify()
    assert (report.records, report.is_intact, report.torn) == (2, True, ())
    assert report.head == second.head


def test_what_json_cannot_say_exactly_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    log = made(tmp_path / "audit.jsonl", 1)
    for detail in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises((TypeError, ValueError)):
            log.append("plan.save", detail=detail)
    with pytest.raises(ValueError, match=r"audit\.torn"):
        log.append("audit.torn")
    assert log.verify().records == 1


CHANGES = st.sampled_from(["flip", "remove", "repeat", "swap", "insert", "renumber"])


def changed(lines: list[bytes], change: str, at: int, where: int) -> list[bytes]:
    lines = list(lines)
    at %= len(lines)
    match change:
        case "flip":
            line = bytearray(lines[at])
            place = where % (len(line) - 1)
            line[place] ^= 1
            lines[at] = bytes(line)
        case "remove":
            del lines[at]
        case "repeat":
            lines.insert(at, lines[at])
        case "swap":
            other = (at + 1) % len(lines)
            lines[at], lines[other] = lines[other], lines[at]
        case "insert":
            lines.insert(at, b'{"action":"forged"}\n')
        case _:
            lines[at] = lines[at].replace(b'"sequence":', b'"sequence":1')
    return lines


def twin(lines: list[bytes]) -> bool:
    """Dumb: each line's seal and place computed anew, from what the format says."""
    previous = "0" * 64
    for number, line in enumerate(lines, 1):
        body, _, seal = line.rstrip(b"\n").rpartition(b',"hash":"')
        digest = hashlib.sha256(body).hexdigest()
        if seal != f'{digest}"}}'.encode() or not line.endswith(b"\n"):
            return False
        said = json.loads(line)
        if (said["sequence"], said["previous"]) != (number, previous):
            return False
        previous = digest
    return True


@examples(100)
@given(st.integers(1, 6), CHANGES, st.integers(0, 9), st.integers(0, 9999))
@pytest.mark.requirement("R90")
def test_no_change_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, count: int, change: str, at: int, where: int
) -> None:
    folder = tmp_path_factory.mktemp("audit")
    log = made(folder / "audit.jsonl", count)
    head = log.verify().head
    lines = changed(list(log.lines()), change, at, where)
    report = examine(lines, Chain())
    told = report.is_intact and not report.torn
    assert told == twin(lines)
    is_same = lines == list(log.lines())
    assert examine(lines, Chain(), holding=head).is_intact == is_same


def test_every_fault_is_said_with_its_line(tmp_path: Path) -> None:
    lines = list(made(tmp_path / "audit.jsonl", 9).lines())
    lines[1] = lines[1].replace(b"ada", b"eve")
    del lines[5]
    report = examine(lines, Chain())
    assert report.faults == (
        "line 2: changed since it was written, or never a record",
        "line 3: record 3 does not follow record 1",
        "line 6: record 7 does not follow record 5",
    )


def test_a_log_cut_at_its_end_is_seen_by_who_kept_a_head(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = made(path, 3)
    head = log.verify().head
    path.write_bytes(b"".join(list(log.lines())[:2]))
    assert log.verify().is_intact  # a chain can't know
    assert log.verify(head).faults == (
        "record 3 was seen before, and is not there or not the same",
    )
    path.unlink()
    made(path, 5)  # computed anew: times differ, so hashes do
    assert not log.verify(head).is_intact
    assert log.verify(Head(0, "0" * 64)).is_intact


def test_with_a_key_nobody_without_it_makes_a_record_or_the_chain_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = made(path, 3, KEY)
    assert log.verify().is_intact
    made(tmp_path / "forged.jsonl", 3)
    path.write_bytes((tmp_path / "forged.jsonl").read_bytes())
    assert len(log.verify().faults) == 3
    with pytest.raises(ValueError, match="32 bytes"):
        AuditLog(FileLedger(path), key=b"short")


def test_nothing_is_added_after_a_line_that_was_changed_or_has_another_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    made(path, 2, KEY)
    before = path.read_bytes()
    with pytest.raises(AuditBroken, match="another key was used, or it was changed"):
        made(path, 1)
    assert path.read_bytes() == before


@pytest.mark.requirement("R90")
def test_an_append_cut_at_any_byte_is_said_and_the_next_one_tells_of_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    made(path, 2)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last + 1, len(whole)):
        path.write_bytes(whole[:cut])
        log = AuditLog(FileLedger(path, is_safe=False))
        report = log.verify()
        assert (report.records, report.is_intact) == (1, True)
        assert [(one.length, one.is_told) for one in report.torn] == [(cut - last, False)]
        log.append("plan.load")
        log.append("plan.save")
        report = log.verify()
        assert report.is_intact
        assert path.read_bytes().startswith(whole[:cut])  # nothing was taken away
        if cut == len(whole) - 1:  # it lacked its newline only: the record counts
            assert (report.records, report.torn) == (4, ())
        else:
            assert report.records == 4  # one before, one that tells, two after
            assert [(one.line, one.is_told) for one in report.torn] == [(2, True)]


def test_the_telling_of_a_torn_line_may_be_torn_itself_at_any_byte(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    made(path, 1)
    begun = path.read_bytes() + b'{"sequence":2,"time":"20'
    path.write_bytes(begun)
    AuditLog(FileLedger(path, is_safe=False)).append("plan.load")
    whole = path.read_bytes()
    for cut in range(len(begun), len(whole)):
        path.write_bytes(whole[:cut])
        log = AuditLog(FileLedger(path, is_safe=False))
        log.append("plan.load")
        report = log.verify()
        assert report.is_intact, (cut, report)
        assert report.torn
        assert list(log.records())[-1].action == "plan.load"


def test_torn_bytes_that_were_changed_afterwards_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = made(path, 1)
    with path.open("ab") as file:
        file.write(b'{"sequence":2')
    log.append("plan.load")
    path.write_bytes(path.read_bytes().replace(b'{"sequence":2\n', b'{"sequence":3\n'))
    assert log.verify().faults == ("line 2: not the torn bytes that record 2 tells of",)
    lines = split_lines(path.read_bytes())
    path.write_bytes(lines[0] + b"".join(lines[2:]))
    assert not log.verify().is_intact


def test_a_clock_that_goes_back_does_not_take_the_log_with_it(tmp_path: Path) -> None:
    calendar = Calendar()
    log = AuditLog(FileLedger(tmp_path / "audit.jsonl", is_safe=False), clock=calendar)
    log.append("one")
    calendar.now -= dt.timedelta(days=60)
    log.append("two")
    assert {record.month for record in log.records()} == {"2026-10"}
    assert log.verify().is_intact


@pytest.mark.requirement("R106")
def test_a_month_is_exported_as_an_object_that_verifies_alone(tmp_path: Path) -> None:
    calendar, store = Calendar(), Folder()
    path = tmp_path / "audit.jsonl"
    log = AuditLog(FileLedger(path, is_safe=False), clock=calendar)
    for day in range(6):
        calendar.now = dt.datetime(2026, 10, 29, tzinfo=dt.UTC) + dt.timedelta(days=day)
        log.append("plan.save", detail={"day": day})
        if day == 3:
            with path.open("ab") as file:
                file.write(b"torn")
    assert months(log) == ("2026-10", "2026-11")
    october = export_month(log, "2026-10", store)
    november = export_month(log, "2026-11", store)
    assert october is not None
    assert november is not None
    assert (october.report.records, november.report.records) == (3, 4)
    assert october.report.is_intact
    assert november.report.is_intact
    assert len(november.report.torn) == 1
    whole = store.objects["audit/2026-10.jsonl"] + store.objects["audit/2026-11.jsonl"]
    assert whole == path.read_bytes()
    piece = store.objects["audit/2026-11.jsonl"]
    assert examine(split_lines(piece), Chain(), start=october.report.head).is_intact
    assert november.sha256 == hashlib.sha256(piece).hexdigest()
    assert export_month(log, "2026-09", store) is None
    with pytest.raises(ValueError, match="not a month"):
        export_month(log, "2026-13", store)


def test_what_is_broken_is_exported_too_and_said(tmp_path: Path) -> None:
    store = Folder()
    log = AuditLog(FileLedger(tmp_path / "audit.jsonl", is_safe=False), clock=Calendar())
    for _ in range(3):
        log.append("plan.save", actor="ada")
    text = (tmp_path / "audit.jsonl").read_bytes()
    last = text.rindex(b"ada")
    (tmp_path / "audit.jsonl").write_bytes(text[:last] + b"eve" + text[last + 3 :])
    exported = export_month(log, "2026-10", store)
    assert exported is not None
    assert not exported.report.is_intact
    assert b"eve" in store.objects["audit/2026-10.jsonl"]


def writer(path: Path, name: str, *count: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(APPS / "auditing.py"), str(path), name, *count]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.real
@pytest.mark.requirement("R90")
def test_four_processes_append_at_once_and_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    writers = [writer(path, f"w{number}", "150") for number in range(4)]
    for one in writers:
        one.communicate(timeout=60)
        assert one.returncode == 0
    log = AuditLog(FileLedger(path))
    assert log.verify().is_intact
    by_writer: dict[str | None, list[Any]] = {}
    for record in log.records():
        by_writer.setdefault(record.actor, []).append(record.detail["number"])
    assert by_writer == {f"w{number}": list(range(150)) for number in range(4)}


@pytest.mark.real
@pytest.mark.requirement("R90")
def test_writers_killed_in_the_middle_leave_a_log_that_verifies_with_all_they_were_promised(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.jsonl"
    promised = 0
    log = AuditLog(FileLedger(path, is_safe=False))
    for turn in range(6):
        writers = [writer(path, f"w{turn}-{number}") for number in range(2)]
        least = promised + 50
        until(lambda least=least: path.exists() and log.verify().records > least)
        for one in writers:
            one.kill()
            said = one.communicate(timeout=60)[0].split()
            promised = max(promised, *map(int, said or ["0"]))
        report = log.verify()
        assert report.is_intact
        assert report.records >= promised
    log.append("after")
    assert log.verify().is_intact


@pytest.mark.requirement("R90", "R106")
def test_the_command_line_verifies_and_exits_with_1_where_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    head = made(path, 2).verify().head
    assert main(["audit", "verify", str(path), "--head", f"2:{head.hash}"]) == 0
    assert capsys.readouterr().out == f"intact: 2 records, head 2:{head.hash}\n"
    path.write_bytes(path.read_bytes() + b'{"seq')
    assert main(["audit", "verify", str(path)]) == 0
    assert "torn: line 3: 5 bytes of an interrupted append, at the log's end" in (
        capsys.readouterr().out
    )
    monkeypatch.setenv("FAIRWAY_AUDIT_KEY", "k" * 32)
    assert main(["audit", "verify", str(path)]) == 1
    out = capsys.readouterr().out
    assert "fault: line 1: changed since it was written, or never a record" in out
    assert "NOT INTACT: 0 records" in out
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for arguments in ([str(tmp_path / "none")], [], [str(path), "--head", "2"]):
        assert main(["audit", "verify", *arguments]) == 2
        assert capsys.readouterr().err.startswith("fairway-runtime: ")
