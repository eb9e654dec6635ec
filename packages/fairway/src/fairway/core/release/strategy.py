"""Strategies as data: the steps by which one revision takes over from another.

Rolling, blue/green and canary are lists of the same few steps; the machine that walks them
(`machine.py`) knows none of the three names. Rolling back is a list of steps too.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal, assert_never

from fairway.core.spec.model import Blue, Canary, Release, Rolling

__all__ = [
    "Hold",
    "Migrate",
    "Scale",
    "Shift",
    "Side",
    "Step",
    "Verify",
    "back",
    "steps",
    "worker_back",
    "worker_steps",
]

Side = Literal["old", "new"]


@dataclass(frozen=True, slots=True)
class Migrate:
    """Run the service's `before` command, once, under a lock, before any traffic."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Bring one side to `to` replicas; done when that many are ready and no more run."""

    side: Side
    to: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Send `percent` of the traffic to the new side and the rest to the old one."""

    percent: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Stay for `seconds`; with `analyse`, go on only if the new side is judged as good."""

    seconds: float
    analyse: bool


@dataclass(frozen=True, slots=True)
class Verify:
    """Run the service's `test` command against the new side's own address; nobody else asks it."""


Step = Migrate | Scale | Shift | Hold | Verify


def steps(
    release: Release, replicas: int, *, first: bool, migrates: bool, tests: bool = False
) -> tuple[Step, ...]:
    """The steps that bring `replicas` copies of a new revision into service.

    `first`: there is no old revision, so nothing is shared, taken down or protected by a test.
    `tests`: the new one is tested before its first traffic. Invariant: ready replicas of both
    sides never fall below `replicas` on the way.
    """
    before: tuple[Step, ...] = (Migrate(),) if migrates else ()
    if first:
        return (*before, Scale("new", replicas), Shift(100.0))
    walk = walk_of(release, replicas)
    return (*before, *(tested(walk) if tests else walk))


def worker_steps(replicas: int, *, first: bool, migrates: bool, alone: bool) -> tuple[Step, ...]:
    """The steps of what gets no traffic: a new one lives, then an old one ends.

    `alone`: two must never run, so the old one has ended before the new one starts. Invariant
    else: those of both sides never fall below `replicas`.
    """
    before: tuple[Step, ...] = (Migrate(),) if migrates else ()
    if first:
        return (*before, Scale("new", replicas))
    if alone:
        return (*before, Scale("old", 0), Scale("new", replicas))
    walk = rolling(Rolling(), replicas)
    return (*before, *(step for step in walk if not isinstance(step, Shift)))


def worker_back(replicas: int, *, first: bool, alone: bool) -> tuple[Step, ...]:
    """The way back of what gets no traffic; alone, the new one ends first."""
    if first:
        return (Scale("new", 0),)
    walk = (Scale("old", replicas), Scale("new", 0))
    return walk[::-1] if alone else walk


def tested(walk: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same walk, with the test before anything of the traffic is shifted."""
    at = next(number for number, each in enumerate(walk) if isinstance(each, Shift))
    return (*walk[:at], Verify(), *walk[at:]) if at else walk


def walk_of(release: Release, replicas: int) -> tuple[Step, ...]:
    match release:
        case Rolling():
            return rolling(release, replicas)
        case Blue():
            return blue_green(release, replicas)
        case Canary():
            return canary(release, replicas)
        case _:
            assert_never(release)


def rolling(release: Rolling, replicas: int) -> tuple[Step, ...]:
    """A batch of new ones, then as many old ones less, until none is left (R145-R146)."""
    batch = max(1, min(release.batch, release.surge))
    walk: list[Step] = []
    new = 0
    while new < replicas:
        new = min(new + batch, replicas)
        walk += [
            Scale("new", new),
            Shift(100.0 * new / replicas),
            Scale("old", replicas - new),
        ]
    return tuple(walk) or (Shift(100.0), Scale("old", 0))


def blue_green(release: Blue, replicas: int) -> tuple[Step, ...]:
    """Green at full strength, everything at once, blue kept for a while (R148-R150)."""
    return (
        Scale("new", replicas),
        Shift(100.0),
        Hold(release.keep_seconds, analyse=False),
        Scale("old", 0),
    )


def canary(release: Canary, replicas: int) -> tuple[Step, ...]:
    """A growing share, judged at each step; at least one replica (R151-R153, C18)."""
    walk: list[Step] = []
    for step in release.steps:
        share = max(1, ceil(replicas * step.percent / 100.0)) if replicas else 0
        walk += [
            Scale("new", share),
            Shift(step.percent),
            Hold(step.hold_seconds, analyse=True),
        ]
    return (*walk, Scale("new", replicas), Shift(100.0), Scale("old", 0))


def back(replicas: int, *, first: bool) -> tuple[Step, ...]:
    """The way back from anywhere: the old side whole again, then all traffic, then no new one."""
    if first:
        return (Scale("new", 0),)
    return (Scale("old", replicas), Shift(0.0), Scale("new", 0))
