"""The `fairway` command's first step: a verb that sets a release in motion stands back at once.

It runs on the machine on which visitors are served, and its start alone is a quarter of a second
of a processor: at their expense, on a small machine, the slowest answers of a release. What
stands back must be a session of its own (`programs/priority.py`), which what a terminal
started is not: so a child does the work, and this process passes signals on and waits. After
`STAND_BACK_SECONDS` the child is like any other, so that a machine that is always busy gets it
done too.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

__all__ = ["main"]

PR_SET_PDEATHSIG = 1  # prctl(2)
BEHIND = frozenset({"deploy", "rollback", "scale"})
PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def main() -> None:
    """Run the command line. Exit codes: those of `fairway.cli.main`."""
    if sys.platform == "linux" and is_behind(sys.argv[1:]):
        sys.stdout.flush()
        begun_by = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until they can be passed on
        if child := os.fork():
            sys.exit(waited_for(child, before))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        step_back(begun_by)
    from fairway.cli.main import main as run

    run()


def is_behind(arguments: Sequence[str]) -> bool:
    """Whether these arguments call a verb that stands back."""
    return bool(arguments) and arguments[0] in BEHIND


def step_back(begun_by: int) -> None:
    """Be a session of one's own that takes only what others leave, and ends with its parent."""
    import ctypes  # other verbs need not wait for it

    from fairway.programs import priority

    os.setsid()
    priority.give_way(os.getpid(), lambda: [os.getpid()], starting=True)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != begun_by:  # it ended before it was asked for
        sys.exit(1)


def waited_for(child: int, before: set[signal.Signals | int]) -> int:
    """The exit code of `child`, which gets the signals that come here.

    They are held back until then; `before` are those that were so anyway.
    """

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            signal.pidfd_send_signal(ended, number)

    ended = os.pidfd_open(child)  # not reaped before the end of this: it is there
    for each in PASSED_ON:
        signal.signal(each, pass_on)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if not is_over(ended):
        step_forward(child)
        select.select([ended], [], [])
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def is_over(ended: int) -> bool:
    """Whether a process ends while it may stand back."""
    from fairway.programs.priority import STAND_BACK_SECONDS

    return bool(select.select([ended], [], [], STAND_BACK_SECONDS)[0])


def step_forward(child: int) -> None:
    """Let the child take its share."""
    from fairway.programs import priority
    from fairway.targets.local import procfs

    priority.give_way(child, lambda: procfs.threads(child), starting=False)


if __name__ == "__main__":
    main()
