"""The command's first step: a verb that sets a release in motion takes only what others leave."""

import os
import signal
import subprocess
import sys

import pytest

from fairway.__main__ import BEHIND, is_behind
from fairway.cli.main import VERBS
from fairway.programs import priority
from tests.runtime.serving import until
from tests.targets.local.sessions import niceness_of_session

# What the verb is, in place of the command line: it says how it runs, and does as it is told.
PROGRAM = """
import os, signal, sys, time
from fairway.cli import main as line
from fairway.programs import priority
from tests.targets.local.sessions import niceness_of_session

def verb():
    pid = os.getpid()
    print(pid, os.getsid(0), os.sched_getscheduler(0), niceness_of_session(pid), flush=True)
    {then}

line.main = verb
opened = os.pidfd_open
os.pidfd_open = lambda pid: (time.sleep({late}), opened(pid))[1]  # before signals are passed on
priority.STAND_BACK_SECONDS = {seconds}
sys.argv = ["fairway", *sys.argv[1:]]
from fairway.__main__ import main
main()
"""
SLEEPS = """
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def begun(
    then: str, *arguments: str, seconds: float = 60.0, late: float = 0.0
) -> "subprocess.Popen[str]":
    program = PROGRAM.format(then=then.strip(), seconds=seconds, late=late)
    argv = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> tuple[int, int, int, str]:
    """Pid, session, policy and niceness of who runs the verb."""
    assert process.stdout is not None
    pid, session, policy, niceness = process.stdout.readline().split()
    return int(pid), int(session), int(policy), niceness


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_verbs_that_stand_back_are_verbs() -> None:
    assert VERBS.keys() > BEHIND
    assert is_behind(["deploy", "--json"])
    assert not is_behind(["status"])
    assert not is_behind([])


@pytest.mark.requirement("R145")
def test_a_release_is_asked_for_from_behind_and_its_exit_code_is_kept() -> None:
    with begun("sys.exit(3)", "deploy") as process:
        pid, session, policy, niceness = said(process)
        assert process.wait(20) == 3
    assert pid == session != process.pid
    assert niceness in {priority.BACKMOST, "None"}
    assert policy == (os.SCHED_IDLE if priority.can_return() else os.SCHED_OTHER)


def test_a_verb_that_only_looks_runs_as_it_is() -> None:
    with begun("pass", "status") as process:
        pid, _, policy, _ = said(process)
        assert process.wait(20) == 0
    assert (pid, policy) == (process.pid, os.sched_getscheduler(0))


def test_ctrl_c_reaches_who_does_the_work() -> None:
    with begun(SLEEPS, "deploy") as process:
        said(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_a_signal_that_ends_the_work_is_in_the_exit_code() -> None:
    with begun(SLEEPS, "rollback") as process:
        said(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)]
)
def test_a_signal_that_comes_before_it_can_be_passed_on_is_passed_on(
    sent: signal.Signals, code: int
) -> None:
    with begun(SLEEPS, "rollback", late=0.5) as process:
        said(process)
        process.send_signal(sent)
        assert process.wait(20) == code


def test_nothing_is_left_of_a_command_that_is_killed() -> None:
    with begun(SLEEPS, "scale") as process:
        pid = said(process)[0]
        process.kill()
        until(lambda: not lives(pid))


def test_it_steps_forward_where_the_machine_is_always_busy() -> None:
    with begun(SLEEPS, "deploy", seconds=0.5) as process:
        pid = said(process)[0]
        until(lambda: niceness_of_session(pid) in {"0", None})
        assert os.sched_getscheduler(pid) == os.SCHED_OTHER
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
