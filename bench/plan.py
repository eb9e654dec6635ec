"""`fairway plan production` of the weather app, offline, against `cdk synth` of the same shape.

Each clock runs from the start of a process to its end, in turns, so that a busy machine slows
both. `cdk_app_seconds` is the stack's own program without the command around it. Then apps of 1 to
200 services: what the last hundred cost beside the first, by the fastest of some runs. Where there
is no npm the figures of the CDK are missing, and their goals are missed.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.plan_cdk import installed
from bench.project import EXAMPLE, OURS, is_short, median, say
from bench.result import Result
from fairway.cli.plan_aws import price_table

REQUIREMENTS = ("R263",)

ROUNDS = 11
CDK_ROUNDS = 3
SIZES = (1, 50, 100, 200)
TRIES = 5
GOALS = {
    "plan_seconds": "<= 0.5",
    "ratio": ">= 20",
    "services_200_seconds": "<= 3",
    "growth": "<= 1.2",
    "prices_ms": "<= 10",
}
CHANGES = 2  # the exit code of a plan with changes


def run() -> Result:
    """All figures; medians where nothing else is said."""
    figures: dict[str, float] = {"prices_ms": prices_ms()}
    cdk = installed()
    fairway, synth, app = list[float](), list[float](), list[float]()
    plan(EXAMPLE)
    if cdk is None:
        say("there is no npm here: the CDK is not measured")
    else:
        cdk.synth()
    for number in range(3 if is_short() else ROUNDS):
        fairway.append(plan(EXAMPLE))
        if cdk is not None and number < (1 if is_short() else CDK_ROUNDS):
            synth.append(cdk.synth())
            app.append(cdk.app())
            say(f"plan {fairway[-1]:.2f} s, cdk synth {synth[-1]:.1f} s")
    figures["plan_seconds"] = median(fairway)
    figures["plan_seconds_worst"] = max(fairway)
    if cdk is not None:
        figures["cdk_seconds"] = median(synth)
        figures["cdk_app_seconds"] = median(app)
        figures["cdk_resources"] = cdk.resources()
        figures["ratio"] = figures["cdk_seconds"] / figures["plan_seconds"]
    return Result({**figures, **growth()}, GOALS)


def growth() -> dict[str, float]:
    """Seconds by how many services; what one more costs from 100 to 200, over 1 to 100."""
    fastest: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as made:
        folders = {count: Path(made, str(count)) for count in SIZES}
        for count, folder in folders.items():
            folder.mkdir()
            (folder / "fairway.toml").write_text(many(count))
        for _ in range(1 if is_short() else TRIES):
            for count, folder in folders.items():
                seconds = plan(folder)
                fastest[count] = min(seconds, fastest.get(count, seconds))
    first = (fastest[100] - fastest[1]) / 99
    second = (fastest[200] - fastest[100]) / 100
    say(f"{second * 1000:.1f} ms for one more service")
    found = {f"services_{count}_seconds": seconds for count, seconds in fastest.items()}
    return {**found, "growth": second / first}


def plan(folder: Path) -> float:
    """Seconds of one plan, process start to exit."""
    argv = (str(Path(sys.executable).with_name("fairway")), "plan", "production", "-C", str(folder))
    environment = {name: text for name, text in os.environ.items() if name not in OURS}
    began = time.monotonic()
    done = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode != CHANGES:
        raise RuntimeError(f"fairway plan ended with {done.returncode}\n{done.stderr.decode()}")
    return seconds


def prices_ms() -> float:
    """Milliseconds to read one region's prices."""
    times: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        price_table("eu-central-1")
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def many(count: int) -> str:
    """An app of so many services: chains of ten, each with a public head; 40 to a database."""
    lines = ['app = "many"', "[bucket.files]"]
    lines += [f"[database.db{number}]\nzones = 2" for number in range(-(-count // 40))]
    for number in range(count):
        uses = [f"db{number // 40}", "files"]
        uses += [f"s{number - 1:03}"] if number % 10 else []
        lines += [
            f"[service.s{number:03}]",
            f'asgi = "many.s{number:03}:app"',
            f"uses = {uses}".replace("'", '"'),
            f"public = {'true' if number % 10 == 0 else 'false'}",
            'replicas = "2..10"',
        ]
    return "\n".join(lines) + "\n"
