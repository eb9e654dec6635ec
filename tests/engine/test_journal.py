"""The journal: the ledger that a new engine goes on from, whatever happened to the last one."""

import errno
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.ledger import Ledger, to_json
from fairway.core.problem import Problems
from fairway.core.schedule import JobState
from fairway.core.status import EventLine
from fairway.engine import journal as journals
from fairway.engine.journal import Journal
from tests.core.test_ledger import ledgers
from tests.properties import examples


def path_in(folder: Path) -> Path:
    return folder / ".fairway" / "journal.jsonl"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def event(text: str) -> EventLine:
    return EventLine(at=1.0, node="api", text=text)


def test_without_a_file_it_begins_with_an_empty_ledger(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    assert journal.ledger == Ledger()
    assert not journal.path.exists()


def test_the_last_ledger_and_the_events_are_read_back(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    journal.tell(event("one is in service"))
    journal.write(Ledger(stable="two"), 2.0)

    again = Journal(journal.path, reads_only=True)
    assert again.ledger == Ledger(stable="two")
    assert [each.text for each in again.events] == ["one is in service"]


def test_a_ledger_that_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    for _ in range(3):
        journal.write(Ledger(stable="one"), 1.0)
    assert len(lines(journal.path)) == 1


def test_a_last_line_that_a_crash_cut_short_is_ignored_and_gone_after_the_next_start(
    tmp_path: Path,
) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    whole = json.dumps({"at": 2.0, "ledger": {"stable": "two"}}).encode()
    for cut in (1, len(whole) // 2, len(whole)):
        with journal.path.open("ab") as file:
            file.write(whole[:cut])
        assert Journal(journal.path, reads_only=True).ledger == Ledger(stable="one")
        assert Journal(journal.path).ledger == Ledger(stable="one")
        assert journal.path.read_bytes().endswith(b"}\n")


def test_a_line_damaged_in_the_middle_is_a_problem_that_names_the_line(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    journal.write(Ledger(stable="two"), 2.0)
    first, second = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(first[:10] + b"\0\0" + first[12:] + second)
    with pytest.raises(Problems) as raised:
        Journal(journal.path)
    (problem,) = raised.value.problems
    assert problem.where == f"{journal.path}:1"
    assert "damaged" in problem.what
    assert "keeps all data" in problem.mend
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    "line",
    [
        {"at": 1.0, "change": {"jobs": {"ingest": None}}},
        {"at": 1.0, "change": {"jobs": {"ingest": {"tomorrow": 1}}}},
        {"at": 1.0, "ledger": {"stable": "one"}},
        {"at": 1.0, "note": "mine"},
        7,
    ],
    ids=["no such job", "no such field", "half a ledger", "a note", "a number"],
)
def test_a_line_that_does_not_follow_from_those_before_it_is_a_problem(
    tmp_path: Path, line: object
) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    with journal.path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(Problems, match="the journal is damaged") as raised:
        Journal(journal.path)
    assert raised.value.problems[0].where == str(journal.path)


def test_a_kill_at_any_byte_leaves_the_last_ledger_whose_line_was_whole(tmp_path: Path) -> None:
    walk = [
        Ledger(),
        Ledger(stable="one", jobs={"ingest": JobState(runs=1, seen={"a.csv": "1"})}),
        Ledger(stable="two", jobs={"ingest": JobState(runs=1, seen={"a.csv": "1", "b.csv": "1"})}),
        Ledger(stable="two", scale={"api": 3}, jobs={"ingest": JobState(seen={"b.csv": "2"})}),
        Ledger(stable="three", scale={"api": 3}),
    ]
    journal = Journal(path_in(tmp_path))
    for number, ledger in enumerate(walk[1:]):
        journal.write(ledger, float(number))
    whole = journal.path.read_bytes()
    assert [sorted(line)[1] for line in lines(journal.path)] == ["ledger", *["change"] * 3]
    for cut in range(len(whole) + 1):
        journal.path.write_bytes(whole[:cut])
        kept = walk[whole[:cut].count(b"\n")]
        assert Journal(journal.path, reads_only=True).ledger == kept


@examples(50)
@given(some.lists(ledgers | some.none(), min_size=1, max_size=8))
def test_the_last_ledger_is_read_back_after_any_changes_and_restarts(
    walk: list[Ledger | None],
) -> None:
    """None: the engine is killed, and another one goes on."""
    with TemporaryDirectory() as folder:
        journal, last = Journal(path_in(Path(folder))), Ledger()
        for ledger in walk:
            if ledger is None:
                journal = Journal(journal.path)
            else:
                journal.write(ledger, 1.0)
                last = ledger
            assert journal.ledger == Journal(journal.path, reads_only=True).ledger == last


def test_a_journal_of_whole_ledgers_only_is_read(tmp_path: Path) -> None:
    walk = [Ledger(stable="one"), Ledger(stable="two", jobs={"ingest": JobState(runs=2)})]
    path = tmp_path / "journal.jsonl"
    with path.open("w") as file:
        for number, ledger in enumerate(walk):
            whole = to_json(ledger)
            del whole["scaled"]  # came later
            file.write(json.dumps({"at": number, "ledger": whole}, sort_keys=True) + "\n")
    assert Journal(path).ledger == walk[-1]


@pytest.fixture
def much_seen() -> Ledger:
    """A job has handled 20,000 objects."""
    seen = {f"incoming/2026/station-{number:05}.csv": f"{number:032x}" for number in range(20_000)}
    return Ledger(stable="one", jobs={"ingest": JobState(seen=seen)})


def test_a_change_costs_the_bytes_that_changed_and_not_what_was_seen(
    tmp_path: Path, much_seen: Ledger
) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(much_seen, 1.0)
    assert journal.path.stat().st_size > 1024 * 1024

    job = much_seen.jobs["ingest"]
    starts = replace(job, runs=1, running="ingest#1", taking={"incoming/new.csv": "1"})
    ends = replace(job, runs=1, seen={**job.seen, "incoming/new.csv": "1"})
    for ledger in (
        replace(much_seen, scaled={"api": 3}),
        replace(much_seen, scaled={"api": 3}, jobs={"ingest": starts}),
        replace(much_seen, scaled={"api": 3}, jobs={"ingest": ends}),
    ):
        before = journal.path.stat()
        journal.write(ledger, 2.0)
        after = journal.path.stat()
        assert after.st_size - before.st_size < 300
        assert after.st_ino == before.st_ino, "not rewritten"
        assert Journal(journal.path, reads_only=True).ledger == ledger


def test_a_ledger_beyond_the_limit_is_rewritten_when_the_file_has_doubled_not_at_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "COMPACT_BYTES", 1024)
    journal = Journal(path_in(tmp_path))
    seen = {f"incoming/{number}.csv": "1" for number in range(200)}
    ledger = Ledger(jobs={"ingest": JobState(seen=seen)})
    journal.write(ledger, 0.0)
    whole = journal.path.stat().st_size
    assert whole > 2 * 1024
    written = 0
    for number in range(300):
        before = journal.path.stat().st_size
        journal.write(replace(ledger, ordinals={"api": number}), 1.0)
        after = journal.path.stat().st_size
        written += after - before if after > before else after
        assert after <= 2 * whole + 200
    assert written < 3 * 300 * 60, "what was rewritten is no more than what was appended"


def test_a_file_that_somebody_moved_away_is_begun_anew_with_the_whole_ledger(
    tmp_path: Path,
) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one", scale={"api": 3}), 1.0)
    journal.path.unlink()
    journal.tell(event("said in between"))
    last = Ledger(stable="two", scale={"api": 3})
    journal.write(last, 2.0)
    again = Journal(journal.path, reads_only=True)
    assert again.ledger == last
    assert [each.text for each in again.events] == ["said in between"]


def test_a_change_that_was_cut_short_is_taken_back_and_the_next_one_builds_on_the_one_before(
    tmp_path: Path,
) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    before = journal.path.read_bytes()
    with files_up_to(len(before) + 20), pytest.raises(Problems):
        journal.write(Ledger(stable="one", scale={"api": 3}), 2.0)
    assert journal.path.read_bytes() == before
    journal.write(Ledger(stable="two"), 3.0)
    assert journal.path.read_bytes().startswith(before)
    assert Journal(journal.path, reads_only=True).ledger == Ledger(stable="two")


def test_half_a_line_that_stayed_in_the_file_does_not_spoil_what_follows(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    with journal.path.open("ab") as file:
        file.write(b'{"at": 2.0, "cha')
    journal.write(Ledger(stable="two"), 3.0)
    assert Journal(journal.path, reads_only=True).ledger == Ledger(stable="two")


@contextmanager
def files_up_to(size: int) -> Generator[None]:
    """No file of this process may grow beyond a size: a disk that is full to the byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    Journal(journal.path)  # rewritten at a start
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_it_stays_small_and_keeps_the_last_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "COMPACT_BYTES", 64 * 1024)
    journal = Journal(path_in(tmp_path))
    for number in range(1000):
        journal.tell(event(f"event {number}"))
        journal.write(Ledger(ordinals={"api": number}), float(number))
    again = Journal(journal.path, reads_only=True)
    assert again.ledger.ordinals == {"api": 999}
    assert len(again.events) == journals.KEPT_EVENTS
    assert again.events[-1].text == "event 999"
    events = sum(len(json.dumps(each)) for each in lines(journal.path) if "text" in each)
    assert journal.path.stat().st_size < events + 2 * 64 * 1024


def test_a_disk_that_refuses_keeps_the_ledger_before_and_says_so(tmp_path: Path) -> None:
    journal = Journal(path_in(tmp_path))
    journal.write(Ledger(stable="one"), 1.0)
    journal.path.unlink()
    journal.path.mkdir()  # nobody, not even root, can append to a folder
    with pytest.raises(Problems) as raised:
        journal.write(Ledger(stable="two"), 2.0)
    assert "the journal can't be written" in str(raised.value)
    assert "Nothing is changed until it can" in str(raised.value)
    assert journal.ledger == Ledger(stable="one")
    journal.tell(event("said all the same"))
    assert journal.events[-1].text == "said all the same"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a disk that is full")
def test_a_full_disk_loses_no_ledger_and_leaves_no_half_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
import os, subprocess, sys
from pathlib import Path
from fairway.core.ledger import Ledger
from fairway.core.problem import Problems
from fairway.engine.journal import Journal
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", {str(disk)!r}], check=True)
journal = Journal(Path({str(disk)!r}) / "journal.jsonl")
journal.write(Ledger(stable="kept"), 1.0)
filler = open(Path({str(disk)!r}) / "filler", "wb", buffering=0)
try:
    while filler.write(b"x" * 4096):
        pass
except OSError as error:
    assert error.errno == {errno.ENOSPC}
try:
    for number in range(200):
        journal.write(Ledger(stable="lost", ordinals={{"api": number}}), 2.0)
        before = journal.ledger
except Problems as problems:
    print(problems)
filler.truncate(0)
again = Journal(journal.path)
assert again.ledger == journal.ledger, (again.ledger, journal.ledger)
again.write(Ledger(stable="room again"), 3.0)
assert Journal(journal.path).ledger.stable == "room again"
"""
    done = journals_in_a_mount(script)
    assert "No space left on device" in done


def journals_in_a_mount(script: str) -> str:
    """Run Python with mounts of its own; skips where the machine does not allow them."""
    command = ["unshare", "--mount", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout
