"""How many replicas a service should have: `decide(state, sample, ...) -> state`.

Place in the flow: the engine measures once a second or so, this decides, the release machine and
`replicas.py` carry it out. Pure: times are arguments, seconds since the epoch.

Up (R236-R239), any of: mean CPU over its target for the whole window, mean memory likewise, the
queue over its limit now (and what was added last has shown what it does), more requests per
replica than wanted. Down (R240-R241, C8): CPU *and* memory below for their whole window, the queue
empty, and what is left would still be below the way up. Means over full windows, not single
readings, so noise moves nothing; after every change the windows start empty, so each change is
judged by what was measured after it.
"""

from dataclasses import dataclass, replace
from math import ceil, inf

from fairway.core.problem import Problem
from fairway.core.spec.model import OffHours, Scale, Service
from fairway.core.spec.quantities import Replicas

__all__ = ["Sample", "ScalerState", "allowed", "decide", "refusal"]

# How much bigger one step may make a service: a wrong reading can't start everything at once.
GROWTH = 2.0
# The share of the way-up threshold that must stay free after a step down, against flapping.
HEADROOM = 0.9
DAY_MINUTES = 24 * 60
# A queue takes this long to show what one replica more does about it.
QUEUE_SECONDS = 10.0
SPARE_SECONDS = 30.0  # kept beyond the longest window, so that a full one can be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement over all replicas that serve. Percent of what each replica is given."""

    at: float
    cpu_percent: float
    memory_percent: float
    queued: int
    requests_per_second: float
    replicas: int  # that served while this was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerState:
    """What is wanted, why, and the samples since the last change, oldest first."""

    desired: int
    reason: str = ""
    samples: tuple[Sample, ...] = ()
    changed_at: float = -inf  # never


def allowed(replicas: Replicas, off_hours: OffHours | None, minute_of_day: int) -> Replicas:
    """The range at this minute of the day, UTC (R115); a range over midnight wraps."""
    if off_hours is None:
        return replicas
    start, end = off_hours.start_minute % DAY_MINUTES, off_hours.end_minute % DAY_MINUTES
    inside = (
        start <= minute_of_day < end
        if start <= end
        else minute_of_day >= start or minute_of_day < end
    )
    return off_hours.replicas if inside else replicas


def refusal(program: Service, replicas: int, where: str) -> Problem | None:
    """Why a service or worker can't be set to so many by hand; None: it can."""
    if program.capped(replicas) == replicas:
        return None
    what = f"{program.name} never runs twice at once: its `replicas` say {program.replicas}"
    mend = f'If two may run, write replicas = "1..4" in [worker.{program.name}], and deploy it.'
    return Problem(where, what, mend)


def decide(
    state: ScalerState,
    sample: Sample,
    *,
    scale: Scale,
    within: Replicas,
    releasing: bool,
) -> ScalerState:
    """The state after one more sample.

    During a release nothing changes and nothing is remembered: half of the load is on replicas
    that just started. Invariant: `within.minimum <= desired <= within.maximum`.
    """
    bounded = min(max(state.desired, within.minimum), within.maximum)
    if bounded != state.desired:
        return moved(state, bounded, sample.at, f"the range is {within} now")
    if releasing or sample.replicas == 0:
        return replace(state, samples=())
    longest = max(scale.up_after_seconds, scale.down.after_seconds) + SPARE_SECONDS
    kept = tuple(each for each in state.samples if sample.at - each.at <= longest)
    state = replace(state, samples=(*kept, sample))
    up, reason = grown(state, sample, scale)
    if up > state.desired:
        return moved(state, min(up, within.maximum), sample.at, reason)
    if shrinks(state, sample, scale) and state.desired > within.minimum:
        down = scale.down
        reason = f"CPU under {down.cpu_percent:g}% and memory under {down.memory_percent:g}%"
        reason = f"{reason} for {down.after_seconds:g} s"
        return moved(state, state.desired - 1, sample.at, reason)
    return state


def moved(state: ScalerState, desired: int, now: float, reason: str) -> ScalerState:
    """Another number; what was measured before it says nothing about it."""
    if desired == state.desired:
        return state
    return ScalerState(desired=desired, reason=reason, samples=(), changed_at=now)


def grown(state: ScalerState, sample: Sample, scale: Scale) -> tuple[int, str]:
    """How many the load asks for, and why; never fewer than there are."""
    current = state.desired
    cpu = mean(state, sample.at, scale.up_after_seconds, "cpu_percent")
    memory = mean(state, sample.at, scale.up_after_seconds, "memory_percent")
    asked = [(current, "")]
    if cpu is not None and cpu > scale.cpu_percent:
        wanted = ceil(current * cpu / scale.cpu_percent)
        asked.append((wanted, f"CPU {cpu:.0f}% over {scale.cpu_percent:g}%"))
    if memory is not None and memory > scale.memory_percent:
        wanted = ceil(current * memory / scale.memory_percent)
        asked.append((wanted, f"memory {memory:.0f}% over {scale.memory_percent:g}%"))
    if sample.queued > scale.queue and has_shown(state, sample, scale):
        asked.append((current + 1, f"{sample.queued} requests wait"))
    rate = mean(state, sample.at, scale.up_after_seconds, "requests_per_second")
    if scale.requests is not None and rate is not None and rate > scale.requests * current:
        wanted = ceil(rate / scale.requests)
        asked.append((wanted, f"{rate:.0f} requests/s for {current} replicas"))
    most, reason = max(asked)
    return min(most, max(current + 1, int(current * GROWTH))), reason


def has_shown(state: ScalerState, sample: Sample, scale: Scale) -> bool:
    """Whether the last change has had time to shorten the queue: all serve, or some never do."""
    since = sample.at - state.changed_at
    all_serve = sample.replicas >= state.desired or since >= scale.up_after_seconds
    return all_serve and since >= QUEUE_SECONDS


def shrinks(state: ScalerState, sample: Sample, scale: Scale) -> bool:
    """Whether one replica fewer is enough, now and after it has gone."""
    down = scale.down
    cpu = mean(state, sample.at, down.after_seconds, "cpu_percent")
    memory = mean(state, sample.at, down.after_seconds, "memory_percent")
    if cpu is None or memory is None or state.desired < 2 or sample.queued:
        return False
    if cpu >= down.cpu_percent or memory >= down.memory_percent:
        return False
    rate = mean(state, sample.at, down.after_seconds, "requests_per_second")
    left = state.desired - 1
    fits = scale.requests is None or rate is None or rate <= scale.requests * left * HEADROOM
    return fits and cpu * state.desired / left <= scale.cpu_percent * HEADROOM


def mean(state: ScalerState, now: float, seconds: float, field: str) -> float | None:
    """The mean over the last `seconds`; None until the samples span them."""
    if not state.samples or now - state.samples[0].at < seconds:
        return None
    inside = [each for each in state.samples if now - each.at <= seconds]
    return sum(float(getattr(each, field)) for each in inside) / len(inside)
