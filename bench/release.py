"""Releases of every strategy under a steady load: what fails, and how much slower answers come.

Two replicas of the weather app, PostgreSQL and the load generator share the machine. First a
flood shows what the app can answer; then a third of that flows steadily, reads and writes, over
kept and fresh connections, with a WebSocket held open, while a changed version is released again
and again: rolling, then blue/green, then by canary with analysis. `during` is all of a strategy's
releases together, and `before` all the quiet between them: so both know the same minutes of a
machine that others use too. `after` is the first seconds after each, in which what a release
leaves behind would show; it counts for neither, nor do the seconds in which all connections open.
Latency counts from the moment at which a request was meant to be sent. A failure is anything but
a complete 2xx with the expected body; nobody asks again. The WebSocket is told to come again
(1012) by each replica that goes, which is no loss; any other end is.

`bystander` is what the machine allows: the same load beside a single process that only computes,
and takes only what others leave, as the replicas do that a release starts.
"""

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.first_answer import answer
from bench.project import Project, copied, is_short, median, say
from bench.result import Result
from bench.traffic import Streams, Told, capacity, fill, flowing
from fairway.programs.priority import give_way

REQUIREMENTS = ("R145", "R146", "R148", "R149", "R151", "R221", "R222", "R223")

REQUESTS = 100_000
SHORT_REQUESTS = 5_000
SHARE_OF_CAPACITY = 1 / 3
SETTLE_SECONDS = 5.0
OPENING_SECONDS = 3.0  # all connections are new: neither before nor during
AFTER_SECONDS = 4.0
SHORTEST_QUIET_SECONDS = 5.0
BYSTANDER_SECONDS = 30.0
BYSTANDER = "while True: sum(range(1000))"
VERSION = 'version="1.0.0"'
PUBLIC = "public   = true\n"
SOCKET_PATH = "/held"
SOCKET = f"""

import fastapi as _fastapi


@app.websocket("{SOCKET_PATH}")
async def held(socket: _fastapi.WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)
"""
TOLD_TO_COME_AGAIN = "closed 1012"


@dataclass(frozen=True, slots=True)
class Strategy:
    """How it is written in the file, how often it is released, and about how long one takes."""

    name: str
    said: str
    releases: int
    seconds: float


STRATEGIES = (
    Strategy("rolling", '"rolling"', 8, 6.0),
    Strategy("blue_green", '{ blue_green = { keep = "5s" } }', 6, 10.0),
    Strategy("canary", '{ canary = { steps = ["20% for 15s", "50% for 10s"] } }', 4, 45.0),
)
GOALS = {
    f"{strategy.name}_{figure}": goal
    for strategy in STRATEGIES
    for figure, goal in (
        ("failed", "== 0"),
        ("requests", f">= {REQUESTS}"),
        ("p99_ratio", "<= 2"),
        ("socket_lost", "== 0"),
    )
}


def run() -> Result:
    """Flood, then strategy after strategy under the steady load."""
    figures: dict[str, float] = {}
    with copied() as project:
        source = project.folder / "weather" / "api.py"
        source.write_text(source.read_text() + SOCKET)
        project.up_to_first_200()
        project.settle()
        fill(project)
        answered = capacity(project.port)
        figures["capacity_per_second"] = answered
        figures["rate_per_second"] = SHARE_OF_CAPACITY * answered
        number = 0
        for strategy in STRATEGIES:
            use(project, strategy)
            time.sleep(SETTLE_SECONDS)
            told = measured(project, strategy, figures["rate_per_second"], number)
            number += int(told["releases"])
            figures |= {f"{strategy.name}_{name}": value for name, value in told.items()}
        figures |= beside_a_bystander(project, figures["rate_per_second"])
    return Result(figures, GOALS)


