"""A step from 10 to 300 requests a second and back, on an endpoint that computes.

One replica of the small app, which may become two (as many as the machine has processors: a
Python process fills one). `up_seconds` is from the step to the new replica's readiness: the
rules look at a whole minute (R236) or at a queue (R239). `down_seconds` is from the end of the
step until there is one again: five calm minutes (R240). No request may fail. A full run draws
docs/pictures/autoscale.svg: rate, replicas and the p95 over the seconds.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from bench.load import Generator, Load, Request
from bench.plain import PlainProject, plain
from bench.project import is_short, say
from bench.result import Result
from bench.timeline import Panel, picture

REQUIREMENTS = ("R236", "R239", "R240")

PICTURE = Path(__file__).parent.parent / "docs/pictures/autoscale.svg"
LOW, HIGH = 10.0, 300.0
CALM_SECONDS = 20.0
HIGH_SECONDS = 60.0  # after the new capacity is there
UP_LIMIT_SECONDS = 180.0
DOWN_LIMIT_SECONDS = 480.0
LOOK_SECONDS = 1.0
FILE = """
app = "scaled"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = "1..2"
"""
GOALS = {
    "failed": "== 0",
    "up_seconds": "<= 75",
    "down_seconds": "<= 330",
    "replicas_most": "== 2",
    "replicas_end": "== 1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One look: `at` in seconds (monotonic), `rate` requests a second; None: nothing was timed."""

    at: float
    rate: float
    wanted: int
    ready: int
    p95_ms: float | None


@dataclass(slots=True)
class Watch:
    """Looks at the app once a second, until told to stop."""

    project: PlainProject
    moments: list[Moment]
    rate: float = LOW

    def look(self) -> Moment:
        service = self.project.look().services[0]
        moment = Moment(
            at=time.monotonic(),
            rate=self.rate,
            wanted=service.wanted,
            ready=service.ready,
            p95_ms=service.p95_ms,
        )
        self.moments.append(moment)
        return moment

    def until(self, ready: int, seconds: float) -> float:
        """Seconds until so many replicas are ready; NaN where they never were."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            moment = self.look()
            if moment.ready == ready == moment.wanted:
                return passed
            time.sleep(LOOK_SECONDS)
        return float("nan")

    def during(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            self.look()
            time.sleep(LOOK_SECONDS)


def run() -> Result:
    """Calm, step, calm."""
    with plain(FILE, replicas=1) as project:
        watch = Watch(project, [])
        sent = failed = 0
        with flow(project, LOW) as load:
            watch.during(CALM_SECONDS)
            calm = load.finish()
        watch.rate = HIGH
        with flow(project, HIGH) as load:
            up = watch.until(2, UP_LIMIT_SECONDS)
            load.mark("scaled")
            say(f"two replicas after {up:.0f} s")
            watch.during(5.0 if is_short() else HIGH_SECONDS)
            high = load.finish()
        watch.rate = LOW
        with flow(project, LOW) as load:
            down = float("nan") if is_short() else watch.until(1, DOWN_LIMIT_SECONDS)
            say(f"one replica after {down:.0f} s")
            low = load.finish()
        for each in (calm, high, low):
            sent += each.total.sent
            failed += each.total.failed
            if each.total.failed:
                say(f"failed: {dict(each.total.failures)}")
    if not is_short():
        PICTURE.write_text(drawn(watch.moments))
    return Result(
        {
            "requests": sent,
            "failed": failed,
            "up_seconds": up,
            "down_seconds": down,
            "replicas_most": max(each.ready for each in watch.moments),
            "replicas_end": watch.moments[-1].ready,
            "calm_p95_ms": calm.total.p95_ms,
            "one_replica_p95_ms": high.phase("before").p95_ms,
            "two_replicas_p95_ms": high.phase("scaled").p95_ms,
        },
        GOALS,
    )


def drawn(moments: list[Moment]) -> str:
    """The picture."""
    begin = moments[0].at
    timed = [(each.at - begin, each.p95_ms) for each in moments if each.p95_ms is not None]
    return picture(
        "A step in the load, and the replicas that follow",
        (
            Panel("requests a second", [(each.at - begin, each.rate) for each in moments]),
            Panel("replicas ready", [(each.at - begin, each.ready) for each in moments]),
            Panel("p95, ms", timed),
        ),
    )


def flow(project: PlainProject, rate: float) -> Generator:
    """A steady load on the endpoint that computes."""
    return Generator(Load(project.port, (Request("/burn"),), rate, timeout_seconds=60.0))
