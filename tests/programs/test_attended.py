"""Programs that are run to their end, by real shells."""

import os
import threading
import time
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.programs.attended import MOST_LINES, Attended, Outcome
from fairway.targets.local import procfs


def attended(**more: object) -> Attended:
    settings: dict[str, object] = {
        "where": "service.web.build",
        "what": "The build",
        "mend": "See what it waits for.",
        **more,
    }
    return Attended(**settings)  # pyright: ignore[reportArgumentType] - one place, plain values


def ran(folder: Path, script: str, **more: object) -> Outcome:
    return attended(**more).run(["/bin/sh", "-c", script], folder, os.environ)


def test_both_outputs_are_one_and_a_last_line_needs_no_end(tmp_path: Path) -> None:
    assert ran(tmp_path, "echo a; echo b >&2; printf 'c d'; exit 3") == Outcome(
        3, ("a", "b", "c d")
    )
    assert ran(tmp_path, "printf '\\377\\n'") == Outcome(0, ("\ufffd",))
    assert ran(tmp_path, "kill -9 $$").code == -9


def test_lines_come_while_it_runs(tmp_path: Path) -> None:
    def report(line: str) -> None:
        (tmp_path / line).touch()

    script = "echo one; while [ ! -e one ]; do sleep 0.01; done; echo two"
    attended(deadline_seconds=20).run(["/bin/sh", "-c", script], tmp_path, os.environ, report)
    assert (tmp_path / "two").exists()


def test_it_may_close_its_output_and_go_on(tmp_path: Path) -> None:
    outcome = ran(tmp_path, "exec >&- 2>&-; sleep 0.3; touch done; exit 5")
    assert outcome == Outcome(5, ())
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("left", ["sleep 60", "yes"])
def test_what_it_leaves_in_its_group_ends_with_it(tmp_path: Path, left: str) -> None:
    """Though it holds the output open, and writes."""
    begun = time.monotonic()
    assert ran(tmp_path, f"{left} & echo $! > left").code == 0
    assert time.monotonic() - begun < 20
    assert is_gone(int((tmp_path / "left").read_text()))


DEAF = "(trap '' TERM; echo $(exec sh -c 'echo $PPID'); while :; do sleep 0.05; done) & wait"


def test_told_to_stop_it_ends_with_all_of_its_group(tmp_path: Path) -> None:
    """Also what does not listen when it is asked."""
    pids: list[int] = []
    stop = threading.Event()

    def report(line: str) -> None:
        pids.append(int(line))
        stop.set()

    with pytest.raises(Problems, match="The build was stopped"):
        attended(stop=stop).run(["/bin/sh", "-c", DEAF], tmp_path, os.environ, report)
    assert [is_gone(pid) for pid in pids] == [True]


def test_too_late_it_ends_with_all_of_its_group(tmp_path: Path) -> None:
    pids: list[int] = []
    soon = attended(deadline_seconds=2.0)
    with pytest.raises(Problems, match="did not end within 2 seconds") as raised:
        soon.run(["/bin/sh", "-c", DEAF], tmp_path, os.environ, lambda line: pids.append(int(line)))
    (problem,) = raised.value.problems
    assert (problem.where, problem.mend) == ("service.web.build", "See what it waits for.")
    assert [is_gone(pid) for pid in pids] == [True]


def test_of_much_output_the_last_is_kept(tmp_path: Path) -> None:
    lines = ran(tmp_path, f"seq {MOST_LINES + 10}").lines
    assert (len(lines), lines[-1]) == (MOST_LINES, str(MOST_LINES + 10))


def is_gone(pid: int) -> bool:
    """Whether a process is, or will be in a moment, no more."""
    for _ in range(500):
        stat = procfs.read(pid)
        if stat is None or not stat.alive:
            return True
        time.sleep(0.01)
    return False
