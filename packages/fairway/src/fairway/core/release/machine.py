"""The release machine: `step(state, event) -> (state, orders)`, and nothing else decides.

Place in the flow: the engine turns clock, replicas and migrations into events, writes the new
state to the journal, and only then carries out the orders. What the state asks for at any moment
is readable from it alone (`targets`, `shares`), so an engine that was killed goes on from the
last state it wrote: nothing is remembered elsewhere. Must not: know a clock, a process, a name
of a strategy.

State round-trips JSON (`to_json`, `from_json`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never

from fairway.core.release.strategy import Hold, Migrate, Scale, Shift, Side, Step, Verify, back

__all__ = [
    "Abort",
    "Event",
    "Failed",
    "Judged",
    "Migrated",
    "Observed",
    "Pause",
    "Phase",
    "Promote",
    "ReleaseState",
    "Resume",
    "begin",
    "from_json",
    "shares",
    "step",
    "targets",
    "to_json",
    "wants_migration",
    "wants_verification",
]

Phase = Literal["forward", "back", "promoted", "rolled_back", "stuck"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseState:
    """A release at one moment. Times are seconds since the epoch, as the engine's clock gives.

    `way_back` is what is walked where it fails; empty: that of what gets traffic.
    """

    service: str
    old: str | None
    new: str
    replicas: int
    walk: tuple[Step, ...]
    way_back: tuple[Step, ...] = ()
    at: int = 0
    phase: Phase = "forward"
    paused: bool = False
    new_count: int = 0
    old_count: int = 0
    new_percent: float = 0.0
    step_since: float = 0.0
    step_deadline_seconds: float = 120.0
    reason: str = ""

    @property
    def over(self) -> bool:
        """Whether it ended, promoted or not."""
        return self.phase in ("promoted", "rolled_back", "stuck")

    @property
    def current(self) -> Step | None:
        """The step that it is at; None when over."""
        return None if self.over or self.at >= len(self.walk) else self.walk[self.at]


@dataclass(frozen=True, slots=True)
class Observed:
    """What runs, and the time."""

    now: float
    new_ready: int
    new_running: int
    old_ready: int
    old_running: int


@dataclass(frozen=True, slots=True)
class Migrated:
    """The migration ended well."""

    now: float


@dataclass(frozen=True, slots=True)
class Verified:
    """The test of the new revision ended well."""

    now: float


@dataclass(frozen=True, slots=True)
class Judged:
    """The analysis of the current hold: pass goes on, fail goes back, unknown waits."""

    now: float
    verdict: Literal["pass", "fail", "unknown"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The new revision can't be released: migration failed, crash loop, never ready."""

    now: float
    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Somebody wants the old revision back."""

    now: float
    reason: str = "aborted by hand"


@dataclass(frozen=True, slots=True)
class Promote:
    """Somebody ends the current hold."""

    now: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Stay at the current step."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on; the current step's time starts again."""

    now: float


Event = Observed | Migrated | Verified | Judged | Failed | Abort | Promote | Pause | Resume


def begin(
    *,
    service: str,
    old: str | None,
    new: str,
    replicas: int,
    walk: tuple[Step, ...],
    now: float,
    step_deadline_seconds: float,
    way_back: tuple[Step, ...] = (),
) -> ReleaseState:
    """A release that has not moved yet: all traffic and all replicas on the old side."""
    return enter(
        ReleaseState(
            service=service,
            old=old,
            new=new,
            replicas=replicas,
            walk=walk,
            way_back=way_back,
            old_count=0 if old is None else replicas,
            step_since=now,
            step_deadline_seconds=step_deadline_seconds,
        ),
        0,
        now,
    )


def targets(state: ReleaseState) -> Mapping[str, int]:
    """How many replicas of which revision the release wants at this moment."""
    wanted = {state.new: state.new_count}
    if state.old is not None:
        wanted[state.old] = state.old_count
    return wanted


def shares(state: ReleaseState) -> Mapping[str, float]:
    """Percent of traffic per revision; they total 100."""
    if state.old is None:
        return {state.new: 100.0}
    return {state.new: state.new_percent, state.old: 100.0 - state.new_percent}


def wants_migration(state: ReleaseState) -> bool:
    """Whether the current step is the migration: carry it out, then say `Migrated` or `Failed`."""
    return isinstance(state.current, Migrate) and not state.paused


def wants_verification(state: ReleaseState) -> bool:
    """Whether the current step is the test: carry it out, then say `Verified` or `Failed`."""
    return isinstance(state.current, Verify) and not state.paused


def step(state: ReleaseState, event: Event) -> ReleaseState:
    """The state after `event`. A release that is over stays as it is."""
    if state.over:
        return state
    match event:
        case Observed():
            return observed(state, event)
        case Migrated(now):
            return enter(state, state.at + 1, now) if wants_migration(state) else state
        case Verified(now):
            return enter(state, state.at + 1, now) if wants_verification(state) else state
        case Judged(now, verdict, reason):
            return judged(state, now, verdict, reason)
        case Failed(now, reason) | Abort(now, reason):
            return turn_back(state, now, reason)
        case Promote(now):
            promotes = state.phase == "forward" and isinstance(state.current, Hold)
            return enter(replace(state, paused=False), state.at + 1, now) if promotes else state
        case Pause():
            return replace(state, paused=True) if state.phase == "forward" else state
        case Resume(now):
            return replace(state, paused=False, step_since=now) if state.paused else state
        case _:
            assert_never(event)


