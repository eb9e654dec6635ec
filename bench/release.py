"""Rolling releases under a steady load: what fails, and how much slower answers come meanwhile.

Two replicas of the weather app, PostgreSQL and the load generator share the machine. First a
flood shows what the app can answer; then a third of that flows steadily, reads and writes, over
kept and fresh connections, while a changed version is released several times. `before` is the
quiet time up to the first release, `during` all releases together, `between` the quiet after
each. Latency counts from the moment at which a request was meant to be sent. A failure is
anything but a complete 2xx with the expected body; nobody asks again.
"""

import time

from bench.first_answer import answer
from bench.project import Project, copied, is_short, median, say
from bench.result import Result
from bench.traffic import Streams, Told, capacity, fill, flowing

REQUIREMENTS = ("R145", "R146", "R221", "R222", "R223")

REQUESTS = 50_000
RELEASES = 8
SHORT_REQUESTS = 5_000
SHORT_RELEASES = 2
SHARE_OF_CAPACITY = 1 / 3
SETTLE_SECONDS = 5.0
GOALS = {"failed": "== 0", "p99_ratio": "<= 2", "requests": f">= {REQUESTS}"}
VERSION = 'version="1.0.0"'


def run() -> Result:
    """Flood, then release after release under the steady load."""
    requests = SHORT_REQUESTS if is_short() else REQUESTS
    releases = SHORT_RELEASES if is_short() else RELEASES
    with copied() as project:
        project.up_to_first_200()
        project.settle()
        fill(project)
        answered = capacity(project.port)
        rate = SHARE_OF_CAPACITY * answered
        time.sleep(SETTLE_SECONDS)
        with flowing(project.port, rate) as streams:
            seconds = released(project, streams, releases, quiet=requests / rate / (releases + 2))
            told = streams.finish()
    if told.failed:
        say(told.failures)
    return Result(figures(told, answered, rate, seconds), GOALS)


def released(project: Project, streams: Streams, releases: int, quiet: float) -> list[float]:
    """The seconds of each release, with quiet before, between and after them."""
    seconds: list[float] = []
    time.sleep(2 * quiet)
    for number in range(1, releases + 1):
        change(project, number)
        streams.mark("during")
        began = time.monotonic()
        project.fairway("deploy")
        seconds.append(time.monotonic() - began)
        streams.mark("between")
        check(project, number)
        say(f"release {number} took {seconds[-1]:.1f} s")
        time.sleep(quiet)
    return seconds


def change(project: Project, number: int) -> None:
    """Give the app's code another version."""
    file = project.folder / "weather" / "api.py"
    text = file.read_text()
    before = VERSION if number == 1 else f'version="{number - 1}.0.0-bench"'
    if before not in text:
        raise ValueError(f"the example has changed: there is no {before} in {file.name}")
    file.write_text(text.replace(before, f'version="{number}.0.0-bench"'))


def check(project: Project, number: int) -> None:
    """See that it is the new version that answers."""
    _, body = answer(project.port, "/openapi.json")
    if f"{number}.0.0-bench".encode() not in body:
        raise RuntimeError(f"release {number} is over, and another version answers")


def figures(told: Told, answered: float, rate: float, seconds: list[float]) -> dict[str, float]:
    """Reads make the percentiles: twenty times as many, and all alike."""
    before, during = told.reads.phase("before"), told.reads.phase("during")
    between = told.reads.phase("between")
    return {
        "requests": told.sent,
        "failed": told.failed,
        "releases": len(seconds),
        "release_seconds": median(seconds),
        "release_seconds_worst": max(seconds),
        "capacity_per_second": answered,
        "rate_per_second": rate,
        "before_p50_ms": before.p50_ms,
        "during_p50_ms": during.p50_ms,
        "between_p50_ms": between.p50_ms,
        "before_p99_ms": before.p99_ms,
        "during_p99_ms": during.p99_ms,
        "between_p99_ms": between.p99_ms,
        "during_max_ms": during.max_ms,
        "during_requests": during.sent,
        "p99_ratio": during.p99_ms / before.p99_ms,
        "generator_lag_p99_ms": told.reads.lag_p99_ms,
    }
