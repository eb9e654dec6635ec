"""What the runtime library costs: in this process, over HTTP, and against the usual stack.

Over HTTP: one worker each of the same FastAPI app, bare and with everything on (ids, logs, metrics,
limits, timeouts, security headers, CORS, HSTS, a rate limit), without spans, with 10 % and with all
of them sent to a collector; and of the app as it is usually wired, with six libraries from PyPI in
an environment that this makes. A server has one core, clients and collector the other. Rounds of
all servers take turns, and each ratio is of a round to the bare one's beside it; medians of these
are the figures, so that what else the machine does hurts both.

In this process: what each feature adds to a request of the same app (a full run draws
docs/pictures/runtime-cost.svg of it), what breaker, cache and retry add to a call that succeeds,
and the Redis limiter against a bare EVALSHA. And how soon `/health` answers beside a loop that
computes.
"""

from pathlib import Path

from bench.bars import bars
from bench.project import is_short, say
from bench.result import Result
from bench.runtime_calls import calls, limiter
from bench.runtime_features import features
from bench.runtime_http import http
from bench.runtime_probes import probes
from bench.runtime_usage import usage

PICTURE = Path(__file__).parent.parent / "docs/pictures/runtime-cost.svg"
REQUIREMENTS = ("R158", "R161", "R166", "R184", "R216")

GOALS = {
    "throughput_ratio": ">= 0.80",
    "throughput_ratio_10_percent_spans": ">= 0.75",
    "throughput_ratio_all_spans": ">= 0.60",
    "p99_ratio": "<= 1.3",
    "usual_stack_ratio": ">= 6",
    "failed": "== 0",
    "breaker_us": "<= 1",
    "cache_hit_us": "<= 1",
    "retry_us": "<= 1",
    "redis_limiter_ratio": "<= 1.5",
    "import_ms": "<= 60",
    "memory_mb": "<= 15",
    "health_busy_ms": "<= 100",
}


def run() -> Result:
    """All of it; the parts tell their tables on stderr."""
    rounds = 4 if is_short() else 40
    figures: dict[str, float] = {}
    figures |= usage(rounds)
    figures |= calls(rounds)
    figures |= limiter(rounds)
    figures |= probes(rounds)
    costs = features(rounds)
    figures |= costs
    table(costs)
    if not is_short():
        PICTURE.write_text(drawn(costs))
    figures |= http(rounds)
    return Result(figures, GOALS)


WORDS = {
    "id_metrics_timeout_drain_us": "ids, metrics, timeout, drain",
    "log_line_us": "a log line",
    "security_headers_us": "security headers and HSTS",
    "cors_us": "CORS",
    "rate_limit_us": "rate limit, in memory",
    "all_us": "all of these together",
    "spans_10_percent_us": "spans of one request in ten",
    "spans_all_us": "spans of every request",
}


def drawn(costs: dict[str, float]) -> str:
    """The table as a picture for the guide."""
    title = f"Added to a request of a FastAPI app, which takes {costs['bare_us']:.0f} µs by itself"
    return bars(title, [(words, costs[name]) for name, words in WORDS.items()], "µs")


def table(costs: dict[str, float]) -> None:
    """Each feature's cost, with a bar for it."""
    widest = max(*costs.values(), 0.1)
    for name, cost in costs.items():
        bar = "#" * round(40 * max(cost, 0) / widest)
        say(f"{name:34} {cost:8.2f} {bar}")
