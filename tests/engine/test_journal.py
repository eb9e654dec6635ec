"""The journal: the ledger that a new engine goes on from, whatever happened to the last one."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fairway.core.ledger import Ledger
from fairway.core.problem import Problems
from fairway.core.status import EventLine
from fairway.engine import journal as journals
from fairway.engine.journal import Journal


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
