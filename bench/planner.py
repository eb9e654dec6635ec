"""The planner: its Monte Carlo engine beside plain NumPy, a cache hit, and twenty users at once.

The engine, on 2 threads, runs in the planner's own environment, in a process of its own, so that
its memory is that of the engine, its libraries and nothing else. Each size is a fixed plan (three
correlated assets, inflation, monthly withdrawals) answered whole: paths, monthly percentiles,
intervals. Medians; kernels are compiled before any clock starts. `ratio_10k` is NumPy's time for
the same paths alone (no percentiles), divided by ours.

Then the whole app as `fairway up` serves it (`bench.planner_served`): `hit_ms` is the median of one
client's requests for a plan that is known, each recorded; `users_*` are twenty clients that ask
1,000 scenarios x 360 months each, another plan each time, without a pause.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench.planner_served import HTTP_GOALS, served
from bench.project import is_short, say
from bench.result import Result

PLANNER = Path(__file__).parent.parent / "examples" / "planner"
UV = Path(__file__).parent.parent / ".tools" / "bin" / "uv"
GOALS = {
    "ms_1k_360": "<= 5",
    "ms_10k_360": "<= 60",
    "ms_100k_600": "<= 1000",
    "peak_mib": "<= 300",
    "ratio_10k": ">= 1",
    **HTTP_GOALS,
}
MEASURE = """
import json, resource, sys, time
from longrun.engine import Asset, Plan, simulate, warm_up
from longrun.engine.plain import plain_wealth

ASSETS = (Asset(0.6, 0.07, 0.17), Asset(0.3, 0.035, 0.06), Asset(0.1, 0.025, 0.01))
MIX = ((1.0, 0.1, 0.0), (0.1, 1.0, 0.2), (0.0, 0.2, 1.0))


def seconds(function, plan, rounds):
    function(plan)
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        function(plan)
        taken.append(time.perf_counter() - began)
    return 1000 * sorted(taken)[len(taken) // 2], 1000 * min(taken)


def plan(scenarios, years):
    return Plan(1e6, 4e4, years, ASSETS, correlation=MIX, scenarios=scenarios)


rounds = int(sys.argv[1])
warm_up()
figures = {}
for name, one, times in (
    ("1k_360", plan(1000, 30), 20 * rounds),
    ("10k_360", plan(10_000, 30), 5 * rounds),
    ("100k_600", plan(100_000, 50), rounds),
):
    figures["ms_" + name], figures["best_ms_" + name] = seconds(simulate, one, times)
figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
figures["numpy_ms_1k_360"], _ = seconds(plain_wealth, plan(1000, 30), rounds)
figures["numpy_ms_10k_360"], _ = seconds(plain_wealth, plan(10_000, 30), rounds)
figures["ratio_10k"] = figures["numpy_ms_10k_360"] / figures["ms_10k_360"]
print(json.dumps(figures))
"""


def run() -> Result:
    """Make the planner's environment, and measure in it."""
    sync = [UV, "sync", "--quiet", "--locked", "--project", PLANNER, "--python", sys.executable]
    subprocess.run(sync, check=True)
    python = PLANNER / ".venv" / "bin" / "python"
    rounds = "1" if is_short() else "5"
    measured = subprocess.run(
        [python, "-c", MEASURE, rounds], cwd=PLANNER, check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(measured.stdout)
    figures |= served(100, 5) if is_short() else served(1000, 20)
    for name, value in figures.items():
        say(f"{name} {value:.2f}")
    return Result(figures, GOALS)
