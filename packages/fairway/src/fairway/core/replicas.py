"""Which replicas to start and stop: `decide(...)` from what is wanted and what is seen.

Place in the flow: the release machine says how many of which revision; this keeps that many
alive (R32) and says when a revision can't live (crash loop), which turns a release back. Pure:
times are arguments, in seconds since the epoch. It never stops the last ready replica to mend
another thing: a replica over its memory is replaced before it is stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = [
    "CrashLoop",
    "Decision",
    "Health",
    "Loss",
    "Memory",
    "Phase",
    "Replica",
    "Rules",
    "Start",
    "Stop",
    "decide",
    "judge",
]

Phase = Literal["starting", "ready", "unready", "hung", "stopping", "exited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One running copy as it was last seen."""

    name: str
    service: str
    revision: str
    port: int
    phase: Phase
    started_at: float
    was_ready: bool = False
    exit_code: int | None = None
    rss_mib: float = 0.0
    cpu: float = 0.0  # processors in use, 1.0: one whole
    answers: bool = True  # a worker's does not: it gets no traffic, and is ready while it lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a service allows its replicas. Seconds, MiB.

    `alone`: two must never run, so one starts when nothing is left of the one before.
    """

    startup_seconds: float = 60.0
    memory_mib: float = 512.0
    alone: bool = False
    crashes_to_loop: int = 3
    steady_seconds: float = 60.0
    backoff_seconds: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What must be remembered between two decisions: crashes in a row, and since when to wait."""

    crashes: Mapping[str, int] = field(default_factory=dict[str, int])
    not_before: Mapping[str, float] = field(default_factory=dict[str, float])
    looping: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Start:
    """Start one more replica of `revision`."""

    revision: str
    cause: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Take `replica` out: drained if it still serves, at once if it can't."""

    replica: str
    drain: bool
    cause: str


