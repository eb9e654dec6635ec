"""What visitors ask of the weather app, and how much of it this machine can answer.

Reads as its pages do them, and one write in twenty: the statistics of five small stations computed
anew, which is a transaction on the database. (The other write, a load of files, starts a process;
`ingest` measures it.) Nine requests of ten come over kept connections, one over its own.
"""

import json
import time
from collections.abc import Generator as Generates
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from bench.first_answer import answer
from bench.load import Generator, Load, Request
from bench.load_report import Report
from bench.project import Project, say

__all__ = ["Streams", "Told", "capacity", "fill", "flowing"]

FRESH_SHARE = 0.1
WRITE_SHARE = 0.05
FLOOD_RATE = 2000.0
FLOOD_SECONDS = 2.0
FLOOD_TIMEOUT_SECONDS = 120.0
WRITE = Request("/api/v1/weather/statistics/calculate", method="POST", expect="station_years")


def fill(project: Project) -> None:
    """Five stations and their statistics."""
    project.exec("python", "-m", "weather.generate", "--upload", "--small")
    project.exec("python", "-m", "weather.ingest")
    project.exec("python", "-m", "weather.statistics")


def reads(port: int) -> tuple[Request, ...]:
    """A page of each station's days, of its years, and of the stations."""
    _, body = answer(port, "/api/v1/stations")
    stations = [str(each["station_id"]) for each in json.loads(body)["data"]]
    days = [Request(f"/api/v1/weather?station_id={each}&size=10", weight=3) for each in stations]
    years = [Request(f"/api/v1/weather/stats?station_id={each}") for each in stations]
    return (*days, *years, Request("/api/v1/stations", weight=2))


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the reads and of the writes."""

    reads: Report
    writes: Report

    @property
    def sent(self) -> int:
        return self.reads.total.sent + self.writes.total.sent

    @property
    def failed(self) -> int:
        return self.reads.total.failed + self.writes.total.failed

    @property
    def failures(self) -> str:
        """What failed, in words."""
        return f"reads {dict(self.reads.total.failures)}, writes {dict(self.writes.total.failures)}"


@dataclass(frozen=True, slots=True)
class Streams:
    """Reads and writes under way, each from a generator of its own."""

    reads: Generator
    writes: Generator

    def mark(self, phase: str) -> None:
        """From now on, requests belong to `phase`."""
        self.reads.mark(phase)
        self.writes.mark(phase)

    def finish(self) -> Told:
        """Stop, and report."""
        return Told(self.reads.finish(), self.writes.finish())


@contextmanager
def flowing(port: int, rate: float, *, websocket: str | None = None) -> Generates[Streams]:
    """A steady load of `rate` requests a second, reads and writes together.

    The reads' generator holds a `websocket` open, if there is one.
    """
    reading = Load(
        port,
        reads(port),
        (1 - WRITE_SHARE) * rate,
        fresh_share=FRESH_SHARE,
        websocket=websocket,
    )
    writing = Load(port, (WRITE,), WRITE_SHARE * rate, fresh_share=FRESH_SHARE)
    with ExitStack() as stack:
        yield Streams(
            reads=stack.enter_context(Generator(reading)),
            writes=stack.enter_context(Generator(writing)),
        )


def capacity(port: int) -> float:
    """Requests a second that are answered while there are always more to answer.

    Many come at once, the mix of `flowing`, and are sent as connections become free.
    """
    reading = reads(port)
    weight = sum(each.weight for each in reading)
    writing = replace(WRITE, weight=max(1, round(weight * WRITE_SHARE / (1 - WRITE_SHARE))))
    flood = Load(
        port,
        (*reading, writing),
        FLOOD_RATE,
        fresh_share=FRESH_SHARE,
        keepalive=24,
        max_connections=32,
        timeout_seconds=FLOOD_TIMEOUT_SECONDS,
    )
    began = time.monotonic()
    with Generator(flood) as generator:
        time.sleep(FLOOD_SECONDS)
        total = generator.finish().total
    answered = (total.sent - total.failed) / (time.monotonic() - began)
    say(f"capacity: {answered:.0f} requests a second; of {total.sent} failed {total.failed}")
    return answered
