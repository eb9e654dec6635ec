"""What the file says of an analysis: its limits, and who visits a canary that nobody visits.

Place in the flow: the engine looks at both sides every few seconds; this says how many requests
to each replica the file's own `probes` must add, so that enough has been answered by the end of
the step. Real visitors come first: nothing is added where they suffice. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from fairway.core.release.analysis_comparison import Limits
from fairway.core.release.analysis_sample import Sample
from fairway.core.spec.model import Alarm
from fairway.core.spec.readers.sentences import above_percent, above_seconds

__all__ = ["limits_of", "visits"]

# To one side at one look: a canary is not to fail of the probes themselves.
MOST_VISITS = 100


def limits_of(alarm: Alarm | None, analyses: int) -> Limits:
    """The absolute limits are those of the alarm (R189-R190); without one, the default ones."""
    limits = Limits(analyses=max(1, analyses))
    if alarm is None:
        return limits
    return replace(
        limits,
        error_rate=above_percent(alarm.error_rate) / 100.0,
        p95_ms=above_seconds(alarm.p95) * 1000.0,
    )


def visits(
    sides: Mapping[str, Sample],
    replicas: Mapping[str, Sequence[str]],
    limits: Limits,
    *,
    elapsed_seconds: float,
    total_seconds: float,
    look_seconds: float,
) -> Mapping[str, int]:
    """How often to ask each replica now: replica -> requests, sorted, without those of none.

    `sides`: revision -> what it answered since the step began. `replicas`: revision -> its ready
    ones. What is lacking is spread over the looks that are left.
    """
    asked: dict[str, int] = {}
    left_seconds = max(0.0, total_seconds - elapsed_seconds)
    looks = max(1, ceil(left_seconds / look_seconds))
    for revision, names in sorted(replicas.items()):
        sample = sides.get(revision, Sample(0, 0))
        answered = min(sample.requests, sample.timed)
        expected = answered / elapsed_seconds * left_seconds if elapsed_seconds > 0 else 0.0
        if not names or answered + expected >= limits.minimum:
            continue
        due = min(MOST_VISITS, ceil((limits.minimum - answered) / looks))
        for place, name in enumerate(sorted(names)):
            share = due // len(names) + (place < due % len(names))
            if share:
                asked[name] = share
    return asked
