"""What a replica says it answered, from its own `/metrics`: per revision, which no balancer can.

All revisions of a service share one cluster of the balancer (so that sticky sessions work), so
its figures can't tell them apart; the runtime's can. Probes and metrics are not among them.
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from fairway.core.release.analysis_sample import Sample
from fairway.targets.local.exchange import exchange
from fairway.targets.local.ports import HOST
from fairway_runtime import contract

__all__ = ["ask", "parse", "sample_of"]

LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
LE = re.compile(r'(?:^|,)le="([^"]+)"')
BUCKET = f"{contract.DURATION_METRIC}_bucket"
SECONDS = 1.0
VISIT_SECONDS = 10.0


async def sample_of(port: int) -> Sample | None:
    """Everything that the replica on a port has answered; None where it does not say."""
    try:
        answer = await exchange(HOST, port, "GET", contract.METRICS_PATH, seconds=SECONDS)
    except OSError:
        return None
    return parse(answer.body.decode()) if answer.status == 200 else None


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