def judged(state: ReleaseState, now: float, verdict: str, reason: str) -> ReleaseState:
    current = state.current
    if state.phase != "forward" or not (isinstance(current, Hold) and current.analyse):
        return state
    if verdict == "fail":
        return turn_back(state, now, reason)
    held = now - state.step_since >= current.seconds
    if verdict == "pass" and held and not state.paused:
        return enter(state, state.at + 1, now)
    # Unknown holds, then fails at its deadline: no traffic is not success.
    if held and now - state.step_since >= current.seconds + state.step_deadline_seconds:
        return turn_back(state, now, reason or "the analysis never became certain")
    return state


def observed(state: ReleaseState, seen: Observed) -> ReleaseState:
    """Go past every step that is done; turn back from one that is not done in time."""
    while (current := state.current) is not None:
        if state.paused or not done(state, current, seen):
            break
        state = enter(state, state.at + 1, seen.now)
    if state.over or state.paused or not isinstance(state.current, Scale):
        return state
    if seen.now - state.step_since < state.step_deadline_seconds:
        return state
    late = f"not done within {state.step_deadline_seconds:g} s: {describe(state.current)}"
    if state.phase == "forward":
        return turn_back(state, seen.now, late)
    # On the way back too: the old side can't be made whole. Keep what serves and say so.
    return replace(state, phase="stuck", reason=f"{state.reason}; on the way back {late}")


def done(state: ReleaseState, current: Step, seen: Observed) -> bool:
    match current:
        case Scale(side, to):
            ready, running = (
                (seen.new_ready, seen.new_running)
                if side == "new"
                else (seen.old_ready, seen.old_running)
            )
            return ready >= to and running <= to
        case Shift():
            return True
        case Hold(seconds, analyse):
            return not analyse and seen.now - state.step_since >= seconds
        case Migrate() | Verify():
            return False
        case _:
            assert_never(current)


def enter(state: ReleaseState, at: int, now: float) -> ReleaseState:
    """The state at step `at`, with what that step asks for; past the last step it is over."""
    if at >= len(state.walk):
        return replace(
            state, at=at, phase="promoted" if state.phase == "forward" else "rolled_back"
        )
    state = replace(state, at=at, step_since=now)
    entered = state.walk[at]
    match entered:
        case Scale(side, to):
            return replace(state, new_count=to) if side == "new" else replace(state, old_count=to)
        case Shift(percent):
            return replace(state, new_percent=percent)
        case Migrate() | Verify() | Hold():
            return state
        case _:
            assert_never(entered)


def turn_back(state: ReleaseState, now: float, reason: str) -> ReleaseState:
    """Begin the way back; a second reason on the way back changes nothing."""
    if state.phase != "forward":
        return state
    walk = state.way_back or back(state.replicas, first=state.old is None)
    turned = replace(state, phase="back", walk=walk, paused=False, reason=reason)
    return enter(turned, 0, now)


def describe(current: Step) -> str:
    """The step in words, for people."""
    match current:
        case Migrate():
            return "migrate"
        case Verify():
            return "test the new revision on its own address"
        case Scale(side, to):
            return f"{to} replica{'' if to == 1 else 's'} of the {side} revision"
        case Shift(percent):
            return f"{percent:g}% of traffic to the new revision"
        case Hold(seconds, analyse):
            return f"hold {seconds:g} s" + (" and analyse" if analyse else "")
        case _:
            assert_never(current)


def to_json(state: ReleaseState) -> dict[str, Any]:
    """The state as JSON values."""
    fields = {name: getattr(state, name) for name in ReleaseState.__dataclass_fields__}
    return {
        **fields,
        "walk": [step_to_json(step) for step in state.walk],
        "way_back": [step_to_json(step) for step in state.way_back],
    }


def from_json(data: Mapping[str, Any]) -> ReleaseState:
    """What `to_json` gave, back."""
    walk = tuple(step_from_json(each) for each in data["walk"])
    way_back = tuple(step_from_json(each) for each in data.get("way_back", ()))
    fields: dict[str, Any] = {**data, "walk": walk, "way_back": way_back}
    return ReleaseState(**fields)


def step_to_json(current: Step) -> list[Any]:
    match current:
        case Migrate():
            return ["migrate"]
        case Verify():
            return ["test"]
        case Scale(side, to):
            return ["scale", side, to]
        case Shift(percent):
            return ["shift", percent]
        case Hold(seconds, analyse):
            return ["hold", seconds, analyse]
        case _:
            assert_never(current)


def step_from_json(data: list[Any]) -> Step:
    match data:
        case ["migrate"]:
            return Migrate()
        case ["test"]:
            return Verify()
        case ["scale", ("old" | "new") as side, int(to)]:
            named: Side = side
            return Scale(named, to)
        case ["shift", percent]:
            return Shift(float(percent))
        case ["hold", seconds, analyse]:
            return Hold(float(seconds), bool(analyse))
        case _:
            raise ValueError(f"not a step of a release: {data!r}")