def beside_a_bystander(project: Project, rate: float) -> dict[str, float]:
    """How much slower answers come while a processor's rest is used up."""
    seconds = SHORTEST_QUIET_SECONDS if is_short() else BYSTANDER_SECONDS
    with flowing(project.port, rate) as streams:
        streams.mark("opening")
        time.sleep(OPENING_SECONDS)
        streams.mark("before")
        time.sleep(seconds)
        with bystander():
            streams.mark("during")
            time.sleep(seconds)
            streams.mark("after")
        reads = streams.finish().reads
    before, during = reads.phase("before").p99_ms, reads.phase("during").p99_ms
    return {
        "bystander_before_p99_ms": before,
        "bystander_p99_ms": during,
        "bystander_p99_ratio": during / before,
    }


@contextmanager
def bystander() -> Generator[None]:
    """A process that computes and stands back."""
    process = subprocess.Popen([sys.executable, "-c", BYSTANDER], start_new_session=True)
    give_way(process.pid, lambda: [process.pid], starting=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def use(project: Project, strategy: Strategy) -> None:
    """Have the file say the strategy, from the next release on."""
    file = project.folder / "fairway.toml"
    head, _, rest = file.read_text().partition(PUBLIC)
    lines = [line for line in rest.splitlines(keepends=True) if not line.startswith("release = ")]
    file.write_text(f"{head}{PUBLIC}release = {strategy.said}\n{''.join(lines)}")


def measured(project: Project, strategy: Strategy, rate: float, number: int) -> dict[str, float]:
    """The figures of one strategy; versions are numbered on from `number`."""
    requests = SHORT_REQUESTS if is_short() else REQUESTS
    releases = 1 if is_short() else strategy.releases
    whole = 1.02 * requests / rate + OPENING_SECONDS
    quiet = max(
        SHORTEST_QUIET_SECONDS,
        (whole - OPENING_SECONDS - releases * strategy.seconds) / (releases + 2),
    )
    with flowing(project.port, rate, websocket=SOCKET_PATH) as streams:
        ends_at = time.monotonic() + whole
        seconds = released(
            project, streams, strategy, range(number + 1, number + 1 + releases), quiet
        )
        time.sleep(max(0.0, ends_at - time.monotonic()))
        told = streams.finish()
    if told.failed:
        say(f"{strategy.name}: {told.failures}")
    return figures_of(told, seconds)


def released(
    project: Project, streams: Streams, strategy: Strategy, numbers: range, quiet: float
) -> list[float]:
    """The seconds of each release, with quiet before and after each."""
    seconds: list[float] = []
    streams.mark("opening")
    time.sleep(OPENING_SECONDS)
    streams.mark("before")
    time.sleep(2 * quiet)
    for number in numbers:
        change(project, number)
        streams.mark("during")
        began = time.monotonic()
        project.fairway("deploy")
        seconds.append(time.monotonic() - began)
        streams.mark("after")
        check(project, number)
        say(f"{strategy.name} release {number} took {seconds[-1]:.1f} s")
        time.sleep(AFTER_SECONDS)
        streams.mark("before")
        time.sleep(quiet - AFTER_SECONDS)
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


def figures_of(told: Told, seconds: list[float]) -> dict[str, float]:
    """Reads make the percentiles: twenty times as many, and all alike."""
    before, during = told.reads.phase("before"), told.reads.phase("during")
    after = told.reads.phase("after")
    ends = [what for _, what in told.reads.websocket if what != "open"]
    return {
        "requests": told.sent,
        "failed": told.failed,
        "releases": len(seconds),
        "release_seconds": median(seconds),
        "release_seconds_worst": max(seconds),
        "before_p50_ms": before.p50_ms,
        "during_p50_ms": during.p50_ms,
        "after_p50_ms": after.p50_ms,
        "before_p99_ms": before.p99_ms,
        "during_p99_ms": during.p99_ms,
        "after_p99_ms": after.p99_ms,
        "during_max_ms": during.max_ms,
        "p99_ratio": during.p99_ms / before.p99_ms,
        "socket_told_to_come_again": ends.count(TOLD_TO_COME_AGAIN),
        "socket_lost": len(ends) - ends.count(TOLD_TO_COME_AGAIN),
        "generator_lag_p99_ms": told.reads.lag_p99_ms,
    }
