"""Lets a process stand back while it starts, so that it takes no time from those that serve.

Place in the flow: called through `ProcessTable.set_priority`, and by the command line's first step
for itself. Linux schedules sessions against each other where autogroups are on (the default):
there the policy of a thread counts only inside its own session, and what stands back is the
session. Where they are off, or a control group takes their place, the policy of each thread
counts. So both are set.

Measured, two busy processes on one core, each in its own session, of 150 ticks: equal 75:75,
one SCHED_IDLE 75:75, one's autogroup nice 19 147:2. Measured, the p99 of a service that took three
quarters of two processors, 10 to 18 ms: beside one that computes 90 to 150 ms, in a session that
stands back 34, with the policy too 16 to 25. (A longer slice for who stands back gained nothing;
one processor for it a little, but what starts counts its processors.)
"""

import os
import resource
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["ASIDE", "BACKMOST", "STAND_BACK_SECONDS", "can_return", "give_way", "step_aside"]

FOREMOST, BACKMOST = "0", "19"  # of a session among sessions; the first is what each begins with
ASIDE = "10"  # of one that must get on: a tenth of a processor that others want whole

STAND_BACK_SECONDS = 4.0  # so that a machine that is always busy starts it too

CAP_SYS_NICE = 23
ROUNDS = 5  # a thread may be born between two looks


def give_way(leader: int, threads: Callable[[], Iterable[int]], *, starting: bool) -> None:
    """Have a session stand back (`starting`), or no longer. Refusal changes nothing."""
    weigh(leader, BACKMOST if starting else FOREMOST)
    if not can_return():
        return  # an ordinary user may stand back but never step forward again
    policy = os.SCHED_IDLE if starting else os.SCHED_OTHER
    for _ in range(ROUNDS):
        changed = [thread for thread in threads() if change(thread, policy)]
        if not changed:
            return


def step_aside(leader: int) -> None:
    """Have a session take less than others for as long as it lasts. Refusal changes nothing."""
    weigh(leader, ASIDE)


def weigh(leader: int, niceness: str) -> None:
    """Set a session's niceness among sessions, where the kernel has it and lets us."""
    with suppress(OSError):
        Path(f"/proc/{leader}/autogroup").write_text(niceness)


def change(thread: int, policy: int) -> bool:
    """Whether the thread had another policy of the two, and has this one now."""
    try:
        if os.sched_getscheduler(thread) not in {os.SCHED_IDLE, os.SCHED_OTHER} - {policy}:
            return False
        os.sched_setscheduler(thread, policy, os.sched_param(0))
    except OSError:
        return False
    return True


def can_return() -> bool:
    """Whether the kernel lets this process take a thread back from SCHED_IDLE (sched(7))."""
    if resource.getrlimit(resource.RLIMIT_NICE)[0] >= 20:
        return True
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> CAP_SYS_NICE & 1)