@dataclass(frozen=True, slots=True)
class CrashLoop:
    """`revision` can't live: so many starts in a row failed. `replica` is the last of them."""

    revision: str
    replica: str
    reason: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A replica that had been ready and is no more, though nobody asked it to go."""

    revision: str
    replica: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and what to remember."""

    memory: Memory
    starts: tuple[Start, ...] = ()
    stops: tuple[Stop, ...] = ()
    loops: tuple[CrashLoop, ...] = ()
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the probes of one replica said so far, in a row."""

    alive_failures: int = 0
    ready: bool = False


def judge(
    phase: Phase, health: Health, *, started: bool, hung_after: int = 4, was_ready: bool = False
) -> Phase:
    """The phase that probes show (R155-R157): `hung` after so many unanswered liveness probes.

    Before it was first ready a slow start is not a hang: the start's own deadline judges it.
    """
    if phase in ("stopping", "exited"):
        return phase
    if started and was_ready and health.alive_failures >= hung_after:
        return "hung"
    if health.ready:
        return "ready"
    return "unready" if was_ready else "starting"


def decide(
    *,
    targets: Mapping[str, int],
    replicas: Sequence[Replica],
    memory: Memory,
    rules: Rules,
    now: float,
) -> Decision:
    """What brings `replicas` nearer to `targets` (revision -> count).

    Replicas that exited are to be stopped too (which forgets them); each counts as a crash of
    its revision if nobody asked for it.
    """
    stops: list[Stop] = []
    loops: list[CrashLoop] = []
    losses: list[Loss] = []
    starts: list[Start] = []
    for replica in sorted(replicas, key=lambda each: each.name):
        fault = faulty(replica, rules, now)
        if fault:
            memory, loop = crashed(memory, replica, rules, now, fault)
            stops.append(Stop(replica.name, drain=False, cause=fault))
            loops += [loop] if loop else []
            if replica.was_ready:
                losses.append(Loss(replica.revision, replica.name, f"{replica.name} {fault}"))
    gone = {stop.replica for stop in stops}
    for revision in sorted({*targets, *(each.revision for each in replicas)}):
        live = [
            each
            for each in replicas
            if each.revision == revision
            and each.name not in gone
            and each.phase not in ("stopping", "exited")
        ]
        memory = steadied(memory, revision, live, rules, now)
        more, less = level(revision, targets.get(revision, 0), live, memory, rules, now)
        starts += more
        stops += less
    if rules.alone and replicas:
        starts = []
    return Decision(memory, tuple(starts), tuple(stops), tuple(loops), tuple(losses))


def faulty(replica: Replica, rules: Rules, now: float) -> str:
    """Why `replica` must go at once; empty if it need not."""
    if replica.phase == "exited":
        code = replica.exit_code
        return "exited" if code is None else f"exited with code {code}"
    if replica.phase == "hung":
        return "does not answer /health"
    late = replica.phase == "starting" and now - replica.started_at > rules.startup_seconds
    return f"not ready within {rules.startup_seconds:g} s" if late else ""


def crashed(
    memory: Memory, replica: Replica, rules: Rules, now: float, fault: str
) -> tuple[Memory, CrashLoop | None]:
    """Count a crash and set the time of the next try."""
    revision = replica.revision
    lived = replica.was_ready and now - replica.started_at > rules.steady_seconds
    count = 1 if lived else memory.crashes.get(revision, 0) + 1
    wait = rules.backoff_seconds[min(count - 1, len(rules.backoff_seconds) - 1)]
    never = not replica.was_ready and fault.startswith("not ready")
    loops = count >= rules.crashes_to_loop or never
    memory = replace(
        memory,
        crashes={**memory.crashes, revision: count},
        not_before={**memory.not_before, revision: now + wait},
        looping=memory.looping | {revision} if loops else memory.looping,
    )
    if not loops:
        return memory, None
    times = "" if never else f" ({count} times in a row)"
    return memory, CrashLoop(revision, replica.name, f"{replica.name} {fault}{times}")


def steadied(
    memory: Memory, revision: str, live: Sequence[Replica], rules: Rules, now: float
) -> Memory:
    """Forget the crashes of a revision of which a replica has been ready for long enough."""
    if revision not in memory.crashes:
        return memory
    steady = any(
        each.phase == "ready" and now - each.started_at > rules.steady_seconds for each in live
    )
    if not steady:
        return memory
    return Memory(
        crashes={name: n for name, n in memory.crashes.items() if name != revision},
        not_before={name: t for name, t in memory.not_before.items() if name != revision},
        looping=memory.looping - {revision},
    )


def level(  # noqa: PLR0917 - one decision, all of its inputs
    revision: str,
    target: int,
    live: Sequence[Replica],
    memory: Memory,
    rules: Rules,
    now: float,
) -> tuple[list[Start], list[Stop]]:
    """Starts and stops that bring the live replicas of one revision to `target`.

    A replica over its memory gets a successor first and is stopped when that one is ready; alone,
    it is stopped first.
    """
    heavy = [each for each in live if target and is_heavy(each, rules)]
    if rules.alone and heavy:
        return [], [Stop(each.name, drain=True, cause=over_memory(rules)) for each in heavy]
    missing = target + len(heavy) - len(live)
    if missing > 0:
        if now < memory.not_before.get(revision, 0.0):
            return [], []
        cause = f"{target} wanted, {len(live)} running"
        if len(live) >= target:
            cause = f"{heavy[0].name} is over its {rules.memory_mib:g} MiB"
        return [Start(revision, cause)] * missing, []
    spare = sorted(
        (each for each in live if each not in heavy),
        key=lambda each: (each.phase == "ready", -each.started_at, each.name),
    )
    stops = (
        [
            Stop(each.name, drain=True, cause=f"{target} wanted, {len(live)} running")
            for each in spare[:-missing]
        ]
        if missing
        else []
    )
    ready = sum(each.phase == "ready" for each in live) - sum(
        each.phase == "ready" for each in spare[: len(stops)]
    )
    over = over_memory(rules)
    stops += [Stop(each.name, drain=True, cause=over) for each in heavy[: max(0, ready - target)]]
    return [], stops


def over_memory(rules: Rules) -> str:
    return f"over its {rules.memory_mib:g} MiB"


def is_heavy(replica: Replica, rules: Rules) -> bool:
    """Whether it serves and holds more memory than it may."""
    return replica.phase == "ready" and replica.rss_mib > rules.memory_mib
