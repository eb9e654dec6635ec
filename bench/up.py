"""How long `fairway up` takes until the first 200: from nothing, and with its data there.

The weather app and a cache: PostgreSQL, Redis, an object store, Envoy, migrations, two replicas.
Dependencies are installed and bytecode is warm before any clock starts. The clock runs from the
moment the command is typed, in a terminal, to the first 200 that comes through the balancer from
the database; somebody outside asks every 5 ms. `bare_*` is the same app without Fairway, each
program by itself, one after the other (see `bare.py`); `*_ratio` compares with it. `compose_*` is
the same shape under Docker Compose (see `compose.py`), null where no engine answers, which is
said. Each round measures all of them, so that what disturbs the machine disturbs them alike.
"""

import math
import time

from bench import bare, compose
from bench.bare import Bare
from bench.compose import Composed
from bench.first_answer import NoAnswer, wait_for_200
from bench.project import Project, copied, is_short, median, say
from bench.result import Result

REQUIREMENTS = ("R155", "R157")

GOALS = {"cold_seconds": "<= 3.0", "warm_seconds": "<= 1.5"}
ROUNDS = 7
SHORT_ROUNDS = 2
STATISTICS_SECONDS = 120.0


def run() -> Result:
    """Measure round after round; medians, with the best and the worst."""
    cold: list[float] = []
    warm: list[float] = []
    memory: list[float] = []
    bares: list[Bare] = []
    composed: list[Composed | None] = []
    with copied(with_cache=True) as project, compose.shape() as shape:
        for number in range(SHORT_ROUNDS if is_short() else ROUNDS):
            project.forget()
            cold.append(project.up_to_first_200())
            project.settle()
            memory.append(project.memory_mib)
            project.down()
            warm.append(project.up_to_first_200())
            project.settle()
            project.down()
            bares.append(bare.measure(project))
            composed.append(shape.measure())
            say(
                f"round {number + 1}: from nothing {cold[-1]:.2f} s, with data {warm[-1]:.2f} s,"
                f" bare {bares[-1].cold:.2f} and {bares[-1].warm:.2f} s{besides(composed[-1])}"
            )
    loaded = with_stations()
    bare_cold = median([each.cold for each in bares])
    bare_warm = median([each.warm for each in bares])
    return Result(
        {
            **told("cold", cold),
            **told("warm", warm),
            "bare_cold_seconds": bare_cold,
            "bare_warm_seconds": bare_warm,
            "bare_initdb_seconds": median([each.initdb for each in bares]),
            "bare_migrate_seconds": median([each.migrate for each in bares]),
            "bare_serve_seconds": median([each.serve for each in bares]),
            "cold_ratio": median(cold) / bare_cold,
            "warm_ratio": median(warm) / bare_warm,
            "first_statistics_seconds": loaded,
            "memory_mib": median(memory),
            **compose.figures(composed, median(cold)),
        },
        GOALS,
    )


def besides(composed: Composed | None) -> str:
    """The round under Compose, in words; nothing where there was none."""
    return "" if composed is None else f", compose {composed.cold:.2f} and {composed.warm:.2f} s"


def told(name: str, values: list[float]) -> dict[str, float]:
    """Median, best and worst."""
    return {
        f"{name}_seconds": median(values),
        f"{name}_seconds_best": min(values),
        f"{name}_seconds_worst": max(values),
    }


def with_stations() -> float:
    """Seconds from `fairway up` on an app that loads its sample to the first statistics."""
    with copied(with_cache=True, with_sample=True) as project:
        project.forget()
        began = time.monotonic()
        project.up_to_first_200()
        return statistics_at(project) - began


def statistics_at(project: Project) -> float:
    """When the statistics of the generated stations answer; NaN if they never do."""
    try:
        return wait_for_200(
            project.port,
            "/api/v1/weather/stats?size=1",
            seconds=STATISTICS_SECONDS,
            is_enough=lambda body: b'"data":[]' not in body,
        )
    except NoAnswer:
        return math.nan
