"""Two hundred releases in a row, every tenth broken on purpose: what visitors meet of it.

The small app on two replicas under a steady load, released rolling, blue/green and by canary in
turn. Broken ones are never ready, crash after five seconds, answer 5 % of the requests with 500,
or are ten times slower; those that only an analysis can find are released by canary. Every
broken one must be rolled back, every good one promoted. `failed_before_traffic` counts failed
requests while releases went on that never got traffic, `failed_good` those of good releases and
of the time between. `met_share_worst` is the largest share of a broken canary's visitors that
met its errors: never above the weight of the canary. `crash_failed` are requests that were with
a replica when it crashed.
"""

import time
from dataclasses import dataclass, field

from bench.load import Generator, Load, Request
from bench.plain import PlainProject, plain
from bench.project import is_short, say
from bench.result import Result

REQUIREMENTS = ("R32", "R145", "R147", "R148", "R150", "R151", "R152", "R153")

RELEASES = 200
SHORT_RELEASES = 70  # each fault once
BROKEN_EVERY = 10
RATE = 150.0
WEIGHT = 0.5
HOLD_SECONDS = 6.0
# Beside the analysed hold: starts, the analysis' own deadline, and the way back.
WINDOW_SECONDS = 45.0
FILE = """
app = "soaked"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
release = RELEASE

[service.web.timeouts]
startup = "6s"
drain = "5s"
"""
STRATEGIES = {
    "rolling": '"rolling"',
    "blue_green": '{ blue_green = { keep = "1s" } }',
    "canary": f'{{ canary = {{ steps = ["{WEIGHT:.0%} for {HOLD_SECONDS:.0f}s"] }} }}',
}
# Kept for long enough to see the crash after five seconds.
PATIENT = '{ blue_green = { keep = "7s" } }'
# Which fault is released how: what comes to light only under traffic needs a look at traffic.
BROKEN = (
    ("never_ready", "rolling"),
    ("errors", "canary"),
    ("never_ready", "blue_green"),
    ("crash", "canary"),
    ("never_ready", "canary"),
    ("slow", "canary"),
    ("crash", "blue_green"),
)
GOALS = {
    "wrong_outcomes": "== 0",
    "failed_before_traffic": "== 0",
    "failed_good": "== 0",
    "met_share_worst": f"<= {WEIGHT}",
    "broken_canary_seconds_worst": f"<= {HOLD_SECONDS + WINDOW_SECONDS}",
    "releases": f">= {RELEASES}",
}


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    broken: int = 0
    wrong: list[str] = field(default_factory=list[str])
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def note(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)


def run() -> Result:
    """One load over all releases, marked by what is released meanwhile."""
    count = SHORT_RELEASES if is_short() else RELEASES
    tally = Tally()
    with plain(FILE.replace("RELEASE", STRATEGIES["rolling"])) as project:
        requests = (Request("/", weight=9), Request("/", method="POST", weight=1))
        with Generator(Load(project.port, requests, RATE)) as load:
            for number in range(1, count + 1):
                release(project, load, number, tally)
            told = load.finish()
    phases = {window.name: window for window in told.phases}
    canaries = [name for name in ("errors", "slow") if name in phases]
    figures = {
        "releases": count,
        "broken": tally.broken,
        "wrong_outcomes": len(tally.wrong),
        "requests": told.total.sent,
        "failed": told.total.failed,
        "failed_good": sum(phases[name].failed for name in ("before", "good") if name in phases),
        "failed_before_traffic": phases["never_ready"].failed if "never_ready" in phases else 0,
        "crash_failed": phases["crash"].failed if "crash" in phases else 0,
        "met_share_worst": max(
            (phases[name].failed / phases[name].sent for name in canaries), default=0.0
        ),
        "broken_canary_seconds_worst": max(
            (each for name in canaries for each in tally.seconds[name]), default=0.0
        ),
        **{f"{name}_seconds_mean": sum(all_) / len(all_) for name, all_ in tally.seconds.items()},
    }
    for wrong in tally.wrong:
        say(wrong)
    say(f"failed: {dict(told.total.failures)}")
    return Result(figures, GOALS)


def release(project: PlainProject, load: Generator, number: int, tally: Tally) -> None:
    """One release, good or broken, and whether it ended as it must."""
    fault, strategy = "none", tuple(STRATEGIES)[number % len(STRATEGIES)]
    if number % BROKEN_EVERY == 0:
        fault, strategy = BROKEN[tally.broken % len(BROKEN)]
        tally.broken += 1
    patient = (fault, strategy) == ("crash", "blue_green")
    project.write(FILE.replace("RELEASE", PATIENT if patient else STRATEGIES[strategy]))
    project.version(str(number), fault)
    load.mark("good" if fault == "none" else fault)
    began = time.monotonic()
    promoted, said = project.deploy()
    seconds = time.monotonic() - began
    tally.note(f"good_{strategy}" if fault == "none" else fault, seconds)
    load.mark("good")
    if promoted != (fault == "none"):
        tally.wrong.append(f"release {number} ({fault}, {strategy}) ended wrong:\n{said}")
    if number % BROKEN_EVERY == 0:
        say(f"release {number}: {fault} by {strategy} was over after {seconds:.1f} s")
