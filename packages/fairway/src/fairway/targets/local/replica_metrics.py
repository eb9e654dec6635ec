"""What a replica says it answered, from its own `/metrics`: per revision, which no balancer can.

All revisions of a service share one cluster of the balancer (so that sticky sessions work), so
its figures can't tell them apart; the runtime's can. Probes and metrics are not among them.
"""

import asyncio
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from fairway.core.release.analysis_sample import Sample
from fairway.targets.local.exchange import exchange
from fairway.targets.local.ports import HOST
from fairway_runtime import contract

__all__ = ["ask", "parse", "sample_of", "waiting", "with_unanswered"]

LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
LE = re.compile(r'(?:^|,)le="([^"]+)"')
BUCKET = f"{contract.DURATION_METRIC}_bucket"
GAUGE = re.compile(rf"^{contract.IN_FLIGHT_METRIC} (\S+)$", re.MULTILINE)
SECONDS = 1.0
BEGUN_SECONDS = 0.3  # the engine waits for it
VISIT_SECONDS = 10.0


async def sample_of(port: int) -> Sample | None:
    """Everything that the replica on a port has answered; None where it does not say."""
    try:
        answer = await exchange(HOST, port, "GET", contract.METRICS_PATH, seconds=SECONDS)
    except OSError:
        return None
    return parse(answer.body.decode()) if answer.status == 200 else None


def with_unanswered(sample: Sample, errors: int) -> Sample:
    """The sample, with the requests that the replica refused or cut off: it can't know of them.

    `errors` are those that the balancer counted of it *before* the replica was asked: of the
    answers 5xx among them the replica tells too, so that the rest got no answer. Both counts only
    grow, and so do the sums.
    """
    unanswered = max(0, errors - sample.errors)
    return replace(sample, requests=sample.requests + unanswered, errors=sample.errors + unanswered)


async def waiting(in_flight: int, ports: Sequence[int]) -> int:
    """How many of the requests that the balancer has out no replica has begun with (R239).

    What waits in a replica's sockets shows in no figure of the balancer. One that doesn't answer
    within 0.3 s has begun with none: it is that far behind.
    """
    return max(0, in_flight - sum(await asyncio.gather(*map(begun, ports))))


async def begun(port: int) -> int:
    """How many requests the replica on a port is at work on."""
    try:
        answer = await exchange(HOST, port, "GET", contract.METRICS_PATH, seconds=BEGUN_SECONDS)
    except OSError:
        return 0
    found = GAUGE.search(answer.body.decode())
    return int(float(found[1])) if found else 0


async def ask(port: int, paths: Sequence[str], times: int) -> None:
    """Send that many GET requests, one after the other; the replica counts how they end."""
    for number in range(times):
        with suppress(OSError):
            await exchange(HOST, port, "GET", paths[number % len(paths)], seconds=VISIT_SECONDS)


def parse(text: str) -> Sample:
    """The requests, errors and latencies in Prometheus text, over all methods and routes."""
    requests = errors = 0
    buckets: dict[float, int] = defaultdict(int)
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        name, count = found["name"], found["value"]
        if name == contract.REQUESTS_METRIC:
            requests += int(float(count))
        elif name == contract.ERRORS_METRIC:
            errors += int(float(count))
        elif name == BUCKET and (bound := LE.search(found["labels"] or "")):
            upper = math.inf if bound[1] == "+Inf" else float(bound[1]) * 1000.0
            buckets[upper] += int(float(count))
    return Sample(requests, min(requests, errors), tuple(sorted(buckets.items())))
